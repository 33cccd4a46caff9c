/** An engine that many clients list, inspect and watch at once, while containers start and end. */
import { EngineClient } from '../api.ts';
import type { Peer } from '../peers/peer.ts';
import { figures } from '../stats.ts';
import type { Asked } from '../workers/clients.ts';
import { startWorker } from './callers.ts';
import { oneLife, removeAll, startMany } from './lifecycle.ts';
import { target, type Row, type SuiteContext } from './suite.ts';

const QUESTIONS = { networks: 'network ls', containers: 'ps', inspect: 'inspect of a container' } as const;

interface Measured extends Asked {
  lives: number;
}

export async function load({ peers, quick, say }: SuiteContext): Promise<Row[]> {
  const clients = quick ? 20 : 200;
  const measured = new Map<string, Measured>();
  for (const peer of peers) {
    if (peer.socket === undefined) continue;
    say(`${clients} clients of ${peer.name}`);
    measured.set(peer.name, await underLoad(peer, peer.socket, clients, quick ? 3 : 20));
  }
  const notes = [...measured].map(
    ([name, { lives, events }]) => `${name}: ${lives} containers were made and ended meanwhile, ${events} events told`,
  );
  return Object.entries(QUESTIONS).map(([question, what]) => {
    const all = [...measured].map(
      ([name, samples]) => [name, figures(samples[question as keyof typeof QUESTIONS])] as const,
    );
    const berth = all.find(([name]) => name === 'berth')?.[1].p99 ?? Number.NaN;
    return {
      what: `${what}, asked by ${clients} clients while containers start and end`,
      unit: 'ms',
      figures: Object.fromEntries(all),
      targets: question === 'networks' ? target('99th percentile (ms)', berth, 20) : [],
      notes,
    };
  });
}

/** Ten containers stay; others are made, end and are removed one after the other, as fast as it goes. */
async function underLoad({ host }: Peer, socket: string, clients: number, seconds: number): Promise<Measured> {
  const own = new EngineClient(socket);
  const { ids } = await startMany(own, 10);
  try {
    await using worker = await startWorker<Asked | undefined>(
      host,
      'clients.ts',
      { SOCKET: socket, CLIENTS: clients, CONTAINER: ids[0] },
      (line) => (line === 'ready' ? undefined : (JSON.parse(line) as Asked)),
    );
    let lives = 0;
    let over = false;
    const living = (async () => {
      for (; !over; lives++) await oneLife(own);
    })();
    const asked = await worker.ask(`${seconds}`);
    over = true;
    await living;
    if (asked === undefined) throw new Error('the clients said nothing');
    return { ...asked, lives };
  } finally {
    await removeAll(own, ids);
    own.close();
  }
}
