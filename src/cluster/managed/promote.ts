/**
 * A host becomes a voting member of etcd: it is added as a learner, which changes no majority, its etcd starts and catches up, and
 * then it votes. Until then everything can be undone, and is.
 */
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { conflict, messageOf, unavailable } from '../../errors.ts';
import { EtcdError } from '../etcd/error.ts';
import type { Member } from '../etcd/port.ts';
import type { ManagedContext } from './context.ts';
import { lastComplaint } from './etcd-log.ts';
import { peerUrl } from './etcd-member.ts';
import { endpointsOf, isAt, votersIn, whenHealthy } from './members.ts';
import { putMembership } from './membership.ts';
import type { Membership } from './membership.ts';
import { quorumNote } from './quorum.ts';

/** Milliseconds in which a learner catches up: of a few megabytes, one or two seconds. */
const LONGEST_LEARNING = 60_000;
const PAUSE = 250;

export async function promoteHere(context: ManagedContext): Promise<string[]> {
  const membership = context.member('promote');
  const { address, member } = membership;
  if (member?.votes) return [`${membership.hostName} is a member already`];
  if (context.deps.etcdProgram() === undefined) {
    throw unavailable(`missing etcd on ${membership.hostName}: install it there (Debian: apt-get install etcd-server)`);
  }
  await using undo = new AsyncDisposableStack();
  if (!member) {
    const members = await withoutRemnant(context, address);
    const learner = members.find((one) => one.learner);
    if (learner) {
      throw conflict(
        `another host (${learner.name || learner.peerUrls.join(', ')}) is just being promoted: try again when it is`,
      );
    }
    undo.defer(async () => stepBack(context));
    const { id } = await whenHealthy(async () => context.etcd.addMember([peerUrl(address)], { learner: true }));
    const others = members.flatMap((one) => one.peerUrls.map((url) => `${one.name || one.id.toString(16)}=${url}`));
    putMembership(context.deps.store, {
      ...membership,
      member: {
        id: id.toString(16),
        initialCluster: [...others, `${membership.hostName}=${peerUrl(address)}`].join(','),
        state: 'existing',
        votes: false,
      },
    });
  }
  const notes = await learn(context);
  undo.move();
  return notes;
}

/** A learner that this host has become goes on to the end. */
export async function learn(context: ManagedContext): Promise<string[]> {
  const { membership } = context;
  if (!membership?.member) return [];
  await context.startMember(membership);
  const id = BigInt(`0x${membership.member.id}`);
  const end = performance.now() + LONGEST_LEARNING;
  for (;;) {
    const members = await context.etcd.members();
    const own = members.find((one) => one.id === id);
    if (!own) throw conflict('this member was taken out of etcd again, by somebody else');
    if (!own.learner) return votes(context, membership, members);
    try {
      // Until it is in step, etcd says no.
      if (own.name !== '') await context.etcd.promoteMember(id);
      else await sleep(PAUSE);
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      context.deps.log.debug('the learner is not promoted yet', { reason: messageOf(error) });
      await sleep(PAUSE);
    }
    if (performance.now() > end) {
      const why = lastComplaint(context.files.log);
      throw unavailable(
        `the new member did not catch up${why === '' ? '' : ` (${why})`}: can the members reach each other at TCP ports 2379 and 2380?`,
      );
    }
  }
}

async function votes(context: ManagedContext, membership: Membership, members: readonly Member[]): Promise<string[]> {
  const { member, hostName } = membership;
  if (member) putMembership(context.deps.store, { ...membership, member: { ...member, votes: true } });
  await context.move(endpointsOf(members));
  const voters = votersIn(members).length;
  context.deps.log.info('this host is a member of etcd', { host: hostName, members: voters });
  return quorumNote(voters);
}

/** What an attempt of this host's left in etcd that was killed before it was written down. */
async function withoutRemnant(context: ManagedContext, address: string): Promise<readonly Member[]> {
  const members = await context.etcd.members();
  const remnant = members.find((one) => isAt(address, one));
  if (!remnant) return members;
  await whenHealthy(async () => context.etcd.removeMember(remnant.id));
  return members.filter((one) => one !== remnant);
}

/**
 * It is a client again, unless it votes: that is not taken back, its answer was only lost. Nor is anything taken from a member of which
 * etcd does not say whether it votes: without its data the others might have no majority for ever.
 */
export async function stepBack(context: ManagedContext): Promise<void> {
  const { membership } = context;
  if (!membership) return;
  try {
    const own = (await context.etcd.members()).find((one) => isAt(membership.address, one));
    if (own && !own.learner) return;
    if (own) await whenHealthy(async () => context.etcd.removeMember(own.id));
  } catch (error) {
    context.deps.log.warn('a learner could not be taken out of etcd: it goes on when etcd answers', {
      error: messageOf(error),
    });
    return;
  }
  await dropMember(context, membership);
}

/** This host runs no etcd any more. */
export async function dropMember(context: ManagedContext, membership: Membership): Promise<void> {
  const { member: _member, ...client } = membership;
  await context.process.stop();
  await rm(context.files.data, { recursive: true, force: true });
  putMembership(context.deps.store, client);
}
