/**
 * A DHCP client (RFC 2131 section 4.4, figure 5), for one interface. Pure: clock, chance and wire come in.
 *
 *     selecting ─▶ requesting ─▶ probing ─▶ bound ─T1─▶ renewing ─T2─▶ rebinding ─▶ (lost) selecting
 *         ▲             │ NAK       │ in use   ▲            │ ACK          │ ACK         ▲
 *         └─────────────┴───────────┘          └────────────┴──────────────┘   NAK, end ─┘
 *
 * Where it departs from the RFC, because somebody waits for a container's start: it asks again after 1 s and not after 4, and looks for 0.2 s
 * whether the address is in use, where RFC 5227 would take 5 to 9.
 */
import { FOREVER } from '../network/leases.ts';
import type { Lease, LeaseWish } from '../network/leases.ts';
import { Alarm } from './alarm.ts';
import { disputes } from './arp.ts';
import type { Arp } from './arp.ts';
import { NO_ADDRESS } from './codec.ts';
import type { Message } from './codec.ts';
import { bare, endOf, leaseOf, serverIn } from './lease.ts';
import { MESSAGE, OPTION } from './options.ts';
import * as say from './requests.ts';
import type { Occasion } from './requests.ts';
import type { Clock, Listener, Reply, Wire } from './wire.ts';

type State =
  | { kind: 'off' }
  | { kind: 'selecting'; xid: number }
  | { kind: 'requesting'; xid: number; offer: Lease; since: number }
  | { kind: 'probing'; lease: Lease; before: Lease | undefined }
  | { kind: 'bound'; lease: Lease }
  | { kind: 'renewing' | 'rebinding'; xid: number; lease: Lease; since: number };

/** Seconds between two questions: doubled each time (RFC 2131 section 4.1). */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 64;
/** So often an offer is asked for before another is looked for. */
const REQUESTS = 4;
const PROBES = 2;
/** Seconds after each probe. */
const PROBE_PAUSE = 0.1;
/** RFC 2131 section 3.1 (5): after the second address that is in use. */
const DECLINE_PAUSE = 10;
/** Seconds at least between two renewals (RFC 2131 section 4.4.5), less where the whole lease is short. */
const RENEWAL_PAUSE = 60;

export class DhcpClient {
  readonly #wish: LeaseWish;
  readonly #wire: Wire;
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  readonly #random: () => number;
  readonly #listener: Listener;
  #state: State = { kind: 'off' };
  /** When the present search began. */
  #began = 0;
  /** Until when there must be a first lease; Infinity afterwards. */
  #deadline = Infinity;
  /** Questions of the present search without success: each one makes the next pause longer. */
  #tries = 0;
  #declined = 0;
  /** Why there is none yet; ''. */
  #trouble = '';

  /** `random`: of [0, 1). */
  constructor(wish: LeaseWish, parts: { wire: Wire; clock: Clock; random: () => number; listener: Listener }) {
    this.#wish = wish;
    this.#wire = parts.wire;
    this.#clock = parts.clock;
    this.#alarm = new Alarm(parts.clock);
    this.#random = parts.random;
    this.#listener = parts.listener;
  }

  /** What the interface may use now. */
  get lease(): Lease | undefined {
    const state = this.#state;
    if (state.kind === 'probing') return state.before;
    return state.kind === 'bound' || state.kind === 'renewing' || state.kind === 'rebinding' ? state.lease : undefined;
  }

  start(): void {
    this.#deadline = this.#clock.now() + this.#wish.timeout;
    this.#search();
  }

