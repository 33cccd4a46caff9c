/** What everything takes on the disk, and its end: both clients say the same. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { hostTest } from '../support/host.ts';
import { noJudge } from '../support/stock-client.ts';

/** Ages are told to the second, the two clients ask one after the other. */
const still = (text: string): string =>
  text.replace(/(Less than a second|\d+ seconds?)( ago)?|About a minute/g, 'T').replace(/ +/g, ' ');

hostTest('system df and prune', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk(
    'run',
    '-d',
    '--name',
    'runs',
    '-v',
    'data:/data',
    'busybox',
    'sh',
    '-c',
    'echo 1234567 > /data/f; sleep 1000',
  );
  await daemon.dockerOk('run', '--name', 'ended', '-v', '/anon', 'busybox', 'sh', '-c', 'head -c 3000 /dev/zero > /z');
  await daemon.dockerOk('volume', 'create', 'lone');
  await daemon.dockerOk('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', 'ram');
  writeFileSync(`${daemon.dataRoot}/volumes/lone/_data/f`, 'x'.repeat(2500));
  // Two images that share a layer, one with nothing else.
  await daemon.dockerOk('tag', 'busybox', 'other:1');
  const { body } = await daemon.api<{ VolumeUsage: object; ContainerUsage: object; Images: { SharedSize: number }[] }>(
    'GET',
    '/v1.52/system/df',
  );
  assert.deepEqual(body.VolumeUsage, { ActiveCount: 2, TotalCount: 3, TotalSize: 2508, Reclaimable: 2500 });
  assert.deepEqual(body.ContainerUsage, { ActiveCount: 1, TotalCount: 2, TotalSize: 3000, Reclaimable: 3000 });
  assert.deepEqual((await daemon.api('GET', '/v1.52/system/df?type=volume&verbose=0')).body, {
    VolumeUsage: body.VolumeUsage,
  });
  assert.deepEqual((await daemon.api('GET', '/v1.52/system/df?type=volumes')).body, {
    message: 'unknown object type: volumes',
  });

  if (noJudge === false) {
    for (const args of [
      [],
      ['-v'],
      ['--format', 'json'],
      ['--format', 'raw'],
      ['--format', 'table {{.Type}}\t{{.Reclaimable}}'],
      ['--format', '{{.Type}}: {{.Active}} of {{.TotalCount}}'],
      [
        '-v',
        '--format',
        '{{range .Volumes}}{{.Name}} {{.Links}} {{.Size}}\n{{end}}{{range .Images}}{{.Repository}}{{end}}',
      ],
      ['-v', '--format', '{{json .Volumes}}'],
    ]) {
      const [docker, berth] = [
        await daemon.docker('system', 'df', ...args),
        await daemon.berth('system', 'df', ...args),
      ];
      assert.equal(still(berth.stdout), still(docker.stdout), args.join(' '));
      assert.equal(berth.code, docker.code);
    }
    for (const args of [
      ['system', 'prune'],
      ['system', 'prune', '-a', '--volumes', '--filter', 'label=b', '--filter', 'label!=a'],
      ['volume', 'prune'],
      ['volume', 'prune', '-a'],
    ]) {
      const asked = async (argv: string[]): Promise<unknown> =>
        host.exec(argv, { env: daemon.clientEnv, input: 'n\n' });
      assert.deepEqual(await asked(daemon.berthArgv(...args)), await asked(daemon.dockerArgv(...args)), args.join(' '));
    }
  }

  const refused = await daemon.berth('system', 'prune', '--volumes', '--filter', 'until=1h', '-f');
  assert.match(refused.stderr, /ERROR: The "until" filter is not supported with "--volumes"/);
  assert.match(await daemon.dockerOk('system', 'prune', '-f', '--filter', 'label=none'), /^Total reclaimed space: 0B$/);
  assert.equal(
    await daemon.dockerOk('container', 'prune', '-f', '--filter', 'label=none'),
    'Total reclaimed space: 0B',
  );
  for (const client of ['docker', 'berth'] as const) {
    const ok = client === 'docker' ? daemon.dockerOk : daemon.berthOk;
    await daemon.dockerOk('network', 'create', 'unused');
    if (client === 'berth') await daemon.dockerOk('create', '--name', 'again', '-v', '/anon', 'busybox');
    assert.match(
      await ok('system', 'prune', '--volumes', '-f'),
      client === 'docker'
        ? /^Deleted Containers:\n[0-9a-f]{64}\n\nDeleted Networks:\nunused\n\nDeleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: 3kB$/
        : /^Deleted Containers:\n[0-9a-f]{64}\n\nDeleted Networks:\nunused\n\nDeleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: 0B$/,
    );
  }
  assert.equal(await daemon.berthOk('volume', 'ls', '-q'), 'data\nlone\nram');
  // What a running container has stays.
  assert.match(await daemon.berthOk('system', 'prune', '-af'), /^Total reclaimed space: 0B$/);
  await daemon.removeContainers();
  assert.match(
    await daemon.berthOk('system', 'prune', '-af'),
    /^Deleted Images:\nuntagged: other:1\n[^]*\n\nTotal reclaimed space: 2\.\d+MB$/,
  );
  assert.equal(
    await daemon.berthOk('volume', 'prune', '-af'),
    'Deleted Volumes:\ndata\nlone\n\nTotal reclaimed space: 2.508kB',
  );
});
