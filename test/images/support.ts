/** A registry on loopback, image stores in temporary directories, and archives made by hand. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createImages } from '../../src/engine/images/images.ts';
import type { ImagesOptions } from '../../src/engine/images/images.ts';
import type { Images } from '../../src/engine/images/port.ts';
import { encodeHeader, endOfArchive, padding } from '../../src/tar/header.ts';
import { silent } from '../../src/log.ts';
import type { Json } from '../../src/model/json.ts';
import { leftovers } from '../support/snapshot.ts';
import type { State } from '../support/snapshot.ts';

export const run = promisify(execFile);
export const never = new AbortController().signal;
export const quiet = (): void => {};

export interface TestStore extends AsyncDisposable {
  directory: string;
  root: string;
  images: Images;
  /** What the store published: 'action name'. */
  events: string[];
  users: { id: string; name: string; running: boolean }[];
  /** skopeo's name for something in this store. */
  skopeoName: (name: string) => string;
  /** A second one on the same directories, as after a restart. */
  again: (options?: Partial<ImagesOptions>) => Images;
}

export function openStore(options: Partial<ImagesOptions> = {}): TestStore {
  const directory = mkdtempSync(join(tmpdir(), 'bi-'));
  const root = join(directory, 'root');
  const runRoot = join(directory, 'run');
  const events: string[] = [];
  const users: TestStore['users'] = [];
  const again = (more: Partial<ImagesOptions> = {}): Images =>
    createImages({
      root,
      runRoot,
      tmpDir: join(directory, 'tmp'),
      insecureRegistries: [],
      registryMirrors: [],
      use: () => ({ usersOf: () => users }),
      publish: (_type, action, _id, attributes) => events.push(`${action} ${attributes['name'] ?? ''}`.trim()),
      log: silent,
      ...options,
      ...more,
    });
  return {
    directory,
    root,
    images: again(),
    events,
    users,
    skopeoName: (name) => `containers-storage:[overlay@${root}+${runRoot}]${name}`,
    again,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** A JSON file with its keys in order. */
function sorted(path: string): string {
  return JSON.stringify(JSON.parse(readFileSync(path, 'utf8')), (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** Everything below a store's root but the contents of lock files: paths, kinds, sizes; JSON by value. */
export function treeOf(root: string): State {
  const lines: string[] = [];
  const walk = (path: string): void => {
    for (const name of readdirSync(join(root, path)).toSorted()) {
      const below = join(path, name);
      const stat = lstatSync(join(root, below));
      if (stat.isDirectory()) {
        lines.push(`${below}/`);
        walk(below);
      } else if (name.endsWith('.json')) lines.push(`${below} ${sorted(join(root, below))}`);
      else lines.push(name.endsWith('.lock') ? below : `${below} ${stat.size}`);
    }
  };
  walk('.');
  return new Set(lines);
}

export function assertSameTree(root: string, before: State): void {
  assert.deepEqual(leftovers(before, treeOf(root)), []);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface Registry extends AsyncDisposable {
  /** '127.0.0.1:port' */
  host: string;
}

/** 'secret' in bcrypt, the only form that the registry reads. */
const HTPASSWD = 'u:$2b$04$f8klwqTm35tjfzgB.tn0NulFWYlszXQ.s0QbvDOr2sF9WR1fHX0ru\n';

/** What docker-registry is started with: a file that this writes. With `auth` it knows user 'u' with password 'secret' only. */
export function registryConfig(directory: string, port: number, auth = false): string {
  const config = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(directory, 'data') } },
    http: { addr: `127.0.0.1:${port}` },
    log: { level: 'error', accesslog: { disabled: true } },
    ...(auth ? { auth: { htpasswd: { realm: 'test', path: join(directory, 'htpasswd') } } } : {}),
  };
  // YAML takes JSON.
  writeFileSync(join(directory, 'config.yml'), JSON.stringify(config));
  writeFileSync(join(directory, 'htpasswd'), HTPASSWD);
  return join(directory, 'config.yml');
}

/** Debian's docker-registry on this machine's loopback; for one on a throw-away host see ../support/registry.ts. */
export async function startRegistry(auth = false): Promise<Registry> {
  const directory = mkdtempSync(join(tmpdir(), 'br-'));
  const port = await freePort();
  const config = registryConfig(directory, port, auth);
  const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('close', resolve));
  for (let tries = 0; ; tries++) {
    assert.ok(tries < 100 && child.exitCode === null, 'docker-registry does not start');
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) break;
    await sleep(50);
  }
  return {
    host: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Passes requests on to a registry, blobs no faster than `bytesPerSecond`. `blob` resolves with the first of them. */
export async function startSlowProxy(
  target: string,
  bytesPerSecond: number,
): Promise<Registry & { blob: Promise<void> }> {
  const blob = Promise.withResolvers<void>();
  const [host, port] = target.split(':');
  const server = createServer((incoming, outgoing) => {
    const onward = request({ host, port, path: incoming.url, method: incoming.method, headers: incoming.headers });
    onward.on('response', (response) => {
      outgoing.writeHead(response.statusCode ?? 500, response.headers);
      const isBlob = incoming.method === 'GET' && /\/blobs\//.test(incoming.url ?? '');
      const send = async (): Promise<void> => {
        if (isBlob) blob.resolve();
        for await (const chunk of response as AsyncIterable<Buffer>) {
          outgoing.write(chunk);
          if (isBlob) await sleep((chunk.length / bytesPerSecond) * 1000);
        }
        outgoing.end();
      };
      send().catch(() => outgoing.destroy());
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    blob: blob.promise,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const digestOf = (data: Buffer | string): string => `sha256:${createHash('sha256').update(data).digest('hex')}`;

export interface Member {
  name: string;
  body?: Buffer | string;
  type?: '0' | '1' | '2' | '5';
  linkName?: string;
}

export function tarOf(members: readonly Member[]): Buffer {
  const parts = members.flatMap(({ name, body = '', type, linkName }) => {
    const bytes = Buffer.from(body);
    const header = encodeHeader({
      name,
      size: bytes.length,
      mode: 0o755,
      ...(type === undefined ? {} : { type }),
      ...(linkName === undefined ? {} : { linkName }),
    });
    return [header, bytes, padding(bytes.length)];
  });
  return Buffer.concat([...parts, endOfArchive()]);
}

/** An OCI archive of one image; each layer is a list of files; `document` replaces parts of its configuration. Returns its ID too. */
export function ociArchive(
  layers: readonly (readonly Member[])[],
  options: { name?: string; config?: Json; document?: Json; extra?: Member[] } = {},
): { archive: Buffer; id: string } {
  const tars = layers.map(tarOf);
  const config = JSON.stringify({
    created: '2024-01-02T03:04:05Z',
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: ['sh'], ...options.config },
    rootfs: { type: 'layers', diff_ids: tars.map(digestOf) },
    history: layers.map((_, i) => ({ created: '2024-01-02T03:04:05Z', created_by: `step ${i}` })),
    ...options.document,
  });
  const blob = (data: Buffer | string): { digest: string; size: number } => ({
    digest: digestOf(data),
    size: Buffer.byteLength(data),
  });
  const manifestType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...blob(config) },
    layers: tars.map((tar) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...blob(tar) })),
  });
  const annotations = options.name === undefined ? {} : { 'io.containerd.image.name': options.name };
  const index = JSON.stringify({
    schemaVersion: 2,
    manifests: [{ mediaType: manifestType, ...blob(manifest), annotations }],
  });
  const member = (body: Buffer | string): Member => ({ name: `blobs/${digestOf(body).replace(':', '/')}`, body });
  const archive = tarOf([
    ...(options.extra ?? []),
    { name: 'oci-layout', body: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', body: index },
    ...[manifest, config, ...tars].map(member),
  ]);
  return { archive, id: digestOf(config) };
}

/** Loads an image of `layers` and returns its ID. */
export async function loadImage(
  store: TestStore,
  name: string,
  layers: readonly (readonly Member[])[],
): Promise<string> {
  const { archive, id } = ociArchive(layers, { name });
  await store.images.load(Readable.from([archive]), quiet, never);
  return id;
}

/** Bytes that do not compress, the same for the same seed. */
export function noise(bytes: number, seed = 'x'): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i * 32 < bytes; i++) parts.push(createHash('sha256').update(`${seed} ${i}`).digest());
  return Buffer.concat(parts).subarray(0, bytes);
}

export async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function scratchLeft(store: TestStore): string[] {
  return readdirSync(join(store.directory, 'tmp'));
}
