/**
 * Which entries of conntrack a change makes false. Pure. NAT is decided by a flow's first packet; a UDP client that goes on sending
 * from one socket keeps its flow alive, so after a change it would for ever be sent where the port led before: to the container
 * that is gone, or to the host itself when the port was not published yet. TCP ends by itself: what answers now sends a reset.
 */
import type { FirewallState } from './firewall.ts';
import type { PlannedChange } from './state.ts';
import { familyOf } from './state.ts';

export interface StaleFlow {
  family: 4 | 6;
  /** Of the host, as the client addressed it; the container's may be another. */
  port: number;
  /** '' for every address of the host. */
  address: string;
}

export type StaleFlows = readonly StaleFlow[];

export function staleFlows({ removed, added }: Record<keyof PlannedChange, FirewallState>): StaleFlow[] {
  const flows = new Map<string, StaleFlow>();
  for (const { protocol, hostAddress, hostPort } of [...removed.ports, ...added.ports]) {
    if (protocol !== 'udp' || hostPort === 0) continue;
    const every = hostAddress === '0.0.0.0' || hostAddress === '::';
    const flow = { family: familyOf(hostAddress), port: hostPort, address: every ? '' : hostAddress };
    flows.set(`${flow.family} ${flow.port} ${flow.address}`, flow);
  }
  return [...flows.values()];
}
