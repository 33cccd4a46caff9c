/** What the end-to-end tests of networks share: containers that tell who asks them, and clients in every place. */
import { existsSync } from 'node:fs';
import type { Daemon } from '../support/daemon.ts';
import type { Host, Place } from '../support/host.ts';

/** Arguments of a command as one types them; none has a space in it. */
export const words = (text: string): string[] => text.split(' ');

/** The machine's own programs (socat, dig) inside a container of busybox. */
const TOOLS = ['/usr', '/lib', '/lib64']
  .filter((path) => existsSync(path))
  .flatMap((path) => ['-v', `${path}:${path}:ro`]);

/** Every client of a port hears who answers, and by which address it is seen: 'web 198.51.100.1'. */
function server(name: string, protocol: 'TCP' | 'UDP', port: number): string {
  const listen = protocol === 'TCP' ? `TCP6-LISTEN:${port},reuseaddr` : `UDP6-RECVFROM:${port}`;
  return `socat ${listen},ipv6only=0,fork SYSTEM:'echo ${name} $SOCAT_PEERADDR'`;
}

/**
 * Starts a container that listens on TCP and UDP `ports`; `flags` as of `docker run`. Resolves with its id when it
 * listens.
 */
export async function serve(
  daemon: Daemon,
  name: string,
  flags: readonly string[],
  ports: readonly number[] = [80],
): Promise<string> {
  const servers = ports.flatMap((port) => [server(name, 'TCP', port), server(name, 'UDP', port)]);
  // /proc/net lists sockets in hexadecimal.
  const listening = ports
    .map((port) => `grep -q :${port.toString(16).toUpperCase().padStart(4, '0')} /proc/net/tcp6 /proc/net/udp6`)
    .join(' && ');
  const script = `${servers.map((line) => `${line} &`).join(' ')} wait`;
  const id = await daemon.dockerOk('run', '-d', '--name', name, ...TOOLS, ...flags, 'busybox', 'sh', '-c', script);
  await daemon.dockerOk('exec', name, 'sh', '-c', `until ${listening}; do usleep 5000; done`);
  return id;
}

/** A container that does nothing; it has the tools as well. */
export const idle = async (daemon: Daemon, name: string, ...flags: string[]): Promise<string> =>
  daemon.dockerOk('run', '-d', '--name', name, ...TOOLS, ...flags, 'busybox', 'sleep', '1000');

/** A container as a place to run programs in. */
export const inside = (daemon: Daemon, name: string): Pick<Place, 'exec'> => ({
  exec: async (argv) => daemon.docker('exec', name, ...argv),
});

/** What a server of serve() answers: 'web 198.51.100.1'; '' when there is no answer within a second. */
export async function ask(
  from: Pick<Place, 'exec'>,
  address: string,
  port: number,
  protocol: 'tcp' | 'udp' = 'tcp',
): Promise<string> {
  const target = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  // Datagrams may be lost: they are sent up to three times.
  // A TCP server that ends with unread input resets the connection, and its answer may be lost: nothing is sent to it.
  const command =
    protocol === 'tcp'
      ? `timeout 2 socat -u TCP:${target},connect-timeout=1 -`
      : `for i in 1 2 3; do echo | timeout 2 socat -t0.4 - UDP:${target} | grep . && break; done`;
  const { stdout } = await from.exec(['sh', '-c', command]);
  return stdout.trim().replace(/\[(\S+)\]/, (_, text: string) => shortAddress(text));
}

/** '0000:…:ffff:c633:6401' as socat writes it → '198.51.100.1'; 'fd00:0000:…:0001' → 'fd00::1'. */
function shortAddress(text: string): string {
  const mapped = /(?:^::|^(?:0000:){5})ffff:([0-9a-f]{2})([0-9a-f]{2}):([0-9a-f]{2})([0-9a-f]{2})$/.exec(text);
  if (mapped)
    return mapped
      .slice(1)
      .map((byte) => Number.parseInt(byte, 16))
      .join('.');
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

export async function pidOf(daemon: Daemon, name: string): Promise<string> {
  return daemon.dockerOk('inspect', '-f', '{{.State.Pid}}', name);
}

/** argv that enters the network namespace of a container, for host.exec. */
export async function enter(daemon: Daemon, name: string): Promise<string[]> {
  return ['nsenter', '-t', await pidOf(daemon, name), '-n'];
}

/** 'eth0 10.9.0.7/24' … of all interfaces but lo, link-local addresses left out. */
export async function addresses(host: Host, daemon: Daemon, name: string): Promise<string[]> {
  const text = await host.run(...(await enter(daemon, name)), 'ip', '-j', 'addr');
  const links = JSON.parse(text) as {
    ifname: string;
    addr_info: { local: string; prefixlen: number; scope: string }[];
  }[];
  return links
    .filter(({ ifname }) => ifname !== 'lo')
    .flatMap(({ ifname, addr_info }) =>
      addr_info.filter(({ scope }) => scope === 'global').map((one) => `${ifname} ${one.local}/${one.prefixlen}`),
    );
}

/** Names of a container as dig prints them, sorted: addresses, or the text of a PTR. */
export async function dig(daemon: Daemon, from: string, ...query: string[]): Promise<string[]> {
  const { stdout } = await daemon.docker('exec', from, 'dig', '+short', '+time=1', '+tries=1', ...query);
  return stdout.split('\n').filter(Boolean).toSorted();
}

/** The status of the answer: 'NOERROR', 'NXDOMAIN'…, with the number of answers. */
export async function digStatus(daemon: Daemon, from: string, ...query: string[]): Promise<string> {
  const { stdout } = await daemon.docker('exec', from, 'dig', '+time=1', '+tries=1', ...query);
  return `${/status: (\w+)/.exec(stdout)?.[1]} ${/ANSWER: (\d+)/.exec(stdout)?.[1]}`;
}
