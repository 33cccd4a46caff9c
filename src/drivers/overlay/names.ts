/** Names on the host of what an overlay network makes; at most 15 bytes. */
export const bridgeName = (networkId: string): string => `br-${networkId.slice(0, 12)}`;
export const tunnelName = (networkId: string): string => `vx-${networkId.slice(0, 12)}`;
