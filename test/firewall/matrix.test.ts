/**
 * Who reaches whom, by real packets, over TCP and UDP, in both families, with both backends.
 *
 * Every network has the machines `web` and `peer`. web serves port 80, published at every address of the host; 81, not published;
 * 82, published at 127.0.0.1; 83, at the address that the outside knows. `other` is the web of another network in mode nat, `lan` a
 * machine outside with a route to all subnets. A cell says whom the one that was reached saw as its client, '-' that nobody was reached; `gw` is the host's
 * address on the network's bridge, `host` the one that the outside knows; `proxy`: the host's own socket was reached, where
 * Berth's proxy would sit. a/b: by IPv4 and by IPv6. a|b: where bridges keep their packets to themselves, and where br_netfilter
 * shows them to the firewall (firewall/hairpin.ts).
 */
import assert from 'node:assert/strict';
import type { PortRule } from '../../src/drivers/plan.ts';
import { hostTest, OUTSIDE } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { BACKENDS, createLab, startFirewall } from './support.ts';
import type { Lab, LabNetwork, Machine } from './support.ts';

const NETWORKS: readonly LabNetwork[] = [
  { name: 'nat', mode: 'nat' },
  { name: 'open', mode: 'nat-unprotected' },
  { name: 'routed', mode: 'routed' },
  { name: 'isolated', mode: 'isolated', internal: true },
  { name: 'internal', mode: 'nat', internal: true },
  { name: 'closed', mode: 'nat', interContainer: false },
  { name: 'other', mode: 'nat' },
];

const EXPECTED = `
                         nat    open   routed  isolated  internal  closed
peer  > web:80           peer   peer   peer    peer      peer      -
peer  > web:81           peer   peer   peer    peer      peer      -
peer  > host:80          gw     gw     -       -         -         gw|proxy
peer  > host:82          -      -      -       -         -         -
web   > host:80          gw|proxy gw|proxy -   -         -         gw|proxy
other > host:80          gw     gw     -       -         -         gw
other > gw:80            gw     gw     -       -         -         gw
other > host:82          -      -      -       -         -         -
other > web:80           -      gw     gw      -         -         -
other > web:81           -      gw     -       -         -         -
host  > web:80           gw     gw     gw      -         gw        gw
host  > web:81           gw     gw     gw      -         gw        gw
host  > host:80          host   host   -       -         -         host
host  > gw:80            gw     gw     -       -         -         gw
host  > host:82          -      -      -       -         -         -
host  > loopback:80      gw/proxy gw/proxy -   -         -         gw/proxy
host  > loopback:82      gw/-   gw/-   -       -         -         gw/-
lan   > host:80          lan    lan    -       -         -         lan
lan   > host:81          -      -      -       -         -         -
lan   > host:82          -      -      -       -         -         -
lan   > host:83          lan    lan    -       -         -         lan
host  > host:83          host   host   -       -         -         host
host  > loopback:83      -      -      -       -         -         -
other > host:83          gw     gw     -       -         -         gw
lan   > web:80           -      lan    lan     -         -         -
lan   > web:81           -      lan    -       -         -         -
web   > lan:9            host   host   web     -         -         host
web   > gw:9             web    web    web     -         web       web
web   > other:80         -      -      -       -         -         -
`;

const HOST = { 4: OUTSIDE.host4, 6: OUTSIDE.host6 };
const ANY = { 4: '0.0.0.0', 6: '::' };

/** In mode 'routed' a port's host address does not matter: it is opened, not translated. */
const published = (lab: Lab, { name, mode, internal }: LabNetwork, index: number): PortRule[] => {
  if (internal === true) return [];
  return ([4, 6] as const).flatMap((family) =>
    (['tcp', 'udp'] as const).flatMap((protocol) => {
      const places = { 80: ANY[family], 82: '127.0.0.1', 83: HOST[family] };
      return (
        ([80, 82, 83] as const)
          // [::1] is the proxy's.
          .filter((port) => port !== 82 || family === 4)
          .map((port) => ({
            bridge: `br-${name}`,
            protocol,
            hostAddress: mode === 'routed' ? ANY[family] : places[port],
            hostPort: mode === 'routed' ? 0 : hostPort(port, index),
            address: lab.address(name, 'web', family),
            port,
          }))
      );
    }),
  );
};
const hostPort = (port: number, index: number): number => 8000 + 10 * index + (port - 80);

interface Cell {
  from: string;
  to: string;
  port: number;
  network: string;
  expected: string;
}

