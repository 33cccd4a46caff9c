/** Hosts whose tunnel is bound to one link, on the wire of an underlay. */
import type { TunnelPlan } from '../../src/drivers/plan.ts';
import { hasWireguard } from '../../src/linux/wireguard.ts';
import { interfacePlan } from '../network/kernel-support.ts';
import { json } from '../network/support.ts';
import type { Underlay } from '../support/underlay.ts';
import { BRIDGE, startOverlayHost, TUNNEL, tunnelPlan } from './data-plane-support.ts';
import type { OverlayHost } from './data-plane-support.ts';

/** For `skip`: what the kernel lacks; false when it has it. */
export const withoutWireguard = hasWireguard() ? false : 'the kernel has no WireGuard (CONFIG_WIREGUARD)';

/** Host n, whose tunnel leaves by `link` alone; there `inner` is its address. */
export async function startBoundHost(
  underlay: Underlay,
  n: number,
  bound: { family: 4 | 6; link: string; mtu: number; prepare: (host: OverlayHost) => Promise<{ inner: string }> },
): Promise<OverlayHost> {
  const host = await startOverlayHost(underlay, n, bound.family);
  const { inner } = await bound.prepare(host);
  const { link, mtu } = bound;
  host.plan = tunnelPlan(n, bound.family, { local: inner, link, mtu });
  await host.kernel.ensureTunnel(host.plan);
  return host;
}

/** Container n, behind the host that has this inner address. */
export const boundPeer = (n: number, inner: string) => {
  const { mac, addresses } = interfacePlan(n, BRIDGE);
  return { mac, addresses: addresses.map((one) => one.replace(/\/.*$/, '')), host: inner };
};

interface FdbEntry {
  mac: string;
  dst?: string;
  viaIf?: string;
}

/** Where frames go: '<MAC> <host> <link>', sorted. */
export async function entriesOf({ host }: OverlayHost): Promise<string[]> {
  const entries = await json<FdbEntry[]>(host.run('bridge', '-j', 'fdb', 'show', 'dev', TUNNEL));
  return entries
    .flatMap(({ mac, dst, viaIf }) => (dst === undefined ? [] : [`${mac} ${dst} ${viaIf ?? ''}`]))
    .toSorted();
}

/**
 * How many IPv4 frames have come in by the tunnel: since the first call, which begins to count. Not its own counter, in which the
 * containers' reports of groups (MLD) are as well, whenever they like.
 */
export async function received({ host }: OverlayHost): Promise<number> {
  const table = ['netdev', 'arrived'];
  if ((await host.exec(['nft', 'list', 'table', ...table])).code !== 0) {
    const chain = `{ type filter hook ingress device "${TUNNEL}" priority 0; }`;
    await host.run('nft', 'add', 'table', ...table);
    await host.run('nft', 'add', 'chain', ...table, 'frames', chain);
    await host.run('nft', 'add', 'rule', ...table, 'frames', 'ether', 'type', 'ip', 'counter');
  }
  const said = await host.run('nft', 'list', 'chain', ...table, 'frames');
  return Number(/counter packets (\d+)/.exec(said)?.[1]);
}

/** A frame of the network as one would write it who knows its number: VXLAN's header (RFC 7348 section 5), and an empty IPv4 packet. */
export function frameOf({ vni }: TunnelPlan, to: string, from: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 8;
  header.writeUInt32BE(vni * 256, 4);
  const addresses = Buffer.from(`${to}${from}`.replaceAll(':', ''), 'hex');
  return Buffer.concat([header, addresses, Buffer.from([8, 0]), Buffer.alloc(46)]);
}
