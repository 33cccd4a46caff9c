/** The cluster of this host, given or managed: operations one at a time, what goes on in between, start and end of the daemon. */
import { BerthError, conflict, messageOf, unavailable } from '../../errors.ts';
import { EtcdError } from '../etcd/error.ts';
import type { Etcd, EtcdOptions, Member } from '../etcd/port.ts';
import { ManagedContext } from './context.ts';
import type { ManagedDeps } from './context.ts';
import { shortenLog } from './etcd-log.ts';
import { enterGiven } from './given.ts';
import { initCluster } from './init.ts';
import { Invitations } from './invitations.ts';
import { joinCluster } from './join.ts';
import { leaveCluster, removeHost } from './leave.ts';
import { endpointsOf, isAt } from './members.ts';
import { putMembership } from './membership.ts';
import type { Membership } from './membership.ts';
import type { ClusterCommands, ClusterReport, Invitation } from './port.ts';
import { PromotionRequests, askToPromote } from './promotion-requests.ts';
import { dropMember, learn, promoteHere } from './promote.ts';
import { askMembers, reportOf } from './report.ts';
import type { MemberState } from './report.ts';
import { renewCertificate, settleRenewal } from './renew.ts';

/** Others wait for it, instead of being told to. */
const LOOK = 'look';
/** Milliseconds between looks at members, tokens and certificates. */
const LOOK_INTERVAL = 15_000;
/** Seconds: an hour. */
const FIRST_TOKEN = 3600;

/** The API's side, and the daemon's. */
export interface ManagedCluster extends ClusterCommands {
  /** Before the first request: goes back to where this host was. Waits for nobody. */
  restore(): Promise<void>;
  /** A managed etcd goes on. */
  close(): Promise<void>;
  /** For the registry. */
  connect(options: EtcdOptions): Etcd;
}

export const createManagedCluster = (deps: ManagedDeps): ManagedCluster => new Control(deps);

class Control implements ManagedCluster {
  readonly #deps: ManagedDeps;
  readonly #context: ManagedContext;
  readonly #invitations: Invitations;
  #requests: PromotionRequests | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What is under way. */
  #busy: { name: string; done: Promise<void> } | undefined;
  /** Looks in a row at which etcd did not know this member. */
  #missing = 0;
  #closed = false;

  constructor(deps: ManagedDeps) {
    this.#deps = deps;
    // Why it ends may be that it was taken out of the cluster.
    this.#context = new ManagedContext(deps, () => void this.#look());
    this.#invitations = new Invitations(this.#context);
  }

  readonly connect = (options: EtcdOptions): Etcd => this.#context.connect(options);

  // — Operations —

  async init({ advertise }: { advertise: string }): Promise<{ invitation: Invitation; address: string }> {
    return this.#alone('init', async () => {
      const { address } = await initCluster(this.#context, advertise);
      this.#begin();
      return { invitation: await this.#firstInvitation(), address };
    });
  }

