/**
 * What is on the host, kept true by notifications. Pure: messages in, events out. Text is made once, when something comes;
 * reading costs nothing.
 *
 * The kernel does not tell of every route that goes: IPv4 ones vanish silently with their link (also when it is set
 * down) and with their preferred source address (fib_sync_down_dev, fib_sync_down_addr).
 */
import type { HostAddress, HostLink, HostRoute, KernelEvent, Survey } from '../network/kernel.ts';
import { decodeAddress, RTM_DELADDR, RTM_NEWADDR } from './netlink/address.ts';
import type { AddressInfo } from './netlink/address.ts';
import { decodeLink, decodeLinkChange, RTM_DELLINK, RTM_NEWLINK } from './netlink/link.ts';
import type { LinkInfo } from './netlink/link.ts';
import { NLM_F_REPLACE } from './netlink/message.ts';
import type { Message } from './netlink/message.ts';
import { decodeRoute, isCached, RTM_DELROUTE, RTM_NEWROUTE, sameTarget } from './netlink/route.ts';
import type { RouteInfo } from './netlink/route.ts';
import { hostAddress, hostLink, hostRoute } from './survey.ts';
import type { Dump } from './survey.ts';

interface Shown<Info, Text> {
  info: Info;
  text: Text;
}

export class Present {
  readonly #links = new Map<number, Shown<LinkInfo, HostLink>>();
  readonly #addresses = new Map<string, Shown<AddressInfo, HostAddress>>();
  readonly #routes = new Map<string, Shown<RouteInfo, HostRoute>>();
  readonly #indexes = new Map<string, number>();
  /** undefined after a change. */
  #survey: Survey | undefined;

  constructor(dump: Dump) {
    this.load(dump);
  }

