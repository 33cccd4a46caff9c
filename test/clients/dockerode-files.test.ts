/** dockerode's calls of the files of containers, of what they use, and of volumes. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import Docker from 'dockerode';
import { scenarios } from '../compatibility/scenarios.ts';
import { tarOf } from '../images/support.ts';
import { textOf } from './support.ts';

const IDLE = { Image: 'busybox', Cmd: ['sleep', '1000'] };

async function running(client: Docker, options: Docker.ContainerCreateOptions = {}): Promise<Docker.Container> {
  const container = await client.createContainer({ ...IDLE, ...options });
  await container.start();
  return container;
}

async function run(container: Docker.Container, ...command: string[]): Promise<string> {
  const exec = await container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true, Tty: true });
  return (await textOf(await exec.start({ Tty: true }))).trim();
}

scenarios(
  { client: 'dockerode 5' },
  async (host) => {
    const daemon = await host.startDaemon();
    return { host, client: new Docker({ socketPath: daemon.socket, version: 'v1.52' }) };
  },
  {
    'putArchive, infoArchive, getArchive': async ({ host, client }) => {
      const container = await running(client);
      const archive = tarOf([{ name: 'put', body: 'from a buffer' }]);
      await container.putArchive(archive, { path: '/tmp' });
      writeFileSync(join(host.root, 'put.tar'), tarOf([{ name: 'file', body: 'from a file' }]));
      await container.putArchive(join(host.root, 'put.tar'), { path: '/tmp', noOverwriteDirNonDir: true });
      assert.equal(await run(container, 'cat', '/tmp/put', '/tmp/file'), 'from a bufferfrom a file');
      const info = (await container.infoArchive({ path: '/tmp/put' })) as { headers: Record<string, string> };
      const stat = Buffer.from(info.headers['x-docker-container-path-stat'] ?? '', 'base64').toString();
      const { name, size } = JSON.parse(stat) as { name: string; size: number };
      assert.deepEqual([name, size], ['put', 13]);
      const got = await buffer(await container.getArchive({ path: '/tmp/put' }));
      assert.equal(got.subarray(512, 525).toString(), 'from a buffer');
      await assert.rejects(container.getArchive({ path: '/absent' }), { statusCode: 404 });
      await assert.rejects(container.putArchive(archive, { path: '/absent' }), { statusCode: 404 });
      await container.remove({ force: true });
    },
    'changes, export, commit': async ({ client }) => {
      const container = await running(client);
      await run(container, 'sh', '-c', 'echo kept >/kept; rm /etc/passwd');
      const changes = (await container.changes()) as { Path: string; Kind: number }[];
      const kindOf = (path: string): number | undefined => changes.find(({ Path }) => Path === path)?.Kind;
      assert.deepEqual([kindOf('/kept'), kindOf('/etc/passwd'), kindOf('/etc')], [1, 2, 0]);
      const exported = await buffer(await container.export());
      assert.ok(exported.includes('kept\n') && exported.length > 500_000);
      const { Id } = (await container.commit({ repo: 'committed', tag: '1', comment: 'why', changes: 'ENV A=b' })) as {
        Id: string;
      };
      const image = await client.getImage('committed:1').inspect();
      assert.equal(image.Id, Id);
      assert.ok(image.Config.Env?.includes('A=b'));
      const again = await running(client, { Image: 'committed:1' });
      assert.equal(await run(again, 'sh', '-c', 'cat /kept; echo $A'), 'kept\r\nb');
      await Promise.all([container.remove({ force: true }), again.remove({ force: true })]);
      await client.getImage('committed:1').remove();
    },
    'stats: once, and as a stream': async ({ client }) => {
      const container = await running(client);
      const once = await container.stats({ stream: false });
      assert.ok(once.memory_stats.usage > 0 && once.cpu_stats.cpu_usage.total_usage > 0);
      assert.equal(once.pids_stats?.current, 1);
      assert.ok(once.networks['eth0'] !== undefined);
      const stream = await container.stats({ stream: true });
      const samples: Docker.ContainerStats[] = [];
      let rest = '';
      for await (const chunk of stream) {
        const lines = (rest + chunk.toString()).split('\n');
        rest = lines.pop() ?? '';
        samples.push(...lines.filter(Boolean).map((line) => JSON.parse(line) as Docker.ContainerStats));
        if (samples.length >= 2) break;
      }
      assert.ok((samples[1]?.cpu_stats.system_cpu_usage ?? 0) > (samples[0]?.cpu_stats.system_cpu_usage ?? 0));
      await container.remove({ force: true });
    },
    'pause, unpause, update': async ({ client }) => {
      const container = await running(client);
      await container.pause();
      assert.equal((await container.inspect()).State.Paused, true);
      await assert.rejects(container.exec({ Cmd: ['true'] }), { statusCode: 409 });
      await container.unpause();
      assert.equal((await container.inspect()).State.Status, 'running');
      await container.update({ CpuShares: 512, RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } });
      const { HostConfig } = await container.inspect();
      assert.deepEqual([HostConfig.CpuShares, HostConfig.RestartPolicy?.MaximumRetryCount], [512, 3]);
      await container.remove({ force: true });
    },
    health: async ({ client }) => {
      const container = await running(client, {
        Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 100_000_000, Timeout: 5_000_000_000 },
      });
      const events = await client.getEvents({ filters: { event: ['health_status'], container: [container.id] } });
      for await (const chunk of events) {
        assert.match(chunk.toString(), /health_status: healthy/);
        break;
      }
      assert.equal((await container.inspect()).State.Health?.Status, 'healthy');
      await container.remove({ force: true });
    },
    'volumes: create, list, inspect, mount, remove, prune': async ({ client }) => {
      const volume = await client.createVolume({ Name: 'kept', Labels: { part: 'volumes' } });
      const { Driver, Labels, Mountpoint } = await client.getVolume('kept').inspect();
      assert.deepEqual([Driver, Labels], ['local', { part: 'volumes' }]);
      const mounts = [{ Type: 'volume' as const, Source: 'kept', Target: '/data' }];
      const first = await running(client, { HostConfig: { Mounts: mounts } });
      await run(first, 'sh', '-c', 'echo written >/data/file');
      const second = await running(client, { HostConfig: { Binds: ['kept:/other:ro'] } });
      assert.equal(await run(second, 'cat', '/other/file'), 'written');
      assert.equal((await first.inspect()).Mounts[0]?.Source, Mountpoint);
      await assert.rejects(client.getVolume('kept').remove(), { statusCode: 409 });
      await Promise.all([first.remove({ force: true }), second.remove({ force: true })]);
      const { Volumes } = await client.listVolumes({ filters: { label: ['part=volumes'] } });
      assert.deepEqual(
        Volumes.map(({ Name }) => Name),
        ['kept'],
      );
      assert.equal((volume as unknown as { name: string }).name, 'kept');
      await client.getVolume('kept').remove();
      await assert.rejects(client.getVolume('kept').inspect(), { statusCode: 404 });
      await client.createVolume({ Name: 'unused' });
      assert.deepEqual((await client.pruneVolumes({ filters: { all: ['true'] } })).VolumesDeleted, ['unused']);
    },
    df: async ({ client }) => {
      const { Images, LayersSize } = (await client.df()) as { Images?: unknown[]; LayersSize?: number };
      assert.ok(Images === undefined || Images.length > 0);
      assert.ok(LayersSize === undefined || LayersSize > 0);
    },
  },
);