  /** The cluster stands: without a token it does, too. */
  async #firstInvitation(): Promise<Invitation> {
    try {
      return await this.#invitations.issue(FIRST_TOKEN);
    } catch (error) {
      throw unavailable(
        `the cluster was made, but no token: ${messageOf(error)}. "berth cluster token" tries again`,
        error,
      );
    }
  }

  async join(request: { token: string; advertise: string }): Promise<{ name: string; address: string; hosts: number }> {
    return this.#alone('join', async () => {
      const { hostName, address } = await joinCluster(this.#context, request);
      this.#begin();
      return { name: hostName, address, hosts: this.#deps.registry.status().hosts.length };
    });
  }

  async leave({ force }: { force: boolean }): Promise<string[]> {
    return this.#alone('leave', async () => {
      const notes = await leaveCluster(this.#context, force);
      await this.#pause();
      return notes;
    });
  }

  async remove(host: string): Promise<string[]> {
    return this.#alone('rm', async () => removeHost(this.#context, host));
  }

  async promote(host: string): Promise<string[]> {
    const { hostName } = this.#context.member('promote');
    if (host !== '' && host !== hostName) return this.#told(async () => askToPromote(this.#context, host));
    return this.#promoteHere();
  }

  readonly #promoteHere = async (): Promise<string[]> => this.#alone('promote', async () => promoteHere(this.#context));

  async token({ life }: { life: number }): Promise<Invitation> {
    return this.#alone('token', async () => this.#invitations.issue(life));
  }

  async status(): Promise<ClusterReport> {
    const { registry, settings } = this.#deps;
    const { membership } = this.#context;
    if (settings.store) return reportOf('given', registry.status(), settings.store.endpoints, undefined);
    if (!membership) return reportOf('none', registry.status(), [], undefined);
    let members: MemberState[] | undefined;
    try {
      const options = await this.#context.options(membership.endpoints);
      members = await askMembers(this.#context.etcd, this.#context.open, options);
    } catch {
      // Nothing is known of them: the registry's state says that etcd is away.
    }
    return reportOf('managed', registry.status(), membership.endpoints, members);
  }

  // — The daemon's start and end —

  async restore(): Promise<void> {
    const { settings, log } = this.#deps;
    const { membership } = this.#context;
    if (settings.store) {
      if (membership) {
        throw conflict(
          'this host is in a cluster that Berth manages, and --cluster-store names another etcd: start berthd without it, ' +
            'and run "berth cluster leave" first',
        );
      }
      return enterGiven(this.#context, settings.store);
    }
    if (!membership) return this.#context.sweepOrKeep();
    if (membership.leaving) {
      log.info('this host was leaving its cluster when berthd ended: it has left');
      await this.#deps.registry.leave();
      return this.#context.sweep();
    }
    this.#warnOfFlags(membership);
    const failed = (error: unknown): void => {
      log.error('this host is not in its cluster', { error: messageOf(error) });
    };
    await this.#context.noteEntered().catch(failed);
    await settleRenewal(this.#context).catch(failed);
    await this.#context.resumeMember(membership);
    // etcd may be away: the daemon has more to do than to wait for it.
    await this.#context.connectTo(membership).then(({ entered }) => void entered.catch(failed), failed);
    this.#begin();
  }

  /** As whom a host is in its cluster was settled when it went in. */
  #warnOfFlags({ hostName, address }: Membership): void {
    const { settings, log } = this.#deps;
    const warn = (flag: string, now: string): void =>
      log.warn(`${flag} has no effect while this host is in its cluster (${now}): leave it, and join again`);
    if (settings.name !== '' && settings.name !== hostName) warn('--cluster-name', `as ${hostName}`);
    if (settings.advertise === '') return;
    try {
      if (this.#context.address('') !== address) warn('--cluster-advertise', `at ${address}`);
    } catch {
      // The interface has no address yet: which one it will have is not known.
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pause();
    this.#context.process.release();
    this.#context.disconnect();
  }

  /** From now on this host looks after its place in the cluster. */
  #begin(): void {
    if (this.#closed) return;
    this.#requests ??= new PromotionRequests(this.#context, this.#promoteHere);
    this.#timer ??= setInterval(() => void this.#look(), LOOK_INTERVAL).unref();
    void this.#look();
  }

  async #pause(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#requests?.close();
    this.#requests = undefined;
    await this.#invitations.close();
  }

  // — In between —

  async #look(): Promise<void> {
    if (this.#busy || this.#closed) return;
    await this.#alone(LOOK, async () => {
      await shortenLog(this.#context.files.log);
      await this.#reopen();
      const { membership } = this.#context;
      if (!membership) return;
      const members = await this.#context.etcd.members();
      await this.#context.move(endpointsOf(members));
      await this.#own(this.#context.membership ?? membership, members);
      await this.#renew(this.#context.membership ?? membership);
    }).catch((error: unknown) =>
      this.#deps.log.debug('the cluster could not be looked at', { error: messageOf(error) }),
    );
  }

  /** A learner goes on; a member that somebody took out of etcd has no business any more. */
  async #own(membership: Membership, members: readonly Member[]): Promise<void> {
    const { member, address } = membership;
    const own = members.find((one) => isAt(address, one));
    this.#missing = member && !own ? this.#missing + 1 : 0;
    if (!member) {
      // berthd was killed before it wrote down that there is one; nobody else can be promoted as long as there is.
      if (own?.learner === true && own.name === '') await this.#context.etcd.removeMember(own.id);
      return;
    }
    // Whoever lags behind may answer with yesterday's list; but an etcd that was taken out ends, too, each time that it is started.
    if (this.#missing > 1 && this.#context.process.failures > 0) {
      this.#deps.log.warn('this host was taken out of etcd: it goes on as a client of the other members');
      await dropMember(this.#context, membership);
    } else if (own) {
      const id = own.id.toString(16);
      // Another one than it was: restored from a backup.
      if (id !== member.id) putMembership(this.#deps.store, { ...membership, member: { ...member, id } });
      if (!member.votes) await learn(this.#context);
    }
  }

  async #renew(membership: Membership): Promise<void> {
    if (!(await renewCertificate(this.#context, membership))) return;
    await this.#invitations.close();
    await this.#reopen();
    await this.#context.move(membership.endpoints, { renewed: true });
    this.#deps.log.info('the certificate of this host in the cluster was renewed');
  }

  /** Who could not listen for joining hosts has other things to do all the same. */
  async #reopen(): Promise<void> {
    await this.#invitations
      .refresh()
      .catch((error: unknown) => this.#deps.log.debug('nobody can join by this host', { error: messageOf(error) }));
  }

  /** One operation at a time; what etcd says is told by what the caller can do. */
  async #alone<T>(name: string, body: () => Promise<T>): Promise<T> {
    while (this.#busy?.name === LOOK) await this.#busy.done;
    if (this.#busy) throw conflict(`"berth cluster ${this.#busy.name}" is under way on this host: wait for it`);
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.#busy = { name, done };
    try {
      return await this.#told(body);
    } finally {
      this.#busy = undefined;
      resolve();
    }
  }

  async #told<T>(body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      if (error instanceof BerthError || !(error instanceof EtcdError)) throw error;
      if (error.code === 'invalid') throw conflict(`etcd refuses this: ${error.message}`, error);
      throw unavailable('the etcd of this cluster does not answer: "berth cluster status" says more', error);
    }
  }
}