  /** Begins anew: after the start, or when notifications were lost. */
  load({ links, addresses, routes }: Dump): void {
    for (const map of [this.#links, this.#addresses, this.#routes, this.#indexes]) map.clear();
    this.#survey = undefined;
    for (const info of links) this.#links.set(info.index, { info, text: hostLink(info, () => '') });
    // Once all names are known.
    for (const info of links) this.#setLink(info);
    for (const info of addresses) this.#setAddress(info);
    for (const info of routes) this.#setRoute(info);
  }

  survey(): Survey {
    return (this.#survey ??= {
      links: [...this.#links.values()].map(({ text }) => text),
      addresses: [...this.#addresses.values()].map(({ text }) => text),
      routes: [...this.#routes.values()].map(({ text }) => text),
    });
  }

  /** 'bridge', 'veth'…; undefined when there is no such link. */
  kindOf(name: string): string | undefined {
    const index = this.#indexes.get(name);
    return index === undefined ? undefined : this.#links.get(index)?.info.kind;
  }

  /** Takes a notification in; says what is gone by it. Messages of other kinds are ignored. */
  apply({ type, flags, payload }: Message): KernelEvent[] {
    switch (type) {
      case RTM_NEWLINK:
      case RTM_DELLINK:
        return this.#applyLink(type, payload);
      case RTM_NEWADDR:
        // A copy: payloads are parts of a buffer that is used again.
        this.#setAddress(decodeAddress(Buffer.from(payload)));
        return [];
      case RTM_DELADDR:
        return this.#dropAddress(decodeAddress(payload));
      case RTM_NEWROUTE: {
        if (isCached(payload)) return [];
        const route = decodeRoute(Buffer.from(payload));
        const replaced =
          flags & NLM_F_REPLACE
            ? this.#dropRoutes((one) => one.priority === route.priority && sameTarget(one, route))
            : [];
        this.#setRoute(route);
        // By another gateway of the same link it is the same route to whoever listens.
        return replaced.filter((event) => event.kind === 'route-gone' && event.link !== this.#nameOf(route.link));
      }
      case RTM_DELROUTE:
        return this.#dropRoute(routeKey(decodeRoute(payload)));
      default:
        return [];
    }
  }

  #nameOf = (index: number): string => this.#links.get(index)?.info.name ?? '';

  #applyLink(type: number, payload: Buffer): KernelEvent[] {
    const change = decodeLinkChange(payload);
    // 'Deleted' there means: no port any more. The same comes as a change of the link itself.
    if (change.bridgePort) return [];
    const info = decodeLink(payload);
    const old = this.#links.get(info.index)?.info;
    if (type === RTM_DELLINK) {
      if (!old) return [];
      const gone: KernelEvent[] = [
        ...this.#dropAddressesOf(old.index),
        ...this.#dropRoutes((one) => one.link === old.index),
      ];
      this.#links.delete(old.index);
      this.#forget(old);
      this.#survey = undefined;
      return [...gone, { kind: 'link-gone', name: old.name }];
    }
    // Wireless drivers send events of their own under this type, without a name.
    if (info.name === '') return [];
    if (old && old.name !== info.name) this.#forget(old);
    this.#setLink(info);
    if (!old) return made(info);
    const events: KernelEvent[] = [];
    if (old.name !== info.name) {
      this.#rename(info);
      events.push({ kind: 'link-gone', name: old.name }, ...made(info));
    }
    if (old.up && !info.up) {
      events.push(...this.#dropRoutes((one) => one.link === info.index && one.family === 4));
    }
    if ((old.up && !info.up) || (old.master !== 0 && old.master !== info.master)) {
      events.push({ kind: 'link-changed', name: info.name });
    }
    return events;
  }

  /** The name may be another link's by now. */
  #forget({ name, index }: LinkInfo): void {
    if (this.#indexes.get(name) === index) this.#indexes.delete(name);
  }

  #setLink(info: LinkInfo): void {
    this.#indexes.set(info.name, info.index);
    const text = hostLink(info, this.#nameOf);
    const old = this.#links.get(info.index)?.text;
    if (old && sameLink(old, text)) {
      this.#links.set(info.index, { info, text: old });
      return;
    }
    this.#links.set(info.index, { info, text });
    this.#survey = undefined;
  }

  /** Everything that bears the link's name. */
  #rename({ index }: LinkInfo): void {
    for (const { info } of this.#links.values()) if (info.master === index) this.#setLink(info);
    for (const { info } of this.#addresses.values()) if (info.link === index) this.#setAddress(info);
    for (const { info } of this.#routes.values()) if (info.link === index) this.#setRoute(info);
  }

  #setAddress(info: AddressInfo): void {
    const text = hostAddress(info, this.#nameOf);
    if (!text) return;
    this.#addresses.set(addressKey(info), { info, text });
    this.#survey = undefined;
  }

  #dropAddress(info: AddressInfo): KernelEvent[] {
    const old = this.#addresses.get(addressKey(info));
    if (!old || !this.#addresses.delete(addressKey(info))) return [];
    this.#survey = undefined;
    const routes = this.#dropRoutes(
      (one) => one.family === 4 && one.source !== undefined && one.source.equals(info.bytes),
    );
    return [{ kind: 'address-gone', ...old.text }, ...routes];
  }

  #dropAddressesOf(index: number): KernelEvent[] {
    return [...this.#addresses.values()].flatMap(({ info }) => (info.link === index ? this.#dropAddress(info) : []));
  }

  #setRoute(info: RouteInfo): void {
    const text = hostRoute(info, this.#nameOf);
    if (!text) return;
    this.#routes.set(routeKey(info), { info, text });
    this.#survey = undefined;
  }

  #dropRoute(key: string): KernelEvent[] {
    const old = this.#routes.get(key);
    if (!old || !this.#routes.delete(key)) return [];
    this.#survey = undefined;
    return [{ kind: 'route-gone', ...old.text }];
  }

  #dropRoutes(gone: (route: RouteInfo) => boolean): KernelEvent[] {
    return [...this.#routes].flatMap(([key, { info }]) => (gone(info) ? this.#dropRoute(key) : []));
  }
}

const sameLink = (a: HostLink, b: HostLink): boolean =>
  a.name === b.name && a.kind === b.kind && a.master === b.master && a.alias === b.alias && a.up === b.up;

const hex = (bytes: Buffer | undefined): string => bytes?.toString('hex') ?? '';

const addressKey = ({ bytes, prefixLength, link }: AddressInfo): string => `${link} ${hex(bytes)}/${prefixLength}`;

const routeKey = (route: RouteInfo): string =>
  [
    route.table,
    route.family,
    hex(route.destination),
    route.prefixLength,
    route.priority,
    route.link,
    hex(route.gateway),
  ].join(' ');

/** Pairs are containers', by the thousand, and nobody stands on one. */
const made = ({ name, kind }: LinkInfo): KernelEvent[] => (kind === 'veth' ? [] : [{ kind: 'link-made', name }]);
