/**
 * A registry with one image, slow:1, whose layer comes in drops, and which takes none: a program inside a throw-away host.
 *
 *     node slow-registry.ts        prints its address
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../support/host.ts';
import { childrenOf } from '../support/snapshot.ts';
import { noise, tarOf } from '../images/support.ts';

const program = new URL(import.meta.url).pathname;

/** Bytes, and milliseconds between two. */
const DROP = 32_768;
const PAUSE = 40;

export async function slowRegistryOn(host: Host): Promise<{ host: string } & AsyncDisposable> {
  const child = host.spawn([process.execPath, '--disable-warning=ExperimentalWarning', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [address] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return {
    host: address.toString().trim(),
    async [Symbol.asyncDispose]() {
      // nsenter stands between.
      for (const pid of childrenOf(child.pid ?? 0)) process.kill(pid, 'SIGKILL');
      await exited;
    },
  };
}

function serve(): void {
  const layer = tarOf([{ name: 'large', body: noise(8 << 20) }]);
  const digestOf = (data: Buffer): string => `sha256:${createHash('sha256').update(data).digest('hex')}`;
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } }),
  );
  const blob = (mediaType: string, data: Buffer): object => ({ mediaType, digest: digestOf(data), size: data.length });
  const manifestType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: blob('application/vnd.oci.image.config.v1+json', config),
      layers: [blob('application/vnd.oci.image.layer.v1.tar', layer)],
    }),
  );
  const blobs = new Map([config, layer].map((data) => [`/v2/slow/blobs/${digestOf(data)}`, data]));
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    // Who pushes waits without end.
    if (request.method === 'POST') return;
    if (path.startsWith('/v2/slow/manifests/')) {
      response.writeHead(200, { 'Content-Type': manifestType, 'Docker-Content-Digest': digestOf(manifest) });
      return void response.end(manifest);
    }
    const data = blobs.get(path);
    if (data === undefined) return void response.writeHead(path === '/v2/' ? 200 : 404).end('{}');
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': data.length });
    const drip = async (): Promise<void> => {
      for (let at = 0; at < data.length && !response.destroyed; at += DROP) {
        response.write(data.subarray(at, at + DROP));
        await sleep(PAUSE);
      }
      response.end();
    };
    drip().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  });
}

if (process.argv[1] === program) serve();
