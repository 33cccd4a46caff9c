/** Options of an overlay network. */
export const checkOptions = (): void => {};
