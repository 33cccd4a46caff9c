/** The container sees the host's interfaces; it gets none of its own. */
export const planEndpoint = (): undefined => undefined;
