/** The client as a process inside a throw-away host: what remote.ts speaks with. One message a line, both ways. */
import { createInterface } from 'node:readline';
import { createEtcd } from '../../src/cluster/etcd/client.ts';
import { EtcdError } from '../../src/cluster/etcd/error.ts';
import type { EtcdOptions, Keys, Watch } from '../../src/cluster/etcd/port.ts';
import type { Answer, Request } from './remote.ts';
import { decode, encode } from './remote.ts';

// The first address is asked first: tests say by whom they are answered.
Math.random = () => 0;
const etcd = createEtcd(decode(process.env['ETCD_OPTIONS'] ?? '') as EtcdOptions);
const watches = new Map<number, Watch>();
const say = (answer: Answer): void => void process.stdout.write(`${encode(answer)}\n`);

async function serve({ id, method, args }: Request): Promise<void> {
  if (method === 'watch') {
    const [keys, from] = args as [Keys, bigint];
    const tell =
      (name: string) =>
      (...told: unknown[]): void =>
        say({
          id,
          told: name,
          args: told.map((one) => (one instanceof EtcdError ? { code: one.code, message: one.message } : one)),
        });
    const names = ['started', 'events', 'compacted', 'interrupted', 'resumed'] as const;
    const [started, events, compacted, interrupted, resumed] = names.map(tell);
    if (!started || !events || !compacted || !interrupted || !resumed) return;
    watches.set(id, etcd.watch(keys, from, { started, events, compacted, interrupted, resumed }));
  } else if (method === 'unwatch') {
    watches.get(args[0] as number)?.close();
  } else if (method === 'close') {
    etcd.close();
    lines.close();
    process.stdin.destroy();
  } else {
    try {
      const call = etcd[method] as (...args: unknown[]) => Promise<unknown>;
      say({ id, value: await call.apply(etcd, [...args]) });
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      say({ id, code: error.code, message: error.message });
    }
  }
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => void serve(decode(line) as Request));
