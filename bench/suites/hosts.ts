/**
 * Networks that span hosts: how long until another host reaches a container that was just started, by its name, and what a
 * container costs the cluster store. Two hosts, each with its own berthd, and an etcd of one member on a third.
 */
import { idle } from '../../test/e2e/support.ts';
import { startCluster } from '../../test/overlay/hosts.ts';
import { figures, type Figures } from '../stats.ts';
import { apiVerbs } from '../verbs.ts';
import { startAsking } from './asking.ts';
import { target, type Row, type SuiteContext } from './suite.ts';

const NETWORK = 'wide';

export async function hosts({ rounds, say }: SuiteContext): Promise<Row[]> {
  say('two hosts: a container that another host reaches');
  await using cluster = await startCluster(2, { args: ['--cluster-lease=30'] });
  const [a, b] = cluster.members;
  if (!a || !b) throw new Error('there are not two hosts');
  await using stack = new AsyncDisposableStack();
  const onA = apiVerbs(a.name, a.daemon.socket);
  stack.defer(() => onA.close());
  await onA.createNetwork(NETWORK, 'overlay');
  while ((await b.daemon.api('GET', `/networks/${NETWORK}`)).status !== 200);
  await idle(b.daemon, 'asking', '--network', NETWORK);
  const asking = stack.use(await startAsking(b, 'asking'));
  const revision = async (): Promise<number> => {
    const answer = JSON.parse(await cluster.etcd.ctl('get', '--write-out=json', 'x')) as {
      header: { revision: number };
    };
    return answer.header.revision;
  };

  const measured: Record<string, number[]> = { 'first on its host': [], 'beside another': [], 'start alone': [] };
  let writes = 0;
  const once = async (kind: 'first on its host' | 'beside another', name: string): Promise<void> => {
    await onA.create(name, { network: NETWORK });
    const before = await revision();
    const began = performance.now();
    const reached = asking.until(name);
    await onA.start(name);
    measured['start alone']?.push(performance.now() - began);
    measured[kind]?.push((await reached) - began);
    writes = Math.max(writes, (await revision()) - before);
    await onA.remove(name);
  };
  for (let round = -1; round < rounds; round++) {
    await once('first on its host', `first${round}`);
    if (round < 0) for (const list of Object.values(measured)) list.length = 0;
  }
  await onA.create('there', { network: NETWORK });
  await onA.start('there');
  for (let round = 0; round < rounds; round++) await once('beside another', `beside${round}`);

  const shown: Record<string, Figures> = Object.fromEntries(
    Object.entries(measured).map(([kind, list]) => [kind, figures(list)]),
  );
  const slowest = Math.max(shown['first on its host']?.median ?? NaN, shown['beside another']?.median ?? NaN);
  return [
    {
      what: 'start of a container on one host, until another host has its name and its first ping is answered',
      unit: 'ms',
      figures: shown,
      targets: [...target('median (ms)', slowest, 150), ...target('writes to etcd', writes, 2)],
    },
  ];
}
