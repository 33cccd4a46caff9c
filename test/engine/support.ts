/**
 * The engine on the real kernel without network and image store: the root file system is the machine's busybox, the
 * sandboxes are namespaces of nothing ('none') or the caller's own ('host'). Run inside a throw-away host.
 */
import { mkdirSync, copyFileSync, symlinkSync, writeFileSync, existsSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { notFound } from '../../src/errors.ts';
import { createEngine, type Engine } from '../../src/engine/engine.ts';
import type { EngineDeps } from '../../src/engine/context.ts';
import type { Session } from '../../src/engine/port.ts';
import type { ContainerConfig, ExecConfig, HostConfig } from '../../src/model/container.ts';
import { sampleConfig, sampleHost } from '../../src/engine/testing-samples.ts';
import { leaveHybridCgroups } from '../../src/linux/mounts.ts';
import { CLONE_NEWNET, CLONE_NEWNS, MS_PRIVATE, MS_REC, libc } from '../../src/linux/libc.ts';
import { EventBus, type EngineEvent } from '../../src/model/events.ts';
import type { SandboxRequest, Sandboxes } from '../../src/network/port.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { DaemonSettings } from '../../src/daemon/settings.ts';
import type { Logger } from '../../src/log.ts';

/** Network and mounts of the test's own, as in a throw-away host. Before anything else. */
export function isolate(): void {
  libc.unshare(CLONE_NEWNS | CLONE_NEWNET);
  libc.mount(null, '/', null, MS_REC | MS_PRIVATE, null);
  leaveHybridCgroups();
}

export const IMAGE_ID = `sha256:${'b'.repeat(64)}`;

/** A busybox root file system below `root`; returns its directory. */
export function makeRootfs(root: string): string {
  const directory = `${root}/rootfs`;
  if (existsSync(directory)) return directory;
  for (const name of ['bin', 'etc', 'dev', 'proc', 'sys', 'tmp', 'root', 'data']) {
    mkdirSync(`${directory}/${name}`, { recursive: true });
  }
  copyFileSync('/bin/busybox', `${directory}/bin/busybox`);
  const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const applet of applets) if (applet !== 'busybox') symlinkSync('busybox', `${directory}/bin/${applet}`);
  writeFileSync(`${directory}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n');
  writeFileSync(`${directory}/etc/group`, 'root:x:0:\nann:x:1000:\nstaff:x:50:ann\n');
  writeFileSync(`${directory}/etc/notexec`, 'text');
  writeFileSync(`${directory}/data/file`, 'from the image');
  return directory;
}

const networkId = (index: number): string => `${index + 1}`.repeat(64);

export class FakeSandboxes implements Sandboxes {
  readonly open_ = new Map<string, SandboxRequest>();
  restored: string[] = [];
  renamed: [id: string, name: string][] = [];
  checked: Parameters<Sandboxes['check']>[0][] = [];
  check(wish: Parameters<Sandboxes['check']>[0]): void {
    this.#findAll(wish);
    this.checked.push(wish);
  }
  #findAll({ networkMode, endpoints }: Parameters<Sandboxes['check']>[0]): void {
    if (networkMode.startsWith('container:')) return;
    this.networkOf(networkMode === 'default' ? 'bridge' : networkMode);
    for (const name of Object.keys(endpoints)) this.networkOf(name);
  }
  async rename(id: string, name: string): Promise<void> {
    this.renamed.push([id, name]);
    return Promise.resolve();
  }
  readonly networks = ['bridge', 'host', 'none', 'front', 'back'];
  readonly reserved = new Map<string, Parameters<Sandboxes['reserve']>[1]>();
  calls: string[] = [];
  /** Thrown by the next connect or publish. */
  refusal: Error | undefined;
  reserve(id: string, endpoints: Parameters<Sandboxes['reserve']>[1]): void {
    this.reserved.set(id, endpoints);
  }
  forget(id: string): void {
    this.reserved.delete(id);
  }
  networkOf(ref: string): { id: string; name: string; driver: string } {
    const index = this.networks.findIndex((name, at) => name === ref || networkId(at).startsWith(ref));
    const name = this.networks[index];
    if (name === undefined) throw notFound(`network ${ref} not found`);
    return { id: networkId(index), name, driver: name === 'host' ? 'host' : name === 'none' ? 'null' : 'bridge' };
  }
  #refuse(): void {
    const { refusal } = this;
    this.refusal = undefined;
    if (refusal !== undefined) throw refusal;
  }
  async connect(id: string, network: string): Promise<void> {
    await Promise.resolve();
    this.#refuse();
    if (!this.open_.has(id)) throw new Error('connect without a sandbox');
    this.calls.push(`connect ${network}`);
  }
  async disconnect(id: string, network: string): Promise<void> {
    await Promise.resolve();
    if (!this.open_.has(id)) throw new Error('disconnect without a sandbox');
    this.calls.push(`disconnect ${network}`);
  }
  async publish(id: string, change: Parameters<Sandboxes['publish']>[1]): Promise<void> {
    await Promise.resolve();
    this.#refuse();
    if (!this.open_.has(id)) throw new Error('publish without a sandbox');
    this.calls.push(`publish ${JSON.stringify(change)}`);
  }
  async open(request: SandboxRequest): ReturnType<Sandboxes['open']> {
    this.#findAll(request);
    if (this.open_.has(request.containerId)) throw new Error('a sandbox was opened twice');
    this.open_.set(request.containerId, request);
    const file = (name: string, text: string): string => {
      writeFileSync(`${request.filesDir}/${name}`, text);
      return `${request.filesDir}/${name}`;
    };
    return Promise.resolve({
      id: request.containerId,
      namespacePath: request.networkMode === 'host' ? undefined : '/proc/self/ns/net',
      hostnamePath: file('hostname', `${request.hostname}\n`),
      hostsPath: file('hosts', '127.0.0.1 localhost\n'),
      resolvConfPath: file('resolv.conf', ''),
      ready: Promise.resolve(),
    });
  }
  async close(containerId: string): Promise<void> {
    this.open_.delete(containerId);
    return Promise.resolve();
  }
  view(): undefined {
    return undefined;
  }
  existing: Parameters<Sandboxes['restore']>[1] = new Map();
  async restore(...[running, existing]: Parameters<Sandboxes['restore']>): Promise<void> {
    this.restored = [...running.keys()];
    this.existing = existing;
    return Promise.resolve();
  }
}

export interface Rig {
  engine: Engine;
  events: EngineEvent[];
  sandboxes: FakeSandboxes;
  close(): Promise<void>;
}

export async function makeEngine(
  root: string,
  options: { log?: Logger; cgroupParent?: string; runtime?: string; runtimePatience?: number } = {},
): Promise<Rig> {
  const rootfs = makeRootfs(root);
  mkdirSync(`${root}/data`, { recursive: true });
  mkdirSync(`${root}/exec`, { recursive: true });
  const store = openSqliteStore(`${root}/data/berth.db`);
  const bus = new EventBus();
  const events: EngineEvent[] = [];
  bus.subscribe((event) => events.push(event));
  const sandboxes = new FakeSandboxes();
  const quiet: Logger = {
    debug() {},
    info() {},
    warn: (message, fields) => process.stderr.write(`warn ${message} ${JSON.stringify(fields ?? {})}\n`),
    error: (message, fields) => process.stderr.write(`error ${message} ${JSON.stringify(fields ?? {})}\n`),
  };
  const deps: EngineDeps = {
    settings: settingsFor(root, options),
    store,
    images: {
      resolve: async (ref) => {
        await Promise.resolve();
        if (ref === 'nonesuch') throw notFound('No such image: nonesuch:latest');
        return {
          id: IMAGE_ID,
          names: ['docker.io/library/busybox:latest'],
          defaults: { Env: ['PATH=/bin', 'FROM=image'], Cmd: ['sh'], Labels: { made: 'here' } },
          os: 'linux',
          architecture: 'amd64',
          lowerDirs: [rootfs],
        };
      },
      commit: async () => Promise.reject(new Error('there is no image store here')),
    },
    sandboxes,
    filesProgram: [],
    publish: bus.publish,
    log: options.log ?? quiet,
    ...(options.runtimePatience === undefined ? {} : { runtimePatience: options.runtimePatience }),
  };
  const engine = await createEngine(deps);
  await engine.restore();
  return {
    engine,
    events,
    sandboxes,
    async close() {
      await engine.shutdown();
      store.close();
    },
  };
}

function settingsFor(root: string, options: { cgroupParent?: string; runtime?: string }): DaemonSettings {
  const settings: Partial<DaemonSettings> = {
    dataRoot: `${root}/data`,
    execRoot: `${root}/exec`,
    runtime: options.runtime ?? 'crun',
    initPath: 'tini',
    defaultShmSize: 64 << 20,
    defaultUlimits: [],
    cgroupParent: options.cgroupParent ?? root.replace(/^\/tmp/, ''),
    seccompProfile: '',
    noNewPrivileges: false,
  };
  return settings as DaemonSettings;
}

export { sampleConfig as config, sampleHost as hostConfig } from '../../src/engine/testing-samples.ts';

export const execConfig = (own: Partial<ExecConfig> = {}): ExecConfig => ({
  User: '',
  Privileged: false,
  Tty: false,
  AttachStdin: false,
  AttachStderr: true,
  AttachStdout: true,
  DetachKeys: '',
  Env: [],
  WorkingDir: '',
  Cmd: ['true'],
  ...own,
});

export async function collect(session: Session): Promise<{ out: string; err: string }> {
  const texts = { out: '', err: '' };
  for await (const { stream, data } of session.output) texts[stream === 1 ? 'out' : 'err'] += data.toString();
  return texts;
}

/** As `docker run` does it: create, attach, wait, start; output and exit code. */
export async function run(
  engine: Engine,
  command: string[],
  own: { config?: Partial<ContainerConfig>; host?: Partial<HostConfig>; name?: string; input?: string } = {},
): Promise<{ id: string; out: string; err: string; code: number }> {
  const { Id: id } = await engine.create({
    name: own.name,
    config: sampleConfig({ Cmd: command, ...own.config }),
    hostConfig: sampleHost(own.host),
    networking: { EndpointsConfig: {} },
  });
  const stdin = own.input !== undefined;
  const session = await engine.attach(id, {
    stdin,
    stdout: true,
    stderr: true,
    logs: false,
    stream: true,
    detachKeys: '',
  });
  const output = collect(session);
  const condition = own.host?.AutoRemove ? 'removed' : 'next-exit';
  const { done } = await engine.wait(id, condition, new AbortController().signal);
  await engine.start(id);
  if (own.input !== undefined) {
    await session.write(Buffer.from(own.input));
    session.end();
  }
  const texts = await output;
  const { StatusCode } = await done;
  return { id, ...texts, code: Number(StatusCode) };
}
