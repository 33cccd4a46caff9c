/** Resolvers of all containers, the names that they share, and the servers outside. */
import { identityOf, isNamespace } from '../linux/held-namespace.ts';
import { Readiness } from '../linux/listen-readiness.ts';
import { ResolverNamespace, RESOLVER_ADDRESS, closePair } from '../linux/resolver-sockets.ts';
import type { Logger } from '../log.ts';
import type { NamesElsewhere, SandboxNames } from '../network/attendant.ts';
import { Forwarder } from './forwarder.ts';
import type { Servers } from './forwarder.ts';
import { HostServersFile } from './host-servers.ts';
import type { HostServers } from './host-servers.ts';
import { Resolver } from './resolver.ts';
import { Upstream } from './upstream.ts';
import { Zone } from './zone.ts';

export interface ResolverServiceOptions {
  log: Logger;
  /** The directory that is the host's root: '' for '/'. */
  hostRoot: string;
  /** At which servers listen: 53 but in tests. */
  serverPort?: number;
}

interface Entry {
  names: SandboxNames;
  resolver: Resolver;
  /** Servers asked from inside its namespace. */
  own: Servers | undefined;
  ownList: readonly string[];
}

/** Room in the table of descriptors: 5 for each of 1,000 containers and as many questions under way. */
const DESCRIPTORS = 8192;

export class ResolverService {
  readonly #log: Logger;
  readonly #port: number;
  readonly #readiness = new Readiness();
  readonly #zone = new Zone();
  readonly #forwarder = new Forwarder(() => performance.now());
  readonly #hostFile: HostServersFile;
  readonly #entries = new Map<string, Entry>();
  /** IDs of containers on other hosts: found by others, answered to nowhere here. */
  readonly #elsewhere = new Set<string>();
  #host: { servers: HostServers; upstreams: Servers } | undefined;

  constructor({ log, hostRoot, serverPort = 53 }: ResolverServiceOptions) {
    this.#log = log;
    this.#port = serverPort;
    this.#hostFile = new HostServersFile(hostRoot, () => performance.now());
    this.#readiness.reserve(DESCRIPTORS);
  }

  /**
   * Answers in the namespace at the first of `paths` that is one. `wish`: the port that the resolver had there before, or 0. Returns the port
   * that it has. Throws SysError, and then nothing is changed.
   */
  put(names: SandboxNames, paths: readonly string[], wish: number): number {
    const before = this.#entries.get(names.sandboxId);
    const path = paths.find((one) => isNamespace(one)) ?? names.namespacePath;
    if (before && before.resolver.namespace.identity === identityOf(path)) {
      this.#zone.put(names.sandboxId, names.endpoints);
      before.names = names;
      this.#setServers(before);
      return before.resolver.port;
    }
    const entry = this.#open(names, path, wish);
    if (before) this.#close(before);
    this.#entries.set(names.sandboxId, entry);
    this.#setServers(entry);
    return entry.resolver.port;
  }

  drop(sandboxId: string): void {
    const entry = this.#entries.get(sandboxId);
    if (!entry) return;
    this.#entries.delete(sandboxId);
    this.#zone.drop(sandboxId);
    this.#close(entry);
  }

  changeElsewhere({ put, drop }: { put: readonly NamesElsewhere[]; drop: readonly string[] }): void {
    for (const id of drop) if (this.#elsewhere.delete(id)) this.#zone.drop(id);
    for (const { id, endpoint } of put) {
      this.#elsewhere.add(id);
      this.#zone.put(id, [endpoint]);
    }
  }

  idsElsewhere(): string[] {
    return [...this.#elsewhere];
  }

  ids(): string[] {
    return [...this.#entries.keys()];
  }

  close(): void {
    for (const id of this.ids()) this.drop(id);
    this.#closeHost();
    this.#readiness[Symbol.dispose]();
  }

  #open(names: SandboxNames, path: string, wish: number): Entry {
    using undo = new DisposableStack();
    const namespace = new ResolverNamespace(path);
    undo.defer(() => namespace.close());
    const sockets = namespace.open(wish);
    undo.defer(() => closePair(sockets));
    const { sandboxId } = names;
    const before = this.#entries.get(sandboxId)?.names.endpoints;
    undo.defer(() => (before ? this.#zone.put(sandboxId, before) : this.#zone.drop(sandboxId)));
    const role = {
      view: this.#zone.put(sandboxId, names.endpoints),
      servers: () => this.#serversOf(this.#entries.get(sandboxId)),
    };
    const parts = { readiness: this.#readiness, forwarder: this.#forwarder, log: this.#log };
    const resolver = new Resolver(namespace, sockets, role, parts);
    undo.move();
    return { names, resolver, own: undefined, ownList: [] };
  }

  #close(entry: Entry): void {
    this.#dropServers(entry);
    entry.resolver.close();
  }

  /** Explicit servers are asked from inside, as Docker does, be they on the container's own loopback. */
  #serversOf(entry: Entry | undefined): Servers | undefined {
    if (!entry?.names.forward) return undefined;
    if (entry.names.nameservers.length > 0) return entry.own;
    const host = this.#hostServers();
    if (host.fromHost) return this.#host?.upstreams;
    this.#setOwn(entry, host.addresses);
    return entry.own;
  }

  #setServers(entry: Entry): void {
    if (entry.names.nameservers.length > 0) this.#setOwn(entry, entry.names.nameservers);
    else this.#dropServers(entry);
  }

  #setOwn(entry: Entry, wanted: readonly string[]): void {
    // The resolver asking itself would never end.
    const list = wanted.filter((address) => address !== RESOLVER_ADDRESS);
    if (entry.own && list.join() === entry.ownList.join()) return;
    this.#dropServers(entry);
    const { namespace } = entry.resolver;
    entry.ownList = list;
    entry.own = {
      scope: `${entry.names.sandboxId} ${list.join()}`,
      list: list.map((address) => this.#upstream(address, (body) => namespace.run(body))),
    };
  }

  #dropServers(entry: Entry): void {
    if (!entry.own) return;
    this.#forwarder.abandon(entry.own.scope);
    for (const upstream of entry.own.list) upstream.close();
    entry.own = undefined;
    entry.ownList = [];
  }

  #hostServers(): HostServers {
    const servers = this.#hostFile.get();
    if (this.#host?.servers !== servers) {
      this.#closeHost();
      // Other servers may know other names.
      this.#forwarder.forget();
      const list = servers.fromHost
        ? servers.addresses.map((address) => this.#upstream(address, (body) => body()))
        : [];
      this.#host = { servers, upstreams: { scope: 'host', list } };
    }
    return servers;
  }

  #closeHost(): void {
    if (!this.#host) return;
    this.#forwarder.abandon('host');
    for (const upstream of this.#host.upstreams.list) upstream.close();
    this.#host = undefined;
  }

  #upstream(address: string, run: <T>(body: () => T) => T): Upstream {
    return new Upstream({ address, port: this.#port, readiness: this.#readiness, run });
  }
}