  /** Goes on with what a predecessor had; without a lease it looks for one as long as it takes. */
  resume(lease: Lease | undefined): void {
    if (!lease) this.#search();
    else if (this.#clock.now() >= endOf(lease)) this.#lose(lease, 'its time ended while nobody renewed it');
    else this.#rest(lease);
  }

  /** Gives back what it has, and ends. */
  release(): void {
    // One that is not used yet is lent already.
    const lease = this.#state.kind === 'probing' ? this.#state.lease : this.lease;
    if (lease) {
      const from = bare(lease.address);
      this.#wire.unicast(say.release(this.#wish, this.#occasion(this.#newXid()), lease), from, serverOf(lease));
    }
    this.end();
  }

  /** Without a word to anybody. */
  end(): void {
    this.#enter({ kind: 'off' });
  }

  receive({ message, mac }: Reply): void {
    const state = this.#state;
    if (!('xid' in state) || !this.#isForMe(message, state.xid)) return;
    const type = message.options.get(OPTION.messageType)?.[0];
    if (type === MESSAGE.offer && state.kind === 'selecting') this.#consider(leaseOf(message, mac, 0));
    if (state.kind === 'selecting') return;
    if (type === MESSAGE.ack) this.#acknowledged(state, leaseOf(message, mac, state.since));
    if (type === MESSAGE.nak && mayRefuse(state, serverIn(message))) this.#refused(state);
  }

  heard(arp: Arp): void {
    const state = this.#state;
    if (state.kind !== 'probing' || !disputes(arp, bare(state.lease.address), this.#wish.mac)) return;
    const { lease } = state;
    this.#trouble = `${bare(lease.address)}, which the DHCP server ${lease.server} offers, is in use by ${arp.senderMac}`;
    this.#wire.broadcast(say.decline(this.#wish, this.#occasion(this.#newXid()), lease), NO_ADDRESS);
    this.#declined++;
    if (state.before) this.#listener.lost(state.before, this.#trouble);
    this.#enter({ kind: 'off' });
    if (this.#declined === 1) this.#search();
    else this.#after(DECLINE_PAUSE, () => this.#search());
  }

  /** RFC 6842: a server that repeats the client identifier means that one; on ipvlan several clients have one MAC. */
  #isForMe({ op, xid, chaddr, options }: Message, expected: number): boolean {
    const clientId = options.get(OPTION.clientId)?.toString('hex');
    return (
      op === 'reply' &&
      xid === expected &&
      chaddr === this.#wish.mac &&
      (clientId === undefined || clientId === this.#wish.clientId)
    );
  }

  #search(): void {
    this.#began = this.#clock.now();
    this.#discover(this.#newXid());
  }

  #discover(xid: number): void {
    this.#enter({ kind: 'selecting', xid });
    this.#after(this.#pause(), () => {
      // Another server had time to offer the right one.
      if (this.#wish.address !== '' && this.#trouble !== '' && this.#deadline !== Infinity) this.#fail(this.#trouble);
      else this.#discover(xid);
    });
    this.#wire.broadcast(say.discover(this.#wish, this.#occasion(xid), this.#wish.address), NO_ADDRESS);
  }

  /** The first that can be used is taken. */
  #consider(offer: Lease | undefined): void {
    if (!offer) return;
    const { address } = this.#wish;
    // Later on any is better than none.
    if (address !== '' && bare(offer.address) !== address && this.#deadline !== Infinity) {
      this.#trouble = `the DHCP server ${offer.server} does not give ${address}: it offers ${bare(offer.address)}`;
      return;
    }
    const state = this.#state;
    if (state.kind === 'selecting') this.#request(state.xid, offer, 1);
  }

  #request(xid: number, offer: Lease, count: number): void {
    this.#enter({ kind: 'requesting', xid, offer, since: this.#clock.now() });
    this.#after(count === 1 ? FIRST_PAUSE : this.#pause(), () => {
      this.#trouble = `the DHCP server ${offer.server} offered ${bare(offer.address)} and did not confirm it`;
      if (count < REQUESTS) this.#request(xid, offer, count + 1);
      else this.#search();
    });
    this.#wire.broadcast(say.request(this.#wish, this.#occasion(xid), offer), NO_ADDRESS);
  }

  #acknowledged(state: Extract<State, { since: number }>, lease: Lease | undefined): void {
    if (!lease) return;
    if (state.kind === 'requesting') {
      const { address, server } = state.offer;
      if (bare(lease.address) === bare(address) && lease.server === server) this.#probe(lease, undefined);
    } else if (lease.address === state.lease.address) this.#take(lease, state.lease);
    else this.#probe(lease, state.lease);
  }

  #refused(state: Extract<State, { since: number }>): void {
    if (state.kind === 'requesting') {
      this.#trouble = `the DHCP server ${state.offer.server} offered ${bare(state.offer.address)} and then refused it`;
      this.#enter({ kind: 'off' });
      // A server that refuses what it offers shall not be asked all the time.
      this.#after(this.#pause(), () => this.#search());
    } else this.#lose(state.lease, 'the DHCP server refused to renew it');
  }

  #probe(lease: Lease, before: Lease | undefined, count = PROBES): void {
    if (count === 0) return this.#take(lease, before);
    this.#enter({ kind: 'probing', lease, before });
    this.#after(PROBE_PAUSE, () => this.#probe(lease, before, count - 1));
    this.#wire.probe(bare(lease.address));
  }

  #take(lease: Lease, before: Lease | undefined): void {
    this.#deadline = Infinity;
    this.#tries = 0;
    this.#declined = 0;
    this.#trouble = '';
    this.#listener.bound(lease, before);
    // Whoever cannot use it has ended the client.
    if (this.#state.kind === 'off') return;
    if (lease.address !== before?.address) this.#wire.announce(bare(lease.address));
    this.#rest(lease);
  }

  #rest(lease: Lease): void {
    this.#enter({ kind: 'bound', lease });
    // Some sooner, some later: a hundred containers that started together shall not renew together.
    const early = Math.min(lease.renewAfter * 0.1, 30) * this.#random();
    if (lease.duration !== FOREVER) this.#alarm.at(lease.since + lease.renewAfter - early, () => this.#renew(lease));
  }

  #renew(lease: Lease): void {
    const end = lease.since + lease.rebindAfter;
    if (this.#clock.now() >= end) return this.#rebind(lease);
    const xid = this.#newXid();
    this.#began = this.#clock.now();
    this.#enter({ kind: 'renewing', xid, lease, since: this.#began });
    this.#alarm.at(this.#nextRenewal(lease, end), () => this.#renew(lease));
    const from = bare(lease.address);
    this.#wire.unicast(say.renewal(this.#wish, this.#occasion(xid), lease), from, serverOf(lease));
  }

  #rebind(lease: Lease): void {
    const end = endOf(lease);
    if (this.#clock.now() >= end) return this.#lose(lease, 'no DHCP server renewed it in its time');
    const xid = this.#newXid();
    this.#enter({ kind: 'rebinding', xid, lease, since: this.#clock.now() });
    this.#alarm.at(this.#nextRenewal(lease, end), () => this.#rebind(lease));
    this.#wire.broadcast(say.renewal(this.#wish, this.#occasion(xid), lease), bare(lease.address));
  }

  /** Half of what is left, 60 s at least (RFC 2131 section 4.4.5); several times in a short lease, too. */
  #nextRenewal({ duration }: Lease, end: number): number {
    const now = this.#clock.now();
    const pause = Math.max((end - now) / 2, Math.min(RENEWAL_PAUSE, duration / 16));
    return Math.min(now + pause, end);
  }

  #lose(lease: Lease, reason: string): void {
    this.#enter({ kind: 'off' });
    this.#listener.lost(lease, reason);
    this.#search();
  }

  #fail(reason: string): void {
    this.#enter({ kind: 'off' });
    this.#listener.failed(reason);
  }

  #enter(state: State): void {
    this.#alarm.cancel();
    this.#state = state;
    this.#wire.listen({ dhcp: 'xid' in state, arp: state.kind === 'probing' });
  }

  /** With a deadline it fails at that. */
  #after(seconds: number, body: () => void): void {
    const end = this.#clock.now() + seconds;
    if (end <= this.#deadline) return this.#alarm.at(end, body);
    this.#alarm.at(this.#deadline, () =>
      this.#fail(this.#trouble || `no DHCP server answered within ${this.#wish.timeout} s`),
    );
  }

  /** A quarter more or less by chance, so that clients which began together do not go on together. */
  #pause(): number {
    const pause = Math.min(FIRST_PAUSE * 2 ** this.#tries, LONGEST_PAUSE);
    this.#tries++;
    return pause * (0.75 + 0.5 * this.#random());
  }

  #occasion(xid: number): Occasion {
    return { xid, seconds: Math.max(0, this.#clock.now() - this.#began) };
  }

  #newXid(): number {
    return Math.floor(this.#random() * 0x1_0000_0000);
  }
}

/** One that was asked; any when all were. A second server of the LAN may refuse whatever is not its own. */
const mayRefuse = (state: Extract<State, { since: number }>, server: string | undefined): boolean =>
  state.kind === 'rebinding' || server === (state.kind === 'requesting' ? state.offer : state.lease).server;

const serverOf = ({ server, serverMac }: Lease): { address: string; mac: string } => ({
  address: server,
  mac: serverMac,
});
