/** This host goes out of its cluster. What would lose something is refused, unless it is forced. */
import { setTimeout as sleep } from 'node:timers/promises';
import { conflict, forbidden, messageOf, notFound, unavailable } from '../../errors.ts';
import { EtcdError } from '../etcd/error.ts';
import type { Etcd, Member } from '../etcd/port.ts';
import type { ManagedContext } from './context.ts';
import { endpointsOf, isAt, votersIn, whenHealthy } from './members.ts';
import { putMembership } from './membership.ts';
import type { Membership } from './membership.ts';
import { quorumNote } from './quorum.ts';

/** Milliseconds; one or two seconds are usual. */
const LONGEST_ELECTION = 10_000;

export async function leaveCluster(context: ManagedContext, force: boolean): Promise<string[]> {
  const membership = context.member('leave');
  const notes: string[] = [];
  if (membership.leaving) {
    await goOut(context, membership, force);
    return notes;
  }
  if (!force) refuseInUse(context.deps.inUse());
  let members: readonly Member[] | undefined;
  try {
    members = await context.etcd.members();
    // A member alone still knows who there was; this it can only answer together with the majority.
    await context.etcd.get({ key: membership.prefix }, { keysOnly: true });
  } catch (error) {
    members = undefined;
    if (!force) throw cannotAsk(membership, error);
    notes.push('etcd did not answer: the others learn of this when the lease of this host is over');
  }
  const last = isLast(membership, members);
  if (last && !force) refuseLast(context);

  // First what etcd may refuse: until then nothing has changed.
  if (members && !last) notes.push(...(await leaveEtcd(context, membership, members, force)));
  putMembership(context.deps.store, { ...membership, leaving: true });
  await goOut(context, membership, force);
  return notes;
}

/** What is to be asked was; whatever comes between, this is done again. */
async function goOut(context: ManagedContext, { clusterId: cluster }: Membership, forced: boolean): Promise<void> {
  await context.exit();
  await context.sweep();
  context.deps.log.info('this host has left its cluster', { cluster, forced });
}

/** A member whose host will not come again counts among those that are down, until it is taken out. */
export async function removeHost(context: ManagedContext, host: string): Promise<string[]> {
  const { hostName } = context.member('rm');
  if (host === hostName) throw conflict('this is that host: "berth cluster leave" takes it out');
  const { hosts, state } = context.deps.registry.status();
  // Before it is in, it has heard of nobody.
  if (state !== 'joined' && state !== 'away') {
    throw unavailable('this host is not in touch with its cluster: "berth cluster status" says more');
  }
  if (hosts.some(({ name }) => name === host)) {
    throw conflict(`${host} is in the cluster and well: run "berth cluster leave" on it`);
  }
  const members = await context.etcd.members();
  // One that was added and never started has no name yet, and keeps others from being promoted.
  const member = members.find((one) => one.name === host || (one.name === '' && isAt(host, one)));
  if (!member) throw notFound(`there is no host ${host} in the cluster, and no member of etcd of that name`);
  await removeMember(context.etcd, member.id);
  const left = members.filter((one) => one !== member);
  await context.move(endpointsOf(left));
  context.deps.log.info('a member that is gone was taken out of etcd', { host });
  return member.learner ? [] : quorumNote(votersIn(left).length);
}

function refuseInUse(containers: readonly string[]): void {
  if (containers.length === 0) return;
  const some = containers.slice(0, 5).join(', ') + (containers.length > 5 ? ', …' : '');
  throw forbidden(
    `${containers.length === 1 ? 'a container is' : `${containers.length} containers are`} on overlay networks (${some}): remove or ` +
      'disconnect them first, or use --force, which cuts them off',
  );
}

function cannotAsk({ member }: Membership, error: unknown): Error {
  const why = member
    ? 'without its majority this member cannot be taken out of it: bring the other members back'
    : 'the other hosts could not be told';
  return forbidden(
    `etcd does not answer, and ${why}; "berth cluster status" says more. With --force this host leaves all the same`,
    error,
  );
}

const isLast = (membership: Membership, members: readonly Member[] | undefined): boolean =>
  membership.member !== undefined &&
  members !== undefined &&
  members.every((one) => one.learner || isAt(membership.address, one));

function refuseLast(context: ManagedContext): void {
  const { hosts, networks } = context.deps.registry.status();
  const others = hosts.filter(({ self }) => !self).map(({ name }) => name);
  if (others.length > 0) {
    throw forbidden(
      `this host has the only etcd of the cluster, and ${others.join(', ')} would be without: run "berth cluster promote ` +
        `${others[0]}" first. With --force the cluster ends`,
    );
  }
  if (networks > 0) {
    throw forbidden(
      `this is the last host of the cluster, and with it ${networks === 1 ? 'its network ends' : `its ${networks} networks end`}: ` +
        'remove them first, or use --force',
    );
  }
}

async function leaveEtcd(
  context: ManagedContext,
  membership: Membership,
  members: readonly Member[],
  force: boolean,
): Promise<string[]> {
  const own = members.find((one) => isAt(membership.address, one));
  if (!own) return [];
  const others = votersIn(members).filter((one) => one !== own);
  // Asked of another one: the member that goes may be gone before it answers.
  await context.move(endpointsOf(others));
  // It ends by itself when it is taken out, and shall not come again.
  context.process.release();
  try {
    await removeMember(context.etcd, own.id);
    await hasLeader(context.etcd, own.id);
  } catch (error) {
    if (!force) {
      await context.startMember(membership);
      await context.move(endpointsOf(members));
    }
    const reason = messageOf(error);
    if (force) return [`this member could not be taken out of etcd (${reason}): there it counts as one that is down`];
    throw conflict(
      `etcd does not let this member go (${reason}): is another one down? Bring it back, or take it out by "berth cluster rm HOST"`,
      error,
    );
  }
  return own.learner ? [] : quorumNote(others.length);
}

/** If the one that has gone led, the others need a moment; what this host has in the cluster is to go by them. */
async function hasLeader(etcd: Etcd, gone: bigint): Promise<void> {
  const end = performance.now() + LONGEST_ELECTION;
  while (performance.now() < end) {
    const { leader } = await etcd.status().catch(() => ({ leader: 0n }));
    if (leader !== 0n && leader !== gone) return;
    await sleep(100);
  }
}

async function removeMember(etcd: Etcd, id: bigint): Promise<void> {
  try {
    await whenHealthy(async () => etcd.removeMember(id));
  } catch (error) {
    // The answer may have been lost.
    const still = error instanceof EtcdError && (await etcd.members()).some((one) => one.id === id);
    if (still || !(error instanceof EtcdError)) throw error;
  }
}
