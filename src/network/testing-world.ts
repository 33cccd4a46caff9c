/** Networks and sandboxes on fakes, for unit tests. */
import { FakeFirewall } from '../firewall/fake-firewall.ts';
import type { LogFields } from '../log.ts';
import type { EndpointSettings } from '../model/container.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { createNetworkController } from './controller.ts';
import type { NetworkParts } from './controller.ts';
import { FakeAttendant } from './fake-attendant.ts';
import { FakeFiles, FakeKernel } from './fake-kernel.ts';
import type { NetworkCreateRequest, Sandbox, SandboxRequest } from './port.ts';
import type { NetworkSettings } from './settings.ts';

export const defaults: NetworkSettings = {
  bridge: '',
  bip: '',
  bip6: '',
  fixedCidr: '',
  fixedCidr6: '',
  defaultGateway: '',
  defaultGateway6: '',
  mtu: 0,
  dns: [],
  dnsSearch: [],
  dnsOptions: [],
  ipForward: true,
  ipMasq: true,
  icc: true,
  iptables: true,
  ip6tables: true,
  ipv6: false,
  ip: '0.0.0.0',
  hostGatewayIps: [],
  userlandProxy: true,
  defaultNetworkOptions: {},
  defaultAddressPools: [],
};

export class World {
  kernel = new FakeKernel();
  firewall = new FakeFirewall();
  attendant = new FakeAttendant();
  files = new FakeFiles();
  store: Store = createMemoryStore();
  events: string[] = [];
  warnings: string[] = [];
  #counter = 0;

  start(settings: Partial<NetworkSettings> = {}): NetworkParts {
    const note = (message: string, _fields?: LogFields): void => void this.warnings.push(message);
    return createNetworkController({
      settings: { ...defaults, ...settings },
      execRoot: '/run/berth',
      store: this.store,
      kernel: this.kernel,
      firewall: this.firewall,
      attendant: this.attendant,
      files: this.files,
      publish: (type, action, _id, attributes) => {
        this.events.push(`${type} ${action} ${attributes['name']} ${attributes['type']} ${attributes['container']}`);
      },
      log: { debug() {}, info() {}, warn: note, error: note },
      randomHex: (bytes) =>
        (++this.#counter)
          .toString(16)
          .padStart(6, '0')
          .padEnd(bytes * 2, '0')
          .slice(0, bytes * 2),
      now: () => '2026-01-01T00:00:00Z',
      later: (_milliseconds, body) => setImmediate(body),
    });
  }

  async started(settings: Partial<NetworkSettings> = {}): Promise<NetworkParts> {
    const parts = this.start(settings);
    await parts.sandboxes.restore(new Map(), new Map());
    return parts;
  }
}

/** A sandbox that is ready; one that cannot be is closed, as the engine does it. */
export async function open({ sandboxes }: Pick<NetworkParts, 'sandboxes'>, asked: SandboxRequest): Promise<Sandbox> {
  const sandbox = await sandboxes.open(asked);
  try {
    await sandbox.ready;
  } catch (error) {
    await sandboxes.close(asked.containerId);
    throw error;
  }
  return sandbox;
}

export const request = (containerId: string, more: Partial<SandboxRequest> = {}): SandboxRequest => ({
  containerId,
  containerName: `name-${containerId}`,
  hostname: containerId,
  domainname: '',
  networkMode: 'default',
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
  ...more,
});
export const creation = (Name: string, more: Partial<NetworkCreateRequest> = {}): NetworkCreateRequest => ({
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
export const settings = (more: Partial<EndpointSettings>): EndpointSettings => ({
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  MacAddress: '',
  DriverOpts: null,
  GwPriority: 0,
  ...more,
});
