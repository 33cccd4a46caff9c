/** Links looked up by name, and what the kernel's refusals mean to whoever runs the daemon. */
import { unavailable } from '../errors.ts';
import { SysError } from './libc.ts';
import { decodeLink, getLink } from './netlink/link.ts';
import type { LinkInfo } from './netlink/link.ts';
import type { NetlinkSocket } from './netlink/socket.ts';

export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof SysError && codes.includes(error.code);

export function findLink(socket: NetlinkSocket, name: string): LinkInfo | undefined {
  try {
    const [answer] = socket.transact([getLink(name)]);
    return answer && decodeLink(answer.payload);
  } catch (error) {
    if (hasCode(error, 'ENODEV')) return undefined;
    throw error;
  }
}

export function needLink(socket: NetlinkSocket, name: string): LinkInfo {
  const found = findLink(socket, name);
  if (!found) throw new Error(`no such link: ${name}`);
  return found;
}

/** All of them, with one question. */
export function needLinks(socket: NetlinkSocket, names: readonly string[]): LinkInfo[] {
  try {
    return socket.transact(names.map(getLink)).map(({ payload }) => decodeLink(payload));
  } catch (error) {
    if (hasCode(error, 'ENODEV')) throw new Error(`no such link: one of ${names.join(', ')}`, { cause: error });
    throw error;
  }
}

/** ifindex of each name. A name that comes several times is asked for once. */
export function indexesOf(socket: NetlinkSocket, names: readonly string[]): (name: string) => number {
  const indexes = new Map([...new Set(names)].map((name) => [name, needLink(socket, name).index]));
  return (name) => indexes.get(name) ?? 0;
}

/** Module and option of the kernel for each kind of link. */
const KINDS = {
  bridge: { module: 'bridge', option: 'CONFIG_BRIDGE' },
  veth: { module: 'veth', option: 'CONFIG_VETH' },
  macvlan: { module: 'macvlan', option: 'CONFIG_MACVLAN' },
  ipvlan: { module: 'ipvlan', option: 'CONFIG_IPVLAN' },
  vlan: { module: '8021q', option: 'CONFIG_VLAN_8021Q' },
  vxlan: { module: 'vxlan', option: 'CONFIG_VXLAN' },
  wireguard: { module: 'wireguard', option: 'CONFIG_WIREGUARD' },
} as const;

/** Runs `body`, which makes links of `kind`; `bridges` are those that they become ports of. */
export function explaining<T>(kind: keyof typeof KINDS, bridges: readonly string[], body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (hasCode(error, 'EOPNOTSUPP')) {
      const { module, option } = KINDS[kind];
      throw unavailable(`this kernel cannot make ${kind} interfaces: load the module ${module} (${option})`, error);
    }
    if (hasCode(error, 'EPERM')) {
      throw unavailable(`making a ${kind} interface was refused: berthd needs CAP_NET_ADMIN`, error);
    }
    // find_portno in the kernel's br_if.c: port numbers have 10 bits, and 0 is none.
    if (hasCode(error, 'EXFULL')) {
      const names = [...new Set(bridges)].join(', ');
      throw unavailable(
        `bridge ${names} has 1023 ports, as many as a Linux bridge can have: use another network`,
        error,
      );
    }
    throw error;
  }
}
