/** Volumes through both clients: their life, who has them, what is mounted and what is refused. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { hostTest } from '../support/host.ts';
import type { Daemon } from '../support/daemon.ts';

type Client = 'docker' | 'berth';
const CLIENTS: readonly Client[] = ['docker', 'berth'];

/** stdout of a client that succeeds. */
const ok = (daemon: Daemon, client: Client, ...args: string[]): Promise<string> =>
  client === 'docker' ? daemon.dockerOk(...args) : daemon.berthOk(...args);

/** What a client that fails says, without its own first words and its advice. */
async function refusal(daemon: Daemon, client: Client, ...args: string[]): Promise<string> {
  const { code, stderr } = await daemon[client](...args);
  assert.notEqual(code, 0, `${args.join(' ')} succeeded`);
  return stderr
    .replace(/^(docker|berth): /, '')
    .replace(/\n\n.*/s, '')
    .trim();
}

const shell = (daemon: Daemon, client: Client, flags: string[], script: string): Promise<string> =>
  ok(daemon, client, 'run', '--rm', ...flags, 'busybox', 'sh', '-c', script);

hostTest('create, ls, inspect, rm, prune', {}, async (host) => {
  const daemon = await host.startDaemon();
  const path = (name: string): string => `${daemon.dataRoot}/volumes/${name}/_data`;
  for (const client of CLIENTS) {
    const said = (...args: string[]): Promise<string> => ok(daemon, client, 'volume', ...args);
    assert.equal(await said('create', '--label', 'tier=back', '--label', 'x', 'data'), 'data');
    assert.equal(await said('create', 'data'), 'data', 'it may be there already');
    assert.match(await said('create'), /^[0-9a-f]{64}$/);
    const [inspected] = JSON.parse(await said('inspect', 'data')) as Record<string, unknown>[];
    assert.match(String(inspected?.['CreatedAt']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual(
      { ...inspected, CreatedAt: '' },
      {
        CreatedAt: '',
        Driver: 'local',
        Labels: { tier: 'back', x: '' },
        Mountpoint: path('data'),
        Name: 'data',
        Options: null,
        Scope: 'local',
      },
    );
    assert.equal(await said('inspect', '-f', '{{.Name}} {{.Labels.tier}}', 'data'), 'data back');
    const [heading, ...lines] = (await said('ls')).split('\n');
    assert.match(heading ?? '', /^DRIVER +VOLUME NAME$/);
    // The made-up name comes before or after it.
    assert.match(lines.toSorted().join(' '), /^local +([0-9a-f]{64} local +data|data local +[0-9a-f]{64})$/);
    assert.equal(await said('ls', '-q', '-f', 'label=tier=back'), 'data');
    assert.equal(await said('ls', '-q', '-f', 'name=^dat'), 'data');
    assert.equal(await said('ls', '-q', '-f', 'driver=other'), '');
    assert.equal(await said('ls', '--format', '{{.Name}} {{.Label "tier"}}', '-f', 'name=data'), 'data back');
    await ok(daemon, client, 'create', '--name', 'user', '-v', 'data:/data', 'busybox');
    const id = await ok(daemon, client, 'inspect', '-f', '{{.Id}}', 'user');
    assert.equal(await said('ls', '-q', '-f', 'dangling=false'), 'data');
    assert.match(await said('ls', '-q', '-f', 'dangling=true'), /^[0-9a-f]{64}$/);
    assert.equal(
      await refusal(daemon, client, 'volume', 'rm', 'data'),
      `Error response from daemon: remove data: volume is in use - [${id}]`,
    );
    assert.match(
      await refusal(daemon, client, 'volume', 'rm', 'nope'),
      /^Error response from daemon: get nope: no such/,
    );
    assert.match(await said('prune', '-f'), /^Deleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: 0B$/);
    assert.equal(await said('prune', '-f', '-a'), 'Total reclaimed space: 0B');
    await ok(daemon, client, 'rm', '-v', 'user');
    assert.equal(await said('ls', '-q'), 'data', 'named ones are kept');
    await said('create', 'more');
    writeFileSync(`${path('more')}/file`, 'x'.repeat(1500));
    assert.equal(
      await said('prune', '-f', '-a', '--filter', 'label!=tier'),
      'Deleted Volumes:\nmore\n\nTotal reclaimed space: 1.5kB',
    );
    assert.equal(await said('rm', 'data'), 'data');
    assert.match(await refusal(daemon, client, 'volume', 'inspect', 'data'), /get data: no such volume$/);
    assert.equal(await said('rm', '-f', 'data', 'data'), 'data\ndata');
    assert.deepEqual(readdirSync(`${daemon.dataRoot}/volumes`), []);
    for (const [args, text] of [
      [['x'], /create x: volume name is too short, names should be at least two alphanumeric characters$/],
      [['../up'], /create \.\.\/up: "\.\.\/up" includes invalid characters for a local volume name, only/],
      [['..'], /create \.\.: "\.\." includes invalid characters/],
      [['-d', 'other', 'data'], /create data: error looking up volume plugin other: plugin "other" not found$/],
      [['-o', 'type=tmpfs', 'data'], /create data: missing required option: "device"$/],
      [['-o', 'what=x', 'data'], /create data: invalid option: "what"$/],
    ] as const) {
      assert.match(await refusal(daemon, client, 'volume', 'create', ...args), text);
    }
    assert.match(await refusal(daemon, client, 'volume', 'ls', '-f', 'dangling=x'), /invalid filter 'dangling=\[x\]'$/);
    assert.match(await refusal(daemon, client, 'volume', 'ls', '-f', 'nope=x'), /invalid filter 'nope'/);
  }
});

hostTest('-v, --mount, --volumes-from: content, sharing, what goes with a container', {}, async (host) => {
  const daemon = await host.startDaemon();
  for (const client of CLIENTS) {
    const said = (...args: string[]): Promise<string> => ok(daemon, client, ...args);
    // What the image has at the place.
    const from = await shell(daemon, client, ['-v', 'etc:/etc'], 'cat /etc/passwd');
    assert.notEqual(from, '');
    assert.equal(
      await shell(daemon, client, ['-v', 'etc:/x:ro'], 'cat /x/passwd; touch /x/y 2>/dev/null || echo ro'),
      `${from}\nro`,
    );
    assert.equal(
      await shell(daemon, client, ['--mount', 'src=bare,dst=/etc,volume-nocopy'], 'ls /etc/passwd 2>&1 || true').then(
        (text) => text.includes('No such'),
      ),
      true,
    );
    await said('volume', 'inspect', 'bare');
    await said('volume', 'rm', 'bare', 'etc');
    // A container that keeps data, and never runs.
    await said('create', '-v', '/etc', '-v', 'named:/named', '--name', 'store', 'busybox');
    assert.equal(
      await shell(
        daemon,
        client,
        ['--volumes-from', 'store', '--name', 'user'],
        'cat /etc/passwd && echo here > /named/file',
      ),
      from,
    );
    assert.equal(
      await shell(
        daemon,
        client,
        ['--volumes-from', 'store:ro'],
        'cat /named/file; touch /named/x 2>/dev/null || echo ro',
      ),
      'here\nro',
    );
    assert.match(
      await refusal(daemon, client, 'create', '--volumes-from', 'nobody', 'busybox'),
      /No such container: nobody$/,
    );
    assert.match(await refusal(daemon, client, 'create', '--volumes-from', 'store:x', 'busybox'), /invalid mode: x$/);
    assert.equal((await said('volume', 'ls', '-q')).split('\n').length, 2, '--rm takes nothing that another has');
    assert.equal(
      await said('ps', '-aq', '--no-trunc', '-f', 'volume=named'),
      await said('inspect', '-f', '{{.Id}}', 'store'),
    );
    assert.equal(await said('rm', 'store'), 'store');
    assert.equal((await said('volume', 'ls', '-q')).split('\n').length, 2, 'without -v anonymous ones stay');
    await said('create', '-v', '/etc', '--name', 'store', 'busybox');
    await said('rm', '-v', 'store');
    assert.match(await said('volume', 'prune', '-f'), /^Deleted Volumes:\n[0-9a-f]{64}\n/);
    assert.equal(await said('volume', 'ls', '-q'), 'named');
    // --rm: its own are gone, named ones stay.
    await shell(daemon, client, ['-v', '/anon', '-v', 'named:/n'], 'true');
    assert.equal(await said('volume', 'ls', '-q'), 'named');
    assert.equal(
      await shell(
        daemon,
        client,
        ['--mount', 'type=tmpfs,dst=/t,tmpfs-size=1m'],
        'df /t | tail -1 | tr -s " " | cut -d" " -f2',
      ),
      '1024',
    );
    mkdirSync(`${host.root}/bound`, { recursive: true });
    writeFileSync(`${host.root}/bound/f`, 'bound');
    assert.equal(
      await shell(
        daemon,
        client,
        ['--mount', `type=bind,src=${host.root}/bound,dst=/b,readonly`],
        'cat /b/f; touch /b/x 2>/dev/null || echo ro',
      ),
      'boundro',
    );
    assert.match(
      await refusal(daemon, client, 'create', '--mount', 'type=bind,src=/nope,dst=/x', 'busybox'),
      /bind source path does not exist: \/nope$/,
    );
    // Labels, options: of a volume that is made.
    await shell(
      daemon,
      client,
      ['--mount', 'src=made,dst=/x,volume-label=a=b,volume-opt=type=tmpfs,volume-opt=device=tmpfs'],
      'true',
    );
    assert.equal(await said('volume', 'inspect', '-f', '{{.Labels.a}} {{.Options.type}}', 'made'), 'b tmpfs');
    const mounts = JSON.parse(
      await said('inspect', '-f', '{{json .Mounts}}', await said('create', '-v', 'named:/n:ro', 'busybox')),
    ) as object[];
    assert.deepEqual(mounts, [
      {
        Type: 'volume',
        Name: 'named',
        Source: `${daemon.dataRoot}/volumes/named/_data`,
        Destination: '/n',
        Driver: 'local',
        Mode: 'ro',
        RW: false,
        Propagation: '',
      },
    ]);
    await daemon.removeContainers();
    await said('volume', 'rm', 'named', 'made');
  }
});

/** Debian 12's client, API 1.41. */
const OLD = '/usr/bin/docker';
const isOld = existsSync(OLD) && execFileSync(OLD, ['--version'], { encoding: 'utf8' }).includes('version 20.10.');

hostTest('docker 20.10', { skip: isOld ? false : `${OLD} is not docker 20.10` }, async (host) => {
  const daemon = await host.startDaemon();
  const old = async (...args: string[]): Promise<string> => {
    const { stdout, stderr, code } = await host.exec([OLD, ...args], { env: daemon.clientEnv });
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout.trimEnd();
  };
  assert.equal(await old('volume', 'create', '--label', 'a=b', 'data'), 'data');
  assert.equal(
    await old('run', '--rm', '-v', 'data:/d', '-v', '/e', 'busybox', 'sh', '-c', 'echo x > /d/f; cat /d/f'),
    'x',
  );
  assert.equal(await old('run', '--rm', '--mount', 'src=data,dst=/d,readonly', 'busybox', 'cat', '/d/f'), 'x');
  assert.match(await old('volume', 'ls'), /^DRIVER +VOLUME NAME\nlocal +data$/);
  assert.equal(await old('volume', 'inspect', '-f', '{{.Labels.a}} {{.Scope}}', 'data'), 'b local');
  await old('create', '--name', 'user', '--volumes-from', await old('create', '-v', 'data:/d', 'busybox'), 'busybox');
  assert.match(await old('system', 'df'), /Local Volumes +1 +1 +2B +0B \(0%\)/);
  assert.match(await old('system', 'df', '-v'), /VOLUME NAME +LINKS +SIZE\ndata +2 +2B/);
  const { stderr, code } = await host.exec([OLD, 'volume', 'rm', 'data'], { env: daemon.clientEnv });
  assert.match(
    stderr,
    /^Error response from daemon: remove data: volume is in use - \[[0-9a-f]{64}, [0-9a-f]{64}\]\n$/,
  );
  assert.equal(code, 1);
  // To it, prune means every volume that nobody has.
  assert.match(
    await old('system', 'prune', '-f', '--volumes'),
    /^Deleted Containers:\n[0-9a-f]{64}\n[0-9a-f]{64}\n\nDeleted Volumes:\ndata\n\nTotal reclaimed space: 2B$/,
  );
  assert.equal(await old('volume', 'ls', '-q'), '');
});
