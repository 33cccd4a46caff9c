/** A cluster is made: one host, with an etcd of its own. Until its record is in the store, whatever comes between undoes it all. */
import { conflict, unavailable } from '../../errors.ts';
import { createAuthority, createRequest, issue } from './certificates.ts';
import type { ManagedContext } from './context.ts';
import { clientUrl, peerUrl } from './etcd-member.ts';
import type { Membership } from './membership.ts';
import { putAuthority } from './secrets.ts';

const PREFIX = '/berth';

export async function initCluster(context: ManagedContext, advertise: string): Promise<Membership> {
  const { scratch, settings, randomHex, log } = context.deps;
  context.refuseGiven('init');
  if (context.membership) {
    throw conflict(
      'this host is in a cluster already: "berth cluster token" prints how others join it, "berth cluster leave" leaves it',
    );
  }
  const { hostName } = context;
  const address = context.address(advertise);
  if (context.deps.etcdProgram() === undefined) {
    throw unavailable('missing etcd: install it (Debian: apt-get install etcd-server)');
  }

  await context.sweep();
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => context.sweep());
  const clusterId = randomHex(8);
  const authority = await createAuthority(scratch, clusterId);
  const { key, request } = await createRequest(scratch);
  const certificate = await issue(scratch, authority, request, { name: hostName, address });
  await context.writeFiles({ authority: authority.certificate, certificate, key });
  const member: NonNullable<Membership['member']> = {
    // Which one it has, etcd says.
    id: '',
    initialCluster: `${hostName}=${peerUrl(address)}`,
    state: 'new',
    votes: true,
  };
  const membership: Membership = {
    clusterId,
    hostName,
    address,
    prefix: PREFIX,
    vxlanPort: settings.vxlanPort,
    endpoints: [clientUrl(address)],
    member,
  };
  await context.startMember(membership);
  await context.load();
  const etcd = context.open(await context.options(membership.endpoints));
  try {
    member.id = (await context.answers(etcd)).toString(16);
    await putAuthority(etcd, PREFIX, authority);
  } finally {
    etcd.close();
  }
  undo.defer(async () => context.exit());
  await context.enter(membership);
  await context.settle(membership);
  undo.move();
  log.info('a cluster was made', { cluster: clusterId, host: hostName, address });
  return membership;
}
