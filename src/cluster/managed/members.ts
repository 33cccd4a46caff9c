/** The members of etcd, as the operations on them see them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { EtcdError } from '../etcd/error.ts';
import type { Member } from '../etcd/port.ts';
import { peerUrl } from './etcd-member.ts';

/** Whether it is that of the host with this address. */
export const isAt = (address: string, { peerUrls }: Member): boolean => peerUrls.includes(peerUrl(address));

export const votersIn = (members: readonly Member[]): Member[] =>
  members.filter((one) => !one.learner && one.name !== '');

/** By which clients reach it: of members that vote; a learner answers nothing. */
export const endpointsOf = (members: readonly Member[]): string[] =>
  votersIn(members).flatMap(({ clientUrls }) => clientUrls);

/** Milliseconds. */
const LONGEST_WAIT = 20_000;
const PAUSE = 500;

/**
 * A change of members, tried again while etcd finds itself not well enough for one: until all members have been connected for five
 * seconds (etcdserver: HealthInterval), it says so and does nothing.
 */
export async function whenHealthy<T>(change: () => Promise<T>): Promise<T> {
  const end = performance.now() + LONGEST_WAIT;
  for (;;) {
    try {
      return await change();
    } catch (error) {
      const unwell = error instanceof EtcdError && messageOf(error).includes('unhealthy cluster');
      if (!unwell || performance.now() > end) throw error;
    }
    await sleep(PAUSE);
  }
}
