/** What two hundred running containers cost: the start of the next one, and memory. */
import { EngineClient } from '../api.ts';
import type { Peer } from '../peers/peer.ts';
import { proportionalMegabytes, residentMegabytes } from '../process.ts';
import { figures, type Figures } from '../stats.ts';
import { growth, oneLife, removeAll, startMany } from './lifecycle.ts';
import { target, type Row, type SuiteContext } from './suite.ts';

const one = (value: number): Figures => figures([value]);

export async function scale({ peers, say }: SuiteContext, count: number): Promise<Row[]> {
  const start: Row = {
    what: `create + start of a container, the first 20 and the last 20 of ${count} (the others: of ${Math.ceil(count / 4)})`,
    unit: 'ms',
    figures: {},
    targets: [],
  };
  const memory: Row = {
    what: 'memory (resident; monitors: proportional, for each container)',
    unit: 'MB',
    figures: {},
    targets: [],
  };
  for (const peer of peers) {
    if (!peer.socket) continue;
    // A quarter of them says what the others take, too: they would be most of the whole run.
    const share = peer.name === 'berth' ? count : Math.ceil(count / 4);
    say(`${share} containers on ${peer.name}`);
    await scaleOf(peer, peer.socket, share, start, memory);
  }
  return [start, memory];
}

async function scaleOf(peer: Peer, socket: string, count: number, start: Row, memory: Row): Promise<void> {
  const client = new EngineClient(socket);
  memory.figures[`${peer.name} daemon, 0 containers`] = one(residentMegabytes(peer.daemonPids()));
  const { ids, times } = await startMany(client, count);
  const { first, last } = growth(times);
  start.figures[`${peer.name}, first`] = first;
  start.figures[`${peer.name}, last`] = last;
  const resident = residentMegabytes(peer.daemonPids());
  memory.figures[`${peer.name} daemon, ${count} containers`] = one(resident);
  memory.figures[`${peer.name} monitor, each`] = one(proportionalMegabytes(peer.monitorPids()) / count);
  if (peer.name === 'berth') {
    start.targets.push(...target(`berth: last / first of ${count}`, last.median / first.median, 1.2));
    memory.targets.push(...target(`berth daemon with ${count} containers (MB)`, resident, 120));
  }
  await removeAll(client, ids);
  client.close();
}

/** Memory of Berth's daemon over many lives: after a warm-up it must not grow. */
export async function cycles({ peers, say }: SuiteContext, count: number): Promise<Row[]> {
  const berth = peers.find((peer) => peer.name === 'berth');
  if (!berth?.socket) return [];
  const client = new EngineClient(berth.socket);
  const warmUp = Math.ceil(count / 4);
  const row: Row = { what: `memory over ${count} run/rm cycles`, unit: 'MB', figures: {}, targets: [] };
  for (let i = 1; i <= count; i++) {
    await oneLife(client);
    if (i === warmUp || i === count) {
      say(`cycle ${i} of ${count}`);
      row.figures[`berth daemon after ${i}`] = one(residentMegabytes(berth.daemonPids()));
    }
  }
  client.close();
  const at = (i: number): number => row.figures[`berth daemon after ${i}`]?.median ?? Number.NaN;
  row.targets.push(...target(`growth from cycle ${warmUp} to ${count} (MB)`, at(count) - at(warmUp), 10));
  return [row];
}
