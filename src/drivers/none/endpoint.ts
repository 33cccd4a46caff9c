/** Nothing but lo, which every namespace has. */
export const planEndpoint = (): undefined => undefined;
