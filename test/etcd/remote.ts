/**
 * The client in a throw-away host, for a test that is outside of it:
 *
 *     await using etcd = connect(host, { endpoints, timeout: 2000 });   // an Etcd, run by remote-process.ts
 *
 * When it is disposed of it is closed, upon which the process must come to its end by itself, without a complaint.
 */
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { deserialize, serialize } from 'node:v8';
import { EtcdError } from '../../src/cluster/etcd/error.ts';
import type { Etcd, EtcdErrorCode, EtcdOptions, WatchListener } from '../../src/cluster/etcd/port.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';

type Method = Exclude<keyof Etcd, 'watch' | 'close'>;

export interface Request {
  id: number;
  method: Method | 'watch' | 'unwatch' | 'close';
  args: readonly unknown[];
}

export type Answer =
  | { id: number; value: unknown }
  | { id: number; code: EtcdErrorCode; message: string }
  | { id: number; told: string; args: readonly unknown[] };

export const encode = (value: unknown): string => serialize(value).toString('base64');
export const decode = (line: string): unknown => deserialize(Buffer.from(line, 'base64'));

export interface RemoteEtcd extends Etcd, AsyncDisposable {}

const NODE = new URL('../../scripts/node.sh', import.meta.url).pathname;
const PROCESS = new URL('remote-process.ts', import.meta.url).pathname;

export function connect(host: Host, options: EtcdOptions): RemoteEtcd {
  const child = host.spawn(['sh', NODE, PROCESS], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ETCD_OPTIONS: encode(options) },
  });
  // It has ended before its time, which its complaints tell of.
  child.stdin?.on('error', () => undefined);
  let complaints = '';
  child.stderr?.on('data', (data: Buffer) => (complaints += data.toString()));
  const waiting = new Map<number, (answer: Answer) => void>();
  const listeners = new Map<number, WatchListener>();
  let next = 0;
  const send = (method: Request['method'], args: readonly unknown[]): number => {
    child.stdin?.write(`${encode({ id: ++next, method, args } satisfies Request)}\n`);
    return next;
  };
  assert.ok(child.stdout);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer = decode(line) as Answer;
    if (!('told' in answer)) {
      waiting.get(answer.id)?.(answer);
      waiting.delete(answer.id);
      return;
    }
    const told = listeners.get(answer.id)?.[answer.told as keyof WatchListener] as
      ((...args: unknown[]) => void) | undefined;
    told?.(...answer.args);
  });
  let gone = false;
  const settleAll = (): void => {
    for (const [id, settle] of waiting) {
      settle({ id, code: 'unavailable', message: `the client's process has ended\n${complaints}` });
    }
  };
  child.once('exit', () => {
    gone = true;
    settleAll();
  });
  const call = async <M extends Method>(
    method: M,
    args: Parameters<Etcd[M]>,
  ): Promise<Awaited<ReturnType<Etcd[M]>>> => {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    waiting.set(send(method, args), resolve);
    if (gone) settleAll();
    const answer = await promise;
    if ('value' in answer) return answer.value as Awaited<ReturnType<Etcd[M]>>;
    assert.ok('code' in answer);
    throw new EtcdError(answer.code, answer.message);
  };
  return {
    get: (...args) => call('get', args),
    transact: (...args) => call('transact', args),
    grant: (...args) => call('grant', args),
    keepAlive: (...args) => call('keepAlive', args),
    revoke: (...args) => call('revoke', args),
    members: (...args) => call('members', args),
    addMember: (...args) => call('addMember', args),
    promoteMember: (...args) => call('promoteMember', args),
    removeMember: (...args) => call('removeMember', args),
    status: (...args) => call('status', args),
    watch(keys, from, listener) {
      const id = send('watch', [keys, from]);
      listeners.set(id, listener);
      return {
        close() {
          listeners.delete(id);
          send('unwatch', [id]);
        },
      };
    },
    close: () => void send('close', []),
    async [Symbol.asyncDispose]() {
      send('close', []);
      await until(() => gone, 15_000, "the end of the client's process");
      assert.deepEqual({ code: child.exitCode, complaints }, { code: 0, complaints: '' });
    },
  };
}
