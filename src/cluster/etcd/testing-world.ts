/** What the scenarios of the contract are given, and the words that they use. */
import assert from 'node:assert/strict';
import { EtcdError } from './error.ts';
import type { Etcd, EtcdErrorCode, Operation } from './port.ts';

export interface World {
  /** Of two hosts. */
  a: Etcd;
  b: Etcd;
  /** Begins all keys; ends with '/'. */
  prefix: string;
  compact: (revision: bigint) => Promise<void>;
  /** Time goes by, so that leases end. */
  pass: (seconds: number) => Promise<void>;
}

export type Scenario = (world: World) => Promise<void>;

export const bytes = (text: string): Buffer => Buffer.from(text);
export const put = (key: string, value: string, lease?: bigint): Operation => ({
  put: key,
  value: bytes(value),
  ...(lease === undefined ? {} : { lease }),
});

export async function write(etcd: Etcd, ...then: Operation[]): Promise<bigint> {
  const { succeeded, revision } = await etcd.transact({ when: [], then });
  assert.ok(succeeded);
  return revision;
}

export async function refused(call: Promise<unknown>, code: EtcdErrorCode): Promise<void> {
  const error = await call.then(
    () => assert.fail(`was not refused with ${code}`),
    (error: unknown) => error,
  );
  assert.ok(error instanceof EtcdError, String(error));
  assert.equal(error.code, code, error.message);
}
