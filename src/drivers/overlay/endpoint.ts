/** One container of an overlay network on this host. */
export const planEndpoint = (): undefined => undefined;
