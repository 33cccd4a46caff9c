/** The process beside the daemon, for unit tests. Strict: ports are held once, names are put for namespaces only. */
import { placeKey } from '../ports/spec.ts';
import type { Attendant, EndpointNames, HeldPort, RefusedPort, SandboxNames } from './attendant.ts';
import { FakeLeases } from './fake-leases.ts';
import type { Lease, LeaseChange, LeaseWish } from './leases.ts';

export class FakeAttendant implements Attendant {
  /** By sandbox. */
  readonly names = new Map<string, SandboxNames>();
  /** Endpoints of other hosts, by ID. */
  readonly abroad = new Map<string, EndpointNames>();
  /** '<protocol>/<address>/<port>' → owner. */
  readonly held = new Map<string, string>();
  /** What another process of the host has, in the same form. */
  readonly elsewhere = new Set<string>();
  readonly leases = new FakeLeases();
  failNext: keyof Attendant | undefined;

  #mayFail(name: keyof Attendant): void {
    if (this.failNext !== name) return;
    this.failNext = undefined;
    throw new Error(`${name} failed`);
  }

  prepare(): void {}

  async putNames(names: SandboxNames): Promise<void> {
    this.#mayFail('putNames');
    if (names.namespacePath === '') throw new Error('names for the namespace of the host');
    this.names.set(names.sandboxId, names);
  }

  async dropNames(sandboxId: string): Promise<void> {
    this.#mayFail('dropNames');
    this.names.delete(sandboxId);
  }

  async changeElsewhere({ put, drop }: Parameters<Attendant['changeElsewhere']>[0]): Promise<void> {
    this.#mayFail('changeElsewhere');
    for (const id of drop) this.abroad.delete(id);
    for (const { id, endpoint } of put) this.abroad.set(id, endpoint);
  }

  async holdPorts(owner: string, ports: readonly HeldPort[]): Promise<RefusedPort[]> {
    this.#mayFail('holdPorts');
    for (const port of ports) {
      if (port.hostPort === 0) throw new Error('a port without number cannot be held');
      const holder = this.held.get(placeKey(port));
      if (holder !== undefined && holder !== owner) throw new Error(`${placeKey(port)} is held by ${holder}`);
    }
    const refused = ports.filter((port) => this.elsewhere.has(placeKey(port)));
    if (refused.length > 0) return refused.map((port) => ({ ...port, code: 'EADDRINUSE' }));
    for (const port of ports) this.held.set(placeKey(port), owner);
    return [];
  }

  async releasePorts(owner: string, ports?: readonly HeldPort[]): Promise<void> {
    const keys = ports?.map(placeKey) ?? [...this.held.keys()];
    for (const key of keys) if (this.held.get(key) === owner) this.held.delete(key);
  }

  onLease(listener: (change: LeaseChange) => void): void {
    this.leases.onLease(listener);
  }

  async obtainLease(wish: LeaseWish): Promise<Lease> {
    this.#mayFail('obtainLease');
    return this.leases.obtainLease(wish);
  }

  async keepLease(wish: LeaseWish, lease: Lease | undefined): Promise<Lease | undefined> {
    this.#mayFail('keepLease');
    return this.leases.keepLease(wish, lease);
  }

  async dropLease(endpointId: string): Promise<void> {
    this.#mayFail('dropLease');
    await this.leases.dropLease(endpointId);
  }

  async ready(): Promise<void> {}

  async close(): Promise<void> {}
}
