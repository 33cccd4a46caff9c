/**
 * The whole of a host that takes part in a network with 9,900 endpoints on 99 other hosts: berthd and berth-netd, bridge, tunnel and names.
 * The others are simulated in the cluster store. suites/cluster.ts has the registry alone.
 */
import { startCluster } from '../../test/overlay/hosts.ts';
import { netdProcesses } from '../../test/dns/support.ts';
import { residentMegabytes } from '../process.ts';
import { figures } from '../stats.ts';
import { apiVerbs } from '../verbs.ts';
import type { Simulated } from '../workers/simulated-hosts.ts';
import { startWorker } from './callers.ts';
import { target, type Row, type SuiteContext } from './suite.ts';

const NETWORK = 'crowded';

export async function joining({ quick, say }: SuiteContext): Promise<Row[]> {
  const size = quick ? 10 : 99;
  say(`a host takes part in a network with ${size * 100} endpoints`);
  const started: number[] = [];
  const berthd: number[] = [];
  const netd: number[] = [];
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    await using cluster = await startCluster(1, { args: ['--cluster-lease=60', '--cluster-timeout=20'] });
    const [a] = cluster.members;
    if (!a) throw new Error('there is no host');
    await a.daemon.dockerOk('network', 'create', '-d', 'overlay', '--subnet', '10.1.0.0/16', NETWORK);
    await a.daemon.dockerOk('network', 'create', 'other');
    await a.daemon.dockerOk('run', '-d', '--network', 'other', 'busybox', 'sleep', '1000000');
    const id = (await a.daemon.dockerOk('network', 'inspect', '-f', '{{.Id}}', NETWORK)).trim();
    const simulated: Simulated = {
      etcd: cluster.etcd.endpoints,
      prefix: '/berth',
      hosts: size,
      endpoints: 100,
      networks: [{ id, base: '10.1' }],
    };
    await using _others = await startWorker(a.host, 'simulated-hosts.ts', { SIMULATED: simulated }, String);
    const last = `service-${size * 100 - 1}`;
    await using stack = new AsyncDisposableStack();
    const verbs = apiVerbs('berth', a.daemon.socket);
    stack.defer(() => verbs.close());
    await verbs.create('one', { network: NETWORK });
    const [names = 0] = netdProcesses(a.host);
    const before = [residentMegabytes([a.daemon.pid]), residentMegabytes([names])] as const;
    const began = performance.now();
    await verbs.start('one');
    // The last of them has a name here, too. It is only asked for: nobody is there to answer a ping.
    while ((await a.daemon.docker('exec', 'one', 'nslookup', '-type=a', `${last}.`)).code !== 0);
    started.push(performance.now() - began);
    berthd.push(residentMegabytes([a.daemon.pid]) - before[0]);
    netd.push(residentMegabytes([names]) - before[1]);
  }
  return [
    {
      what: `the first container on a network with ${size * 100} endpoints on ${size} other hosts, until all their names are known`,
      unit: 'ms',
      figures: { berth: figures(started) },
      targets: target('longest (ms)', Math.max(...started), 2000),
    },
    {
      what: 'what that takes more of memory, resident',
      unit: 'MB',
      figures: { berthd: figures(berthd), 'berth-netd': figures(netd) },
      targets: target('berthd (MB)', Math.max(...berthd), 60),
    },
  ];
}
