/** This host goes out of its cluster. What would lose something is refused, unless it is forced. */
import { conflict, forbidden, messageOf } from '../../errors.ts';
import { EtcdError } from '../etcd/error.ts';
import type { Member } from '../etcd/port.ts';
import type { ManagedContext } from './context.ts';
import { clientUrl, peerUrl } from './etcd-member.ts';
import { putMembership } from './membership.ts';
import type { Membership } from './membership.ts';
import { quorumNote } from './quorum.ts';

export async function leaveCluster(context: ManagedContext, force: boolean): Promise<string[]> {
  const membership = context.member('leave');
  const notes: string[] = [];
  if (!force) refuseInUse(context.deps.inUse());
  let members: readonly Member[] | undefined;
  try {
    members = await context.etcd.members();
  } catch (error) {
    if (!force) throw cannotAsk(membership, error);
    notes.push('etcd did not answer: the others learn of this when the lease of this host is over');
  }
  const last = isLast(membership, members);
  if (last && !force) refuseLast(context);

  putMembership(context.deps.store, { ...membership, leaving: true });
  await context.exit();
  if (members && !last) notes.push(...(await removeOwn(membership, members, context, force)));
  await context.sweep();
  context.deps.log.info('this host has left its cluster', { cluster: membership.clusterId, forced: force });
  return notes;
}

/** After a kill in the midst of it: what others should know was told, or they learn it by the lease. */
export async function finishLeaving(context: ManagedContext, membership: Membership): Promise<void> {
  context.deps.log.info('this host was leaving its cluster when berthd ended; it does now');
  try {
    await context.load();
    const others = membership.endpoints.filter((url) => url !== clientUrl(membership.address));
    if (membership.member && others.length > 0) {
      const etcd = context.connect(await context.options(others));
      try {
        await removeFrom(etcd, membership, await etcd.members());
      } finally {
        etcd.close();
      }
    }
  } catch (error) {
    context.deps.log.warn('etcd could not be told that this host leaves', { error: messageOf(error) });
  }
  await context.sweep();
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

const isOwn = ({ address }: Membership, { peerUrls }: Member): boolean => peerUrls.includes(peerUrl(address));

const isLast = (membership: Membership, members: readonly Member[] | undefined): boolean =>
  membership.member !== undefined &&
  members !== undefined &&
  members.every((one) => one.learner || isOwn(membership, one));

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

async function removeOwn(
  membership: Membership,
  members: readonly Member[],
  context: ManagedContext,
  force: boolean,
): Promise<string[]> {
  if (!membership.member) return [];
  // Asked of another one: the member that goes may be gone before it answers.
  const others = members
    .filter((one) => !one.learner && !isOwn(membership, one))
    .flatMap(({ clientUrls }) => clientUrls);
  const etcd = context.connect(await context.options(others));
  try {
    await removeFrom(etcd, membership, members);
  } catch (error) {
    if (force)
      return [`this member could not be taken out of etcd (${messageOf(error)}): it counts as one that is down`];
    putMembership(context.deps.store, membership);
    await (
      await context.enter(membership)
    ).entered;
    throw conflict(`etcd does not let this member go: ${messageOf(error)}`, error);
  } finally {
    etcd.close();
  }
  return quorumNote(members.filter((one) => !one.learner && !isOwn(membership, one)).length);
}

async function removeFrom(
  etcd: { removeMember(id: bigint): Promise<void>; members(): Promise<readonly Member[]> },
  membership: Membership,
  members: readonly Member[],
): Promise<void> {
  const own = members.find((one) => isOwn(membership, one));
  if (!own) return;
  try {
    await etcd.removeMember(own.id);
  } catch (error) {
    // The answer may have been lost.
    const still = error instanceof EtcdError && (await etcd.members()).some((one) => one.id === own.id);
    if (still || !(error instanceof EtcdError)) throw error;
  }
}
