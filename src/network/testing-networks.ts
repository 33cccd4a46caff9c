/** Networks on fakes, for tests of their verbs: what they leave is looked at as a whole. */
import assert from 'node:assert/strict';
import { FakeFirewall } from '../firewall/fake-firewall.ts';
import { silent } from '../log.ts';
import { createMemoryStore } from '../store/memory.ts';
import { createNetworkController } from './controller.ts';
import type { NetworkParts } from './controller.ts';
import { FakeAttendant } from './fake-attendant.ts';
import { FakeFiles, FakeKernel } from './fake-kernel.ts';
import type { IpamConfig, NetworkCreateRequest, SandboxRequest } from './port.ts';
import type { NetworkRecord } from './records.ts';
import type { NetworkSettings } from './settings.ts';
import { defaults } from './testing-world.ts';

export class World {
  kernel = new FakeKernel();
  firewall = new FakeFirewall();
  store = createMemoryStore();
  events: unknown[] = [];
  warnings: string[] = [];
  now = '2026-01-01T00:00:00Z';
  #counter = 0;

  async start(settings: Partial<NetworkSettings> = {}): Promise<NetworkParts> {
    const parts = createNetworkController({
      settings: { ...defaults, ...settings },
      execRoot: '/run/berth',
      store: this.store,
      kernel: this.kernel,
      firewall: this.firewall,
      attendant: new FakeAttendant(),
      files: new FakeFiles(),
      publish: (...event) => void this.events.push(event),
      log: { ...silent, warn: (message) => void this.warnings.push(message) },
      // Numbers in front, so that no two begin alike.
      randomHex: (bytes) =>
        (++this.#counter)
          .toString(16)
          .padStart(6, '0')
          .padEnd(bytes * 2, '0')
          .slice(0, bytes * 2),
      now: () => this.now,
      later: () => undefined,
    });
    await parts.sandboxes.restore(new Map(), new Map());
    return parts;
  }

  record(name: string): NetworkRecord {
    const found = this.store.list<NetworkRecord>('network').find((network) => network.name === name);
    assert.ok(found, name);
    return found;
  }

  /** All that a refusal must leave as it was. */
  snapshot(): unknown {
    return structuredClone([
      this.kernel.survey(),
      [...this.kernel.sysctls],
      this.firewall.state(),
      this.store.list('network'),
      this.events,
    ]);
  }
}

export const pool = (Subnet: string, more: Partial<IpamConfig> = {}): IpamConfig => ({
  Subnet,
  IPRange: '',
  Gateway: '',
  AuxiliaryAddresses: {},
  ...more,
});
export const ipam = (...Config: IpamConfig[]): NetworkCreateRequest['IPAM'] => ({
  Driver: 'default',
  Config,
  Options: {},
});
export const wish = (Name: string, more: Partial<NetworkCreateRequest> = {}): NetworkCreateRequest => ({
  Name,
  Driver: 'bridge',
  Scope: '',
  Internal: false,
  Attachable: false,
  Ingress: false,
  ConfigOnly: false,
  ConfigFrom: null,
  IPAM: null,
  Options: {},
  Labels: {},
  ...more,
});
export const container = (containerId: string, networkMode: string): SandboxRequest => ({
  containerId,
  containerName: `name-${containerId}`,
  hostname: containerId,
  domainname: '',
  networkMode,
  endpoints: {},
  links: [],
  exposed: [],
  portBindings: {},
  publishAll: false,
  netAdmin: false,
  dns: [],
  dnsSearch: [],
  dnsOptions: [],
  extraHosts: [],
  filesDir: `/c/${containerId}`,
});
