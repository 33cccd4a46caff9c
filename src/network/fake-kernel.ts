/**
 * A kernel for unit tests. Strict: what the real one would refuse, or what would be a mistake of the caller, throws.
 * Links of a dropped namespace stay until linksGone(), as they do for some 30 ms in the real one.
 */
import type { BridgePlan, InterfacePlan } from '../drivers/plan.ts';
import type { HostAddress, HostLink, HostRoute, Kernel, TextFiles } from './kernel.ts';

export class FakeKernel implements Kernel {
  readonly links = new Map<string, HostLink>();
  readonly addresses: HostAddress[] = [];
  readonly routes: HostRoute[] = [];
  /** Path → its interfaces; [] for one with lo alone. */
  readonly namespaces = new Map<string, readonly InterfacePlan[]>();
  readonly sysctls = new Map<string, string>();
  readonly adopted: { path: string; pid: number }[] = [];
  /** Namespaces that a process keeps alive after they were dropped. */
  readonly inUse = new Set<string>();
  /** Makes the next call of that name fail. */
  failNext: keyof Kernel | undefined;

  #mayFail(name: keyof Kernel): void {
    if (this.failNext !== name) return;
    this.failNext = undefined;
    throw new Error(`${name} failed`);
  }

  survey(): ReturnType<Kernel['survey']> {
    return { links: [...this.links.values()], addresses: [...this.addresses], routes: [...this.routes] };
  }

  ensureBridge(plan: BridgePlan): void {
    this.#mayFail('ensureBridge');
    const present = this.links.get(plan.name);
    if (present && present.kind !== 'bridge') throw new Error(`${plan.name} is no bridge`);
    if (present && plan.owner !== '' && present.alias !== plan.owner) throw new Error(`${plan.name} is another's`);
    if (!present && plan.owner === '') throw new Error(`${plan.name} must exist`);
    this.links.set(plan.name, present ?? { name: plan.name, kind: 'bridge', master: '', alias: plan.owner });
    for (const address of plan.addresses) {
      if (!this.addresses.some((one) => one.link === plan.name && one.address === address)) {
        this.addresses.push({ link: plan.name, address });
      }
    }
  }

  enslave(hostName: string, bridge: string): void {
    const link = this.links.get(hostName);
    if (!link || !this.links.has(bridge)) throw new Error(`no ${hostName} or no ${bridge}`);
    this.links.set(hostName, { ...link, master: bridge });
  }

  setSysctls(sysctls: readonly { name: string; value: string }[]): void {
    for (const { name, value } of sysctls) this.sysctls.set(name, value);
  }

  createNamespace(path: string, interfaces: readonly InterfacePlan[]): void {
    this.#mayFail('createNamespace');
    if (this.namespaces.has(path)) throw new Error(`${path} exists`);
    for (const { hostName, bridge, mac } of interfaces) {
      if (this.links.has(hostName)) throw new Error(`${hostName} exists`);
      if (hostName.length > 15) throw new Error(`${hostName} is too long`);
      if (this.links.get(bridge)?.kind !== 'bridge') throw new Error(`no bridge ${bridge}`);
      if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) throw new Error(`bad MAC ${mac}`);
    }
    for (const { hostName, bridge } of interfaces) {
      this.links.set(hostName, { name: hostName, kind: 'veth', master: bridge, alias: '' });
    }
    this.namespaces.set(path, interfaces);
  }

  adoptNamespace(path: string, pid: number): void {
    this.#mayFail('adoptNamespace');
    this.adopted.push({ path, pid });
    if (!this.namespaces.has(path)) this.namespaces.set(path, []);
  }

  dropNamespace(path: string): void {
    this.#mayFail('dropNamespace');
    this.namespaces.delete(path);
  }

  listNamespaces(directory: string): string[] {
    return [...this.namespaces.keys()].flatMap((path) =>
      path.startsWith(`${directory}/`) ? [path.slice(directory.length + 1)] : [],
    );
  }

  removeDirectory(directory: string): void {
    if (this.listNamespaces(directory).length > 0) throw new Error(`${directory} is not empty`);
  }

  async linksGone(names: readonly string[]): Promise<void> {
    this.#mayFail('linksGone');
    for (const name of names) {
      const owner = [...this.namespaces].find(([, list]) => list.some(({ hostName }) => hostName === name));
      if (owner) throw new Error(`${name} belongs to ${owner[0]}, which is in use`);
      this.links.delete(name);
      const kept = this.addresses.filter(({ link }) => link !== name);
      this.addresses.splice(0, this.addresses.length, ...kept);
    }
  }
}

export class FakeFiles implements TextFiles {
  readonly texts = new Map<string, string>();
  /** A full disk. */
  full = false;

  read(path: string): string | undefined {
    return this.texts.get(path);
  }

  write(path: string, text: string): void {
    if (this.full) throw new Error('ENOSPC');
    this.texts.set(path, text);
  }
}
