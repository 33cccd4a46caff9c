/**
 * create, start, wait, remove over the Engine API on one kept connection: the daemon's work without a client's process.
 * The floor is conmon and the runtime alone, started the way the daemon starts them; the difference is the daemon's share.
 */
import { EngineClient } from '../api.ts';
import type { Floor } from '../floor.ts';
import { figures, interleaved, timed } from '../stats.ts';
import { target, type Row, type SuiteContext } from './suite.ts';

const CONTAINER = { Image: 'busybox', Cmd: ['true'], HostConfig: { NetworkMode: 'bridge' } };
const SLEEPER = { Image: 'busybox', Cmd: ['sleep', '100000'], HostConfig: { NetworkMode: 'bridge' } };

/** One whole life of a container that ends by itself. */
export async function oneLife(client: EngineClient): Promise<void> {
  const { Id } = await client.call<{ Id: string }>('POST', '/containers/create', CONTAINER);
  await client.call('POST', `/containers/${Id}/start`);
  await client.call('POST', `/containers/${Id}/wait`);
  await client.call('DELETE', `/containers/${Id}`);
}

export async function lifecycle({ peers, rounds, say }: SuiteContext, floor: Floor): Promise<Row[]> {
  say('create, start, wait, remove over the API');
  const clients = new Map(
    peers.flatMap((peer) => (peer.socket ? [[peer.name, new EngineClient(peer.socket)] as const] : [])),
  );
  const contenders = new Map<string, () => Promise<number>>(
    [...clients].map(([name, client]) => [name, () => timed(() => oneLife(client))]),
  );
  contenders.set('floor (conmon + crun)', () => timed(() => floor.oneLife()));
  const measured = await interleaved(contenders, rounds, 3);
  const median = (name: string): number => measured.get(name)?.median ?? Number.NaN;
  for (const client of clients.values()) client.close();
  return [
    {
      what: 'create + start + wait + remove, in the daemon',
      unit: 'ms',
      figures: Object.fromEntries(measured),
      targets: [
        ...target(
          "the daemon's own share: berth less the floor (ms)",
          median('berth') - median('floor (conmon + crun)'),
          15,
        ),
        ...target('berth / dockerd', median('berth') / median('dockerd'), 0.25),
      ],
    },
  ];
}

/** Starts `count` sleeping containers; returns their IDs and how long each took to create and start. */
export async function startMany(client: EngineClient, count: number): Promise<{ ids: string[]; times: number[] }> {
  const ids: string[] = [];
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    times.push(
      await timed(async () => {
        const { Id } = await client.call<{ Id: string }>('POST', '/containers/create', SLEEPER);
        ids.push(Id);
        await client.call('POST', `/containers/${Id}/start`);
      }),
    );
  }
  return { ids, times };
}

export async function removeAll(client: EngineClient, ids: readonly string[]): Promise<void> {
  for (const id of ids) await client.call('DELETE', `/containers/${id}?force=1`);
}

/** The first ten starts against those after which `count` containers run. */
export function growth(times: readonly number[]): {
  first: ReturnType<typeof figures>;
  last: ReturnType<typeof figures>;
} {
  return { first: figures(times.slice(1, 21)), last: figures(times.slice(-20)) };
}
