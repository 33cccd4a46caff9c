/**
 * A LAN with a DHCP server on a throw-away host: the host's link `uplink` leads to a switch (br0, 192.0.2.1) in a namespace of its own, on which
 * dnsmasq lends addresses and other hosts may be.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Host, Place } from '../support/host.ts';
import { childrenOf } from '../support/snapshot.ts';
import { until } from '../support/wait.ts';

export const missing = existsSync('/usr/sbin/dnsmasq') ? false : 'dnsmasq is missing (Debian: dnsmasq-base)';

export const ROUTER = '192.0.2.1';
export const PARENT = 'uplink';

export interface DhcpServer {
  /** What dnsmasq said. */
  log(): string;
  /** 'address hostname client-id' of every lease. */
  leases(): string[];
  /** It is no more; its leases stay in its file. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** First and last address. */
  range?: readonly [string, string];
  /** Seconds: T1; the shortest that dnsmasq takes is 3. */
  renew?: number;
  /** Without what earlier servers lent. */
  fresh?: boolean;
  /** It is the LAN's name server, too: name → address. */
  names?: Readonly<Record<string, string>>;
  args?: readonly string[];
}

const namesOf = (names: Readonly<Record<string, string>>): string[] =>
  Object.entries(names).map(([name, address]) => `--address=/${name}/${address}`);

export interface Lan extends AsyncDisposable {
  /** The router and server of the LAN. */
  readonly place: Place;
  serve(options?: ServerOptions): Promise<DhcpServer>;
  /** A namespace whose eth0 is a macvlan link of the uplink, up, without an address. */
  client(name: string, mac: string): Promise<Place & { path: string }>;
  /** Another host of the LAN. */
  foreigner(name: string, address: string): Promise<Place>;
}

export async function createLan(host: Host): Promise<Lan> {
  const names: string[] = [];
  const servers = new Set<ChildProcess>();
  const leaseFile = `${host.root}/dnsmasq.leases`;
  const namespace = async (name: string): Promise<Place> => {
    names.push(name);
    // `ip netns add` would leave a mount on /run/netns.
    await host.run('sh', '-c', `touch /run/netns/${name} && unshare --net=/run/netns/${name} true`);
    await host.run('ip', '-n', name, 'link', 'set', 'lo', 'up');
    const enter = ['ip', 'netns', 'exec', name];
    return {
      exec: async (argv, options) => host.exec([...enter, ...argv], options),
      run: async (...argv) => host.run(...enter, ...argv),
      spawn: (argv, options) => host.spawn([...enter, ...argv], options),
    };
  };
  const end = async (child: ChildProcess): Promise<void> => {
    if (!servers.delete(child) || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    for (const pid of childrenOf(child.pid ?? 0)) process.kill(pid, 'SIGTERM');
    await exited;
  };

  const place = await namespace('lan');
  await place.run('ip', 'link', 'add', 'br0', 'type', 'bridge');
  await place.run('ip', 'addr', 'add', `${ROUTER}/24`, 'dev', 'br0');
  await place.run('ip', 'link', 'set', 'br0', 'up');
  await host.run('ip', 'link', 'add', PARENT, 'type', 'veth', 'peer', 'name', 'up0', 'netns', 'lan');
  await place.run('ip', 'link', 'set', 'up0', 'master', 'br0', 'up');
  await host.run('ip', 'link', 'set', PARENT, 'up');

  return {
    place,
    async serve({ range = ['192.0.2.100', '192.0.2.120'], renew, fresh = false, names: hosts, args = [] } = {}) {
      if (fresh) writeFileSync(leaseFile, '');
      const child = place.spawn(
        [
          'dnsmasq',
          '--no-daemon',
          '--conf-file=/dev/null',
          ...(hosts ? ['--no-resolv', '--no-hosts', ...namesOf(hosts)] : ['--port=0']),
          '--user=root',
          '--pid-file=',
          '--interface=br0',
          '--bind-interfaces',
          '--no-ping',
          '--dhcp-authoritative',
          `--dhcp-leasefile=${leaseFile}`,
          `--dhcp-range=${range.join()},255.255.255.0,2m`,
          ...(renew === undefined ? [] : [`--dhcp-option=58,${renew}`]),
          ...args,
        ],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
      servers.add(child);
      let log = '';
      child.stderr?.on('data', (data: Buffer) => (log += data.toString()));
      await until(() => log.includes('DHCP, sockets bound') || child.exitCode !== null, 5000, 'dnsmasq');
      assert.equal(child.exitCode, null, log);
      return {
        log: () => log,
        leases: () =>
          (existsSync(leaseFile) ? readFileSync(leaseFile, 'utf8') : '')
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => line.split(' ').slice(2).join(' ')),
        stop: async () => end(child),
      };
    },
    async client(name, mac) {
      const box = await namespace(name);
      await host.run('ip', 'link', 'add', `m-${name}`, 'link', PARENT, 'type', 'macvlan', 'mode', 'bridge');
      await host.run('ip', 'link', 'set', `m-${name}`, 'netns', name, 'name', 'eth0', 'address', mac);
      await host.run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
      return { ...box, path: `/run/netns/${name}` };
    },
    async foreigner(name, address) {
      const other = await namespace(name);
      await place.run('ip', 'link', 'add', `p-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      await place.run('ip', 'link', 'set', `p-${name}`, 'master', 'br0', 'up');
      await other.run('ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      await other.run('ip', 'link', 'set', 'eth0', 'up');
      return other;
    },
    async [Symbol.asyncDispose]() {
      for (const child of servers) await end(child);
      await host.exec(['ip', 'link', 'del', PARENT]);
      for (const name of names) await host.run('sh', '-c', `umount -l /run/netns/${name} && rm /run/netns/${name}`);
    },
  };
}

/** 'address/length' of eth0, IPv4. */
export async function addressesOf(place: Place): Promise<string[]> {
  const links = JSON.parse(await place.run('ip', '-j', '-4', 'addr', 'show', 'eth0')) as {
    addr_info?: { local: string; prefixlen: number }[];
  }[];
  return links.flatMap(({ addr_info = [] }) => addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`));
}

/** Gateways of default routes. */
export async function gatewaysOf(place: Place): Promise<string[]> {
  const routes = JSON.parse(await place.run('ip', '-j', '-4', 'route', 'show', 'default')) as { gateway: string }[];
  return routes.map(({ gateway }) => gateway);
}
