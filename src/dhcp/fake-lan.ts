/** A LAN for unit tests of the client: a clock that is moved by hand, a wire whose frames go to a server made of functions. */
import type { LeaseWish, Lease } from '../network/leases.ts';
import type { Arp } from './arp.ts';
import { DhcpClient } from './client.ts';
import { NO_ADDRESS } from './codec.ts';
import type { Message } from './codec.ts';
import { MESSAGE, OPTION } from './options.ts';
import type { Clock, Listener, Wire } from './wire.ts';

export const SERVER = { address: '192.0.2.1', mac: '02:00:00:00:00:01' };
export const OTHER_MAC = '02:00:00:00:00:99';

export const wishOf = (wish: Partial<LeaseWish> = {}): LeaseWish => ({
  endpointId: 'e',
  namespacePath: '/netns/e',
  interfaceName: 'eth0',
  mac: '02:42:c0:00:02:99',
  clientId: 'ff00000001000400112233445566778899aabbccddeeff',
  hostname: 'web',
  address: '',
  broadcast: false,
  timeout: 10,
  ...wish,
});

export const ipv4 = (text: string): Buffer => Buffer.from(text.split('.').map(Number));
export const u32 = (value: number): Buffer => Buffer.from(value.toString(16).padStart(8, '0'), 'hex');
const nameOf = (type: number | undefined): string =>
  Object.entries(MESSAGE).find(([, value]) => value === type)?.[0] ?? '?';

export class FakeClock implements Clock {
  #now = 1000;
  #timers: { at: number; body: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  later(seconds: number, body: () => void): () => void {
    const timer = { at: this.#now + seconds, body };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  get pending(): number {
    return this.#timers.length;
  }

  /** Calls back what is due on the way. */
  advance(seconds: number): void {
    const end = this.#now + seconds;
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.at - b.at);
      if (!next || next.at > end) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.body();
    }
    this.#now = end;
  }

  /** The host slept: timers did not count. */
  sleep(seconds: number): void {
    this.#now += seconds;
    for (const timer of this.#timers) timer.at += seconds;
  }
}

export class FakeLan implements Wire, Listener {
  readonly clock = new FakeClock();
  readonly client: DhcpClient;
  readonly wish: LeaseWish;
  /** 'discover', 'request 192.0.2.100', 'renew → 192.0.2.1', 'rebind', 'probe 192.0.2.100'… */
  readonly said: string[] = [];
  /** 'bound 192.0.2.100/24', 'lost …: reason', 'failed: reason'. */
  readonly told: string[] = [];
  readonly messages: Message[] = [];
  lease: Lease | undefined;
  /** What the server answers; undefined for nothing. */
  answer: (type: string, message: Message) => Message | undefined = () => undefined;
  hears = { dhcp: false, arp: false };
  /** Who answers probes. */
  neighbours = new Map<string, string>();

  constructor(wish: Partial<LeaseWish> = {}) {
    this.wish = wishOf(wish);
    let last = 0;
    const random = (): number => (last = (last + 0.37) % 1);
    this.client = new DhcpClient(this.wish, { wire: this, clock: this.clock, random, listener: this });
  }

  /** A server that gives `address` and confirms it, to whoever asks for it. */
  serve(address: string, options: [number, Buffer][] = []): void {
    this.answer = (type, message) => {
      if (type === 'discover') return this.reply(message, 'offer', address, options);
      const asked = message.options.get(OPTION.requestedAddress);
      const wanted = asked ? [...asked].join('.') : message.ciaddr;
      if (type !== 'request') return undefined;
      return wanted === address ? this.reply(message, 'ack', address, options) : this.reply(message, 'nak', NO_ADDRESS);
    };
  }

  reply(to: Message, type: keyof typeof MESSAGE, yiaddr: string, options: [number, Buffer][] = []): Message {
    return {
      ...to,
      op: 'reply',
      yiaddr,
      ciaddr: NO_ADDRESS,
      options: new Map([
        [OPTION.messageType, Buffer.of(MESSAGE[type])],
        [OPTION.server, ipv4(SERVER.address)],
        [OPTION.leaseTime, u32(3600)],
        [OPTION.subnetMask, ipv4('255.255.255.0')],
        [OPTION.router, ipv4('192.0.2.1')],
        ...options,
      ]),
    };
  }

  listen(what: { dhcp: boolean; arp: boolean }): void {
    this.hears = what;
  }

  broadcast(message: Message, from: string): void {
    this.#say(message, from, '');
  }

  unicast(message: Message, from: string, to: { address: string; mac: string }): void {
    this.#say(message, from, ` → ${to.address} ${to.mac}`);
  }

  #say(message: Message, from: string, to: string): void {
    const type = nameOf(message.options.get(OPTION.messageType)?.[0]);
    const asked = message.options.get(OPTION.requestedAddress);
    this.messages.push(message);
    this.said.push(
      [type, ...(asked ? [[...asked].join('.')] : []), ...(from === NO_ADDRESS ? [] : [`from ${from}`])].join(' ') + to,
    );
    const answer = this.answer(type, message);
    if (answer && this.hears.dhcp) this.client.receive({ message: answer, mac: SERVER.mac });
  }

  probe(address: string): void {
    this.said.push(`probe ${address}`);
    const holder = this.neighbours.get(address);
    const arp: Arp = { senderMac: holder ?? '', sender: address, target: NO_ADDRESS };
    if (holder !== undefined && this.hears.arp) this.client.heard(arp);
  }

  announce(address: string): void {
    this.said.push(`announce ${address}`);
  }

  bound(lease: Lease): void {
    this.lease = lease;
    this.told.push(`bound ${lease.address}`);
  }

  lost(lease: Lease, reason: string): void {
    this.lease = undefined;
    this.told.push(`lost ${lease.address}: ${reason}`);
  }

  failed(reason: string): void {
    this.told.push(`failed: ${reason}`);
  }

  /** What was said and told since the last call. */
  since(): string[] {
    return [...this.said.splice(0), ...this.told.splice(0)];
  }
}