function cells(): Cell[] {
  const [head = '', ...rows] = EXPECTED.split('\n').filter((line) => line.trim() !== '');
  const networks = head.trim().split(/\s+/);
  return rows.flatMap((row) => {
    const [, from = '', to = '', port = '', seen = ''] = /^(\w+)\s+> (\w+):(\d+)\s+(.*)$/.exec(row) ?? [];
    const expected = seen.trim().split(/\s+/);
    assert.equal(expected.length, networks.length, row);
    return networks.map((network, index) => ({
      from,
      to,
      port: Number(port),
      network,
      expected: expected[index] ?? '',
    }));
  });
}

async function check(lab: Lab, cell: Cell, family: 4 | 6, protocol: 'tcp' | 'udp', filter: boolean): Promise<string[]> {
  const { network, from, to, port } = cell;
  const index = NETWORKS.findIndex(({ name }) => name === network);
  const addresses: Record<string, string> = {
    web: lab.address(network, 'web', family),
    peer: lab.address(network, 'peer', family),
    gw: lab.address(network, 'gateway', family),
    other: lab.address('other', 'web', family),
    host: family === 4 ? OUTSIDE.host4 : OUTSIDE.host6,
    lan: family === 4 ? OUTSIDE.ip4 : OUTSIDE.ip6,
    loopback: family === 4 ? '127.0.0.1' : '::1',
  };
  const machines: Record<string, Machine> = {
    web: lab.web(network),
    peer: lab.peer(network),
    other: lab.web('other'),
    host: lab.host,
    lan: lab.lan,
  };
  const byFamily = cell.expected.split('/').at(family === 4 ? 0 : -1) ?? '';
  const seen = byFamily.split('|').at(filter ? -1 : 0) ?? '';
  const direct = ['web', 'lan', 'other'].includes(to) || port === 9;
  const said = await machines[from]?.reach({
    protocol,
    address: addresses[to] ?? '',
    port: direct ? port : hostPort(port, index),
    expected: seen !== '-',
  });
  const answering = to === 'lan' ? 'lan' : port === 9 || seen === 'proxy' ? 'host' : `web-${network}`;
  const client = seen === 'proxy' ? addresses[from === 'host' ? to : from] : addresses[seen];
  const wanted = seen === '-' ? '-' : `${answering} ${client}`;
  if (said === wanted) return [];
  return [
    `${filter ? 'with' : 'without'} br_netfilter, ${network}, ${protocol} over IPv${family}: ` +
      `${from} > ${to}:${port}: ${said}, not ${wanted}`,
  ];
}

const ping = async (host: Host, address: string): Promise<boolean> =>
  (await host.outside.exec(['ping', '-c1', '-W1', address])).code === 0;

for (const backend of BACKENDS) {
  hostTest(`${backend}: who reaches whom`, { outside: true }, async (host) => {
    await using lab = await createLab(host, NETWORKS);
    await using firewall = await startFirewall(host, backend);
    await Promise.all([
      lab.lan.listen(9),
      lab.host.listen(
        9,
        ...['nat', 'open', 'closed'].map((name) =>
          hostPort(
            80,
            NETWORKS.findIndex((n) => n.name === name),
          ),
        ),
      ),
      ...NETWORKS.map(async ({ name }) => lab.web(name).listen(80, 81, 82, 83)),
    ]);
    // Half of it in one piece, the rest as it would come in a day.
    const [first, second] = [NETWORKS.slice(0, 3), NETWORKS.slice(3)];
    const portsOf = (networks: readonly LabNetwork[]): PortRule[] =>
      networks.flatMap((network) => published(lab, network, NETWORKS.indexOf(network)));
    await firewall.set({ networks: first.flatMap(({ name }) => lab.rules(name)), ports: portsOf(first) });
    for (const network of second) await firewall.change({ add: { networks: lab.rules(network.name) } });
    await firewall.change({ add: { ports: portsOf(second) } });

    for (const filter of [true, false]) {
      await host.run(
        'sh',
        '-c',
        `for f in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do echo ${Number(filter)} >$f; done`,
      );
      await firewall.set({ networks: NETWORKS.flatMap(({ name }) => lab.rules(name)), ports: portsOf(NETWORKS) });
      const wrong = await Promise.all(
        cells().flatMap((cell) =>
          ([4, 6] as const).flatMap((family) =>
            (['tcp', 'udp'] as const).map(async (protocol) => check(lab, cell, family, protocol, filter)),
          ),
        ),
      );
      assert.deepEqual(wrong.flat(), []);
    }

    // Mode 'routed' answers pings, as Docker has it.
    const pings = NETWORKS.flatMap(({ name }) =>
      ([4, 6] as const).map(async (family) => ((await ping(host, lab.address(name, 'web', family))) ? [name] : [])),
    );
    assert.deepEqual((await Promise.all(pings)).flat(), ['open', 'open', 'routed', 'routed']);
    await firewall.remove();
    assert.deepEqual(firewall.warnings, []);
  });
}
