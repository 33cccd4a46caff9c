/** There is nothing to choose. */
export const checkOptions = (): void => {};
