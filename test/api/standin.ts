/**
 * A strict stand-in for everything below the API: it keeps little state, but it fails on misuse of a port (input after
 * the end, output taken twice, two writes at once), and a test that ends with misuse fails.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createApi, type Api } from '../../src/api/index.ts';
import type { SystemInfo } from '../../src/api/system-port.ts';
import type { Images } from '../../src/engine/images/port.ts';
import type { Containers, CreateRequest, ExecStartOptions, OutputFrame, Session } from '../../src/engine/port.ts';
import { conflict, notFound, notImplemented, notModified } from '../../src/errors.ts';
import type { Logger } from '../../src/log.ts';
import type { ContainerUpdate, PortMap } from '../../src/model/container.ts';
import { EventBus } from '../../src/model/events.ts';
import type { Json } from '../../src/model/json.ts';
import type { NetworkCreateRequest, Networks } from '../../src/network/port.ts';
import { standinFiles } from './standin-files.ts';
import { StandinCluster } from './standin-cluster.ts';
import { StandinVolumes } from './standin-volumes.ts';

export const misuse: string[] = [];
const wrong = (what: string): void => void misuse.push(what);

/** A process that the test plays: `emit` is its output, `received` what it was sent. */
export class PlayedSession implements Session {
  readonly tty: boolean;
  readonly received: Buffer[] = [];
  readonly #frames: OutputFrame[] = [];
  /** Frames taken by the consumer. */
  taken = 0;
  inputEnded = false;
  closed = false;
  /** Held back writes resolve when the test says so. */
  holdWrites = false;
  #release: (() => void) | undefined;
  #writing = false;
  #iterated = false;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(tty = false) {
    this.tty = tty;
  }

  get output(): AsyncIterable<OutputFrame> {
    if (this.#iterated) wrong('output taken twice');
    this.#iterated = true;
    return this.#take();
  }

  async *#take(): AsyncGenerator<OutputFrame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) {
        this.taken++;
        yield frame;
      } else if (this.#ended || this.closed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  emit(stream: 1 | 2, data: string | Buffer): void {
    this.#frames.push({ stream, data: Buffer.from(data) });
    this.#wake?.();
  }

  exit(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async write(data: Buffer): Promise<void> {
    if (this.inputEnded) wrong('write after end');
    if (this.#writing) wrong('write while another is under way');
    if (data.length === 0) wrong('empty write');
    this.received.push(Buffer.from(data));
    if (!this.holdWrites) return;
    this.#writing = true;
    await new Promise<void>((resolve) => (this.#release = resolve));
    this.#writing = false;
  }

  release(): void {
    this.holdWrites = false;
    this.#release?.();
  }

  end(): void {
    if (this.inputEnded) wrong('end called twice');
    this.inputEnded = true;
  }

  close(): void {
    this.closed = true;
    this.#wake?.();
  }

  get text(): string {
    return Buffer.concat(this.received).toString();
  }
}

interface Made {
  Id: string;
  Name: string;
  request: CreateRequest;
  running: boolean;
}

const id64 = (n: number): string => n.toString(16).padStart(64, '0');

export class StandinContainers implements Containers {
  readonly made: Made[] = [];
  readonly calls: string[] = [];
  /** What the next attach or exec start gives. */
  session = new PlayedSession();
  exit: Json = { StatusCode: 0 };
  finish: (() => void) | undefined;
  logLines: { stream: 1 | 2; data: Buffer; time: string }[] = [];
  aborted: string[] = [];

  #find(ref: string): Made {
    const found = this.made.find(({ Id, Name }) => Id.startsWith(ref) || Name === ref.replace(/^\//, ''));
    if (found === undefined) throw notFound(`No such container: ${ref}`);
    return found;
  }

  async create(request: CreateRequest): Promise<{ Id: string; Warnings: string[] }> {
    if (request.name?.startsWith('/') === true) wrong('a name with a leading slash');
    if (this.made.some(({ Name }) => Name === request.name)) {
      throw conflict(`Conflict. The container name "/${request.name}" is already in use`);
    }
    const Id = id64(0xabc000 + this.made.length);
    this.made.push({ Id, Name: request.name ?? 'made_up', request, running: false });
    return { Id, Warnings: [] };
  }
  async start(ref: string): Promise<void> {
    const found = this.#find(ref);
    if (found.running) throw notModified('container is already running');
    found.running = true;
  }
  async stop(ref: string, options: object): Promise<void> {
    this.calls.push(`stop ${JSON.stringify(options)}`);
    const found = this.#find(ref);
    if (!found.running) throw notModified('container is stopped');
    found.running = false;
  }
  async restart(ref: string): Promise<void> {
    this.#find(ref).running = true;
  }
  async kill(ref: string, signal: string): Promise<void> {
    this.calls.push(`kill ${signal}`);
    this.#find(ref).running = false;
  }
  async pause(ref: string): Promise<void> {
    this.calls.push(`pause ${this.#find(ref).Name}`);
    return Promise.resolve();
  }

  async unpause(ref: string): Promise<void> {
    this.calls.push(`unpause ${this.#find(ref).Name}`);
    return Promise.resolve();
  }

  async update(ref: string, change: ContainerUpdate): Promise<{ Warnings: string[] }> {
    this.calls.push(`update ${this.#find(ref).Name} ${change.Memory}`);
    return Promise.resolve({ Warnings: [] });
  }

  async rename(ref: string, name: string): Promise<void> {
    this.#find(ref).Name = name;
  }
  async remove(ref: string, options: object): Promise<void> {
    this.calls.push(`remove ${JSON.stringify(options)}`);
    this.made.splice(this.made.indexOf(this.#find(ref)), 1);
  }
  async wait(ref: string, condition: string, signal: AbortSignal): Promise<{ done: Promise<Json> }> {
    this.#find(ref);
    this.calls.push(`wait ${condition}`);
    signal.addEventListener('abort', () => this.aborted.push('wait'));
    const done = new Promise<Json>((resolve) => {
      this.finish = () => resolve(this.exit);
    });
    return { done };
  }
  async list(options: { all: boolean; limit: number }): Promise<Json[]> {
    this.calls.push(`list ${JSON.stringify(options)}`);
    return this.made.map(({ Id, Name, request, running }) => ({
      Id,
      Names: [`/${Name}`],
      Image: request.config.Image,
      ImageID: 'sha256:1',
      Command: (request.config.Cmd ?? []).join(' '),
      Created: 1,
      Ports: [],
      Labels: request.config.Labels,
      State: running ? 'running' : 'created',
      Status: running ? 'Up 1 second' : 'Created',
      HostConfig: { NetworkMode: 'bridge' },
      NetworkSettings: { Networks: {} },
      Mounts: [],
    }));
  }
  async inspect(ref: string): Promise<Json> {
    const { Id, Name, request, running } = this.#find(ref);
    const bridge = { IPAddress: '172.17.0.2', MacAddress: '02:42:ac:11:00:02', Gateway: '172.17.0.1' };
    return {
      Id,
      Name: `/${Name}`,
      State: { Running: running, Status: running ? 'running' : 'created', ExitCode: 0 },
      Config: request.config,
      HostConfig: request.hostConfig,
      NetworkSettings: { SandboxID: 's', Ports: {}, Networks: { bridge } },
    };
  }
  async logs(
    ref: string,
    options: object,
    signal: AbortSignal,
  ): Promise<{ tty: boolean; frames: AsyncIterable<{ stream: 1 | 2; data: Buffer; time: string }> }> {
    const { tty } = { tty: this.#find(ref).request.config.Tty };
    this.calls.push(`logs ${JSON.stringify(options)}`);
    signal.addEventListener('abort', () => this.aborted.push('logs'));
    return { tty, frames: Readable.from(this.logLines) };
  }
  async attach(ref: string, options: object): Promise<Session> {
    this.#find(ref);
    this.calls.push(`attach ${JSON.stringify(options)}`);
    return this.session;
  }
  async resize(ref: string, height: number, width: number): Promise<void> {
    this.#find(ref);
    this.calls.push(`resize ${height}x${width}`);
  }
  async top(): Promise<Json> {
    return { Titles: ['PID'], Processes: [['1']] };
  }
  async prune(): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }> {
    return { ContainersDeleted: [], SpaceReclaimed: 0 };
  }
  async connect(ref: string, network: string, settings: object): Promise<void> {
    this.#find(ref);
    if (network === 'nonesuch') throw notFound(`network ${network} not found`);
    this.calls.push(`connect ${network} ${JSON.stringify(settings)}`);
  }
  async disconnect(ref: string, network: string, options: object): Promise<void> {
    this.#find(ref);
    this.calls.push(`disconnect ${network} ${JSON.stringify(options)}`);
  }
  async publish(ref: string, change: object): Promise<{ Ports: PortMap }> {
    this.#find(ref);
    this.calls.push(`publish ${JSON.stringify(change)}`);
    return { Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] } };
  }
  async execCreate(ref: string, config: object): Promise<{ Id: string }> {
    this.#find(ref);
    this.calls.push(`exec ${JSON.stringify(config)}`);
    return { Id: id64(0xeee) };
  }
  /** Thrown by execStart once it has accepted. */
  execFailure: Error | undefined;
  /** Thrown by execStart when set. */
  execError: Error | undefined;
  async execStart(id: string, options: ExecStartOptions): Promise<Session | undefined> {
    if (id !== id64(0xeee)) throw notFound(`No such exec instance: ${id}`);
    if (this.execError !== undefined) throw this.execError;
    await options.accepted?.();
    if (this.execFailure !== undefined) throw this.execFailure;
    this.calls.push(`execStart ${JSON.stringify(options)}`);
    return options.detach ? undefined : this.session;
  }
  async execInspect(id: string): Promise<Json> {
    return { ID: id, Running: false, ExitCode: 0 };
  }
  async execResize(): Promise<void> {}
  async stats(ref: string): Promise<AsyncIterable<Json>> {
    const { Id: id } = this.#find(ref);
    return Readable.from([{ id, os_type: 'linux' }]) as AsyncIterable<Json>;
  }
  counts(): { total: number; running: number; paused: number; stopped: number } {
    return { total: this.made.length, running: 0, paused: 0, stopped: 0 };
  }
}

const IMAGE = {
  Id: `sha256:${'1'.repeat(64)}`,
  ParentId: '',
  RepoTags: ['busybox:latest'],
  RepoDigests: [],
  Created: 1_700_000_000,
  Size: 2_000_000,
  SharedSize: -1,
  Labels: null,
  Containers: -1,
};

export class StandinImages implements Images {
  readonly calls: unknown[] = [];
  archive: Buffer | undefined;
  pullError: Error | undefined;
  /** Resolves the pull under way. */
  hold: Promise<void> | undefined;
  aborted = false;

  resolve(): never {
    throw notImplemented('the API resolves no images');
  }
  commit(): never {
    throw notImplemented('the API commits through the files of containers');
  }
  async pull(options: object, progress: (line: Json) => void, signal: AbortSignal): Promise<void> {
    this.calls.push(options);
    signal.addEventListener('abort', () => (this.aborted = true));
    if (this.pullError !== undefined && this.hold === undefined) throw this.pullError;
    progress({ status: 'Pulling from library/busybox', id: 'latest' });
    await this.hold;
    if (this.pullError !== undefined) throw this.pullError;
    progress({ status: 'Status: Downloaded newer image for busybox:latest' });
  }
  async push(options: object, progress: (line: Json) => void): Promise<void> {
    this.calls.push(options);
    progress({ status: 'Pushed' });
  }
  async distribution(name: string): Promise<Json> {
    return { Descriptor: { digest: name, mediaType: '', size: 0 }, Platforms: [] };
  }
  async list(): Promise<Json[]> {
    return [IMAGE];
  }
  async inspect(ref: string): Promise<Json> {
    this.calls.push(ref);
    if (ref.startsWith('missing') || ref === 'nothing') throw notFound(`No such image: ${ref}`);
    return {
      ...IMAGE,
      Created: '2024-01-01T00:00:00Z',
      RepoTags: [ref],
      Os: 'linux',
      Architecture: 'amd64',
      Config: {},
      RootFS: { Type: 'layers' },
    };
  }
  async history(): Promise<Json[]> {
    return [];
  }
  async tag(...args: string[]): Promise<void> {
    this.calls.push(args);
  }
  async remove(ref: string): Promise<Json[]> {
    return [{ Untagged: ref }];
  }
  async prune(): Promise<{ ImagesDeleted: Json[]; SpaceReclaimed: number }> {
    return { ImagesDeleted: [], SpaceReclaimed: 0 };
  }
  async load(archive: Readable, progress: (line: Json) => void): Promise<void> {
    this.archive = await buffer(archive);
    progress({ status: 'Loading layer', progressDetail: { current: 1, total: 2 }, id: 'x' });
    progress({ stream: 'Loaded image: busybox:latest\n' });
  }
  async save(refs: string[]): Promise<Readable> {
    this.calls.push(refs);
    if (refs.includes('broken')) {
      return new Readable({
        read() {
          this.destroy(notFound('No such image: broken'));
        },
      });
    }
    return Readable.from([Buffer.from('tar'), Buffer.alloc(100_000, 1)]);
  }
  async importArchive(archive: Readable, options: object, progress: (line: Json) => void): Promise<string> {
    this.archive = await buffer(archive);
    progress({ status: IMAGE.Id });
    this.calls.push(options);
    return IMAGE.Id;
  }
  async usage(): Promise<{ layersSize: number; images: Json[] }> {
    return { layersSize: 2_000_000, images: [IMAGE] };
  }
  async count(): Promise<number> {
    return 1;
  }
}

const network = (Name: string, Driver: string, n: number): Json => ({
  Name,
  Id: id64(n),
  Created: '2024-01-01T00:00:00Z',
  Scope: 'local',
  Driver,
  EnableIPv4: true,
  EnableIPv6: false,
  IPAM: { Driver: 'default', Options: null, Config: [] },
  Internal: false,
  Attachable: false,
  Ingress: false,
  ConfigFrom: { Network: '' },
  ConfigOnly: false,
  Containers: {},
  Options: {},
  Labels: {},
});

export class StandinNetworks implements Networks {
  readonly calls: unknown[] = [];
  readonly #all = [network('bridge', 'bridge', 1), network('host', 'host', 2), network('none', 'null', 3)];
  list(): Json[] {
    return this.#all;
  }
  async inspect(ref: string): Promise<Json> {
    const found = this.#all.find(({ Name, Id }) => Name === ref || Id === ref);
    if (found === undefined) throw notFound(`network ${ref} not found`);
    return found;
  }
  resolve(): never {
    throw notImplemented('the API resolves no networks');
  }
  async create(request: NetworkCreateRequest): Promise<{ Id: string; Warning: string }> {
    this.calls.push(request);
    return { Id: id64(9), Warning: '' };
  }
  async remove(ref: string): Promise<void> {
    await this.inspect(ref);
  }
  async prune(): Promise<{ NetworksDeleted: string[] }> {
    return { NetworksDeleted: [] };
  }
}

const SYSTEM: SystemInfo = {
  version: '9.9.9',
  async versionInfo() {
    return {
      Platform: { Name: 'Berth' },
      Components: [{ Name: 'Engine', Version: '9.9.9', Details: { ApiVersion: '1.52', Os: 'linux' } }],
      Version: '9.9.9',
      GitCommit: 'abc',
      GoVersion: process.version,
      Os: 'linux',
      Arch: 'amd64',
      KernelVersion: '6.18.0',
      BuildTime: '',
    };
  },
  async info() {
    return {
      ID: 'standin',
      Containers: 0,
      ContainersRunning: 0,
      ContainersPaused: 0,
      ContainersStopped: 0,
      Images: 1,
      Driver: 'overlay',
      DriverStatus: [],
      Plugins: { Volume: ['local'], Network: ['bridge', 'host', 'null'], Authorization: null, Log: ['json-file'] },
      MemoryLimit: true,
      SwapLimit: true,
      CpuCfsPeriod: true,
      CpuCfsQuota: true,
      CPUShares: true,
      CPUSet: true,
      PidsLimit: true,
      IPv4Forwarding: true,
      Debug: false,
      NFd: 1,
      OomKillDisable: false,
      NGoroutines: 1,
      SystemTime: '2024-01-01T00:00:00Z',
      LoggingDriver: 'json-file',
      CgroupDriver: 'cgroupfs',
      CgroupVersion: '1',
      NEventsListener: 0,
      KernelVersion: '6.18.0',
      OperatingSystem: 'Debian',
      OSVersion: '12',
      OSType: 'linux',
      Architecture: 'x86_64',
      IndexServerAddress: '',
      RegistryConfig: { InsecureRegistryCIDRs: ['127.0.0.0/8'] },
      NCPU: 2,
      MemTotal: 1,
      GenericResources: null,
      DockerRootDir: '/nowhere',
      HttpProxy: '',
      HttpsProxy: '',
      NoProxy: '',
      Name: 'standin',
      Labels: [],
      ExperimentalBuild: false,
      ServerVersion: '9.9.9',
      Runtimes: { crun: { path: 'crun' } },
      DefaultRuntime: 'crun',
      LiveRestoreEnabled: true,
      Isolation: '',
      InitBinary: 'tini',
      ContainerdCommit: { ID: '', Expected: '' },
      RuncCommit: { ID: '', Expected: '' },
      InitCommit: { ID: '', Expected: '' },
      SecurityOptions: ['name=seccomp,profile=builtin'],
      CDISpecDirs: [],
      Warnings: [],
    };
  },
};

export interface Standin {
  containers: StandinContainers;
  images: StandinImages;
  networks: StandinNetworks;
  volumes: StandinVolumes;
  cluster: StandinCluster;
  events: EventBus;
  api: Api;
  server: Server;
  socket: string;
  /** Everything that was logged, as text. */
  logged: string[];
}

/** Runs `body` against the API on a socket of its own, then closes everything and looks for misuse. */
export async function withApi(
  body: (standin: Standin) => Promise<void>,
  real: { images?: Images } = {},
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-api-'));
  const socket = join(dir, 's');
  const logged: string[] = [];
  const write = (message: string, fields?: object): void =>
    void logged.push(`${message} ${fields === undefined ? '' : JSON.stringify(fields)}`);
  const log: Logger = { debug: write, info: write, warn: write, error: write };
  const containers = new StandinContainers();
  const images = new StandinImages();
  const networks = new StandinNetworks();
  const volumes = new StandinVolumes();
  const cluster = new StandinCluster();
  const events = new EventBus();
  const api = createApi({
    containers,
    files: standinFiles,
    images: real.images ?? images,
    networks,
    volumes,
    cluster,
    events,
    system: SYSTEM,
    log,
  });
  const server = api.createServer();
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  misuse.length = 0;
  try {
    await body({ containers, images, networks, volumes, cluster, events, api, server, socket, logged });
    assert.deepEqual(misuse, []);
  } finally {
    api.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(dir, { recursive: true });
  }
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: unknown;
}

/** Waits until `condition` holds; for what happens on the other side of a socket. */
export async function until(condition: () => boolean, what: string, limit = 15_000): Promise<void> {
  const deadline = Date.now() + limit;
  while (!condition()) {
    if (Date.now() > deadline) assert.fail(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
