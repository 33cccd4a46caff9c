/** Volumes that are mounted while they are used, parts of volumes, their events; and what a daemon that was killed left. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Daemon } from '../support/daemon.ts';
import { DatabaseSync } from 'node:sqlite';
import { hostTest, type Host } from '../support/host.ts';
import { until } from '../support/wait.ts';

/** Volumes that are mounted, as berthd sees it. */
const mountedIn = (daemon: Daemon): string[] =>
  readFileSync(`/proc/${daemon.pid}/mountinfo`, 'utf8')
    .split('\n')
    .flatMap((line) => / \S+\/volumes\/([^/ ]+)\/_data /.exec(line)?.[1] ?? [])
    .toSorted();

const events = async (daemon: Daemon, since: number, ...filters: string[]): Promise<string[]> => {
  const flags = filters.flatMap((filter) => ['--filter', filter]);
  // The second that has begun is told of, too.
  const end = String(Math.floor(Date.now() / 1000) + 1);
  const text = await daemon.dockerOk('events', '--since', String(since), '--until', end, '--format', 'json', ...flags);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const { Action, Actor } = JSON.parse(line) as { Action: string; Actor: { ID: string; Attributes: object } };
      return `${Action} ${Actor.ID} ${JSON.stringify(Actor.Attributes)}`;
    });
};

const runs = (daemon: Daemon, name: string, ...flags: string[]): Promise<string> =>
  daemon.dockerOk('run', '-d', '--name', name, ...flags, 'busybox', 'sleep', '1000');
const sh = (daemon: Daemon, name: string, script: string): Promise<string> =>
  daemon.dockerOk('exec', name, 'sh', '-c', script);

async function bound(host: Host, daemon: Daemon): Promise<void> {
  const directory = `${host.root}/shared`;
  mkdirSync(directory);
  writeFileSync(`${directory}/f`, 'from the host');
  await daemon.berthOk('volume', 'create', '-o', 'type=none', '-o', 'o=bind,ro', '-o', `device=${directory}`, 'bound');
  assert.equal(
    await daemon.berthOk(
      'run',
      '--rm',
      '-v',
      'bound:/b',
      'busybox',
      'sh',
      '-c',
      'cat /b/f; touch /b/x 2>/dev/null || echo " ro"',
    ),
    'from the host ro',
  );
  assert.deepEqual(mountedIn(daemon), []);
  await daemon.dockerOk('volume', 'rm', 'bound');
  assert.deepEqual(readdirSync(directory), ['f'], 'what was mounted is not the volume’s to delete');
  await daemon.berthOk('volume', 'create', '-o', 'type=none', '-o', 'o=bind', '-o', 'device=/nowhere', 'broken');
  const path = `${daemon.dataRoot}/volumes/broken/_data`;
  const { code, stderr } = await daemon.docker('run', '--name', 'never', '-v', 'broken:/etc', 'busybox', 'true');
  assert.equal(code, 127, 'as the clients read it: no such file or directory');
  assert.match(
    stderr,
    new RegExp(
      `failed to populate volume: error while mounting volume '${path}': failed to mount local volume: mount /nowhere:${path}, flags: 0x1000: no such file or directory`,
    ),
  );
  assert.equal(await daemon.dockerOk('ps', '-aq'), '', 'the container was not made');
  const fresh = ['-v', `${host.root}/fresh/a/b:/m`, '-v', `${host.root}/fresh/a:/n`];
  assert.equal((await daemon.docker('run', ...fresh, '-v', 'broken:/etc', 'busybox', 'true')).code, 127);
  assert.equal(existsSync(`${host.root}/fresh`), false, 'nor what it would have had mounted');
  // The image has nothing there: it is noticed at the start only.
  const late = await daemon.docker('run', '--rm', '-v', 'broken:/new', 'busybox', 'true');
  assert.match(late.stderr, /error while mounting volume .*: failed to mount local volume: mount \/nowhere/);
  assert.deepEqual((await daemon.docker('volume', 'rm', 'broken')).code, 0);
}

hostTest('mounted with the first container, unmounted with the last; events', {}, async (host) => {
  const daemon = await host.startDaemon();
  const since = Math.floor(Date.now() / 1000);
  await daemon.berthOk('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m,uid=7', 'ram');
  assert.deepEqual(mountedIn(daemon), []);
  const first = await runs(daemon, 'first', '-v', 'ram:/etc:ro');
  assert.deepEqual(mountedIn(daemon), ['ram']);
  assert.notEqual(await sh(daemon, 'first', 'cat /etc/passwd'), '', 'filled at each start');
  await runs(daemon, 'second', '-v', 'ram:/ram');
  assert.equal(await sh(daemon, 'second', 'touch /ram/x; df -k /ram | tail -1 | tr -s " " | cut -d" " -f2'), '1024');
  assert.equal(await sh(daemon, 'first', 'ls /etc/x'), '/etc/x');
  await daemon.dockerOk('rm', '-f', 'first');
  assert.deepEqual(mountedIn(daemon), ['ram']);
  await daemon.dockerOk('kill', 'second');
  await until(() => mountedIn(daemon).length === 0, 10_000, 'the end of the mount');
  await daemon.dockerOk('rm', 'second');
  await daemon.dockerOk('volume', 'rm', 'ram');
  await daemon.dockerOk('volume', 'prune', '-f');
  const seen = await events(daemon, since, 'type=volume');
  assert.deepEqual(
    seen.filter((line) => !line.includes(first) && /^(un)?mount/.test(line)).length,
    2,
    'as many of the second container',
  );
  assert.deepEqual(
    seen.filter((line) => line.includes(first) || !/^(un)?mount/.test(line)),
    [
      'create ram {"driver":"local"}',
      `mount ram {"container":"${first}","destination":"/etc","driver":"local","propagation":"","read/write":"false"}`,
      `unmount ram {"container":"${first}","driver":"local"}`,
      'destroy ram {"driver":"local"}',
      'prune  {"reclaimed":"0"}',
    ],
  );
  await bound(host, daemon);
});

hostTest('binds: what the host does not allow, and what is mounted below', {}, async (host) => {
  const daemon = await host.startDaemon();
  const at = `${host.root}/mounted`;
  await host.run(
    'sh',
    '-ec',
    `mkdir ${at}; mount -t tmpfs x ${at}; mkdir ${at}/sub; mount -t tmpfs y ${at}/sub; mount -o remount,bind,ro,nosuid,nodev,noexec ${at}`,
  );
  const flagsOf = 'for at in /m /m/sub; do grep " $at " /proc/mounts | cut -d" " -f4; done | sed "s/,relatime.*//"';
  const look = async (client: Daemon['dockerOk'], ...flags: string[]): Promise<string[]> =>
    (await client('run', '--rm', ...flags, 'busybox', 'sh', '-c', flagsOf)).split('\n');
  const denied = 'nosuid,nodev,noexec';
  const mount = `type=bind,src=${at},dst=/m,readonly`;
  for (const client of [daemon.dockerOk, daemon.berthOk]) {
    assert.deepEqual(await look(client, '-v', `${at}:/m`), [`ro,${denied}`, 'rw']);
    assert.deepEqual(await look(client, '-v', `${at}:/m:ro`), [`ro,${denied}`, 'ro']);
    assert.deepEqual(await look(client, '--mount', mount), [`ro,${denied}`, 'ro']);
    assert.deepEqual(await look(client, '--mount', `${mount},bind-recursive=writable`), [`ro,${denied}`, 'rw']);
    assert.deepEqual(await look(client, '--mount', `${mount},bind-recursive=disabled`), [`ro,${denied}`]);
  }
  await host.run('mount', '-o', 'remount,bind,rw,suid,dev,exec', at);
  assert.deepEqual(await look(daemon.dockerOk, '-v', `${at}:/m`), ['rw', 'rw']);
  await host.run('umount', `${at}/sub`, at);
});

hostTest('volume-subpath: a part of a volume, and no way out of it', {}, async (host) => {
  const daemon = await host.startDaemon();
  const data = `${daemon.dataRoot}/volumes/data/_data`;
  writeFileSync(`${host.root}/secret`, 'secret');
  await daemon.dockerOk(
    'run',
    '--rm',
    '-v',
    'data:/d',
    'busybox',
    'sh',
    '-c',
    'mkdir -p /d/a/b; echo deep > /d/a/b/f; echo file > /d/one; ln -s a/b /d/link',
  );
  for (const [name, target] of Object.entries({ out: host.root, up: '../../../..', root: '/', turn: 'a/../../x' })) {
    symlinkSync(target, `${data}/${name}`);
  }
  const part = (subpath: string): string => `type=volume,src=data,dst=/p,volume-subpath=${subpath}`;
  for (const ok of [daemon.dockerOk, daemon.berthOk]) {
    const shown = (subpath: string, script: string): Promise<string> =>
      ok('run', '--rm', '--mount', part(subpath), 'busybox', 'sh', '-c', script);
    assert.equal(await shown('a/b', 'cat /p/f'), 'deep');
    assert.equal(await shown('link', 'cat /p/f'), 'deep');
    assert.equal(await shown('a/../a/b/.', 'cat /p/f'), 'deep');
    assert.equal(await shown('one', 'cat /p'), 'file');
  }
  for (const [subpath, text] of [
    ['out', /path concatenation escapes the base directory, base: .*\/data\/_data, subpath: out/],
    ['out/secret', /path concatenation escapes the base directory/],
    ['up/secret', /path concatenation escapes the base directory/],
    ['root/etc', /path concatenation escapes the base directory/],
    ['turn', /path concatenation escapes the base directory/],
    ['nope', /cannot access path .*\/data\/_data\/nope: no such file or directory/],
    ['../x', /invalid mount config for type "volume": subpath must be a relative path within the volume/],
    ['/etc', /invalid mount config for type "volume": subpath must be a relative path within the volume/],
  ] as const) {
    const { code, stderr } = await daemon.docker('run', '--rm', '--mount', part(subpath), 'busybox', 'ls', '/p');
    // The clients take 'no such file or directory' for a missing command.
    assert.equal(code, subpath === 'nope' ? 127 : 125, subpath);
    assert.match(stderr, text);
  }
  // Files are copied to and from the part, too, when nothing runs.
  await daemon.dockerOk('volume', 'create', '-o', 'type=none', '-o', 'o=bind', '-o', `device=${host.root}`, 'host');
  await daemon.dockerOk('create', '--name', 'copies', '--mount', part('a/b'), '-v', 'host:/host', 'busybox');
  await daemon.dockerOk('cp', 'copies:/p/f', `${host.root}/copied`);
  await daemon.dockerOk('cp', 'copies:/host/copied', `${host.root}/again`);
  assert.equal(readFileSync(`${host.root}/again`, 'utf8'), 'deep\n');
  await daemon.dockerOk('cp', `${host.root}/again`, 'copies:/p/g');
  assert.equal(readFileSync(`${data}/a/b/g`, 'utf8'), 'deep\n');
  await until(
    () => mountedIn(daemon).length === 0 && readdirSync(`${daemon.execRoot}/v`).length === 0,
    10_000,
    'the end',
  );
  await daemon.dockerOk('rm', 'copies');
  // What a container swaps later changes nothing for one that runs.
  await runs(daemon, 'part', '--mount', part('a'));
  rmSync(`${data}/a`, { recursive: true });
  symlinkSync(host.root, `${data}/a`);
  assert.equal(await sh(daemon, 'part', 'ls /p | wc -l'), '0');
  const [mount] = JSON.parse(await daemon.dockerOk('inspect', '-f', '{{json .Mounts}}', 'part')) as {
    Source: string;
  }[];
  assert.equal(mount?.Source, data);
  await daemon.kill9();
  await daemon.restart();
  assert.equal(readdirSync(`${daemon.execRoot}/v`).length, 1);
  await daemon.dockerOk('rm', '-f', 'part');
  assert.deepEqual(readdirSync(`${daemon.execRoot}/v`), []);
  assert.equal(readFileSync(`${data}/one`, 'utf8'), 'file\n');
});

hostTest('a daemon that begins: killed ones, older ones', {}, async (host) => {
  const daemon = await host.startDaemon();
  const volumes = `${daemon.dataRoot}/volumes`;
  await daemon.dockerOk('volume', 'create', '--label', 'a=b', '-o', 'type=tmpfs', '-o', 'device=tmpfs', 'ram');
  await daemon.dockerOk('volume', 'create', '--label', 'kept=1', 'data');
  await runs(daemon, 'stays', '-v', 'data:/data', '-v', 'ram:/ram', '-v', '/anon');
  await runs(daemon, 'goes', '-v', 'ram:/ram');
  const pid = await daemon.dockerOk('inspect', '-f', '{{.State.Pid}}', 'goes');
  await daemon.kill9();
  await host.run('kill', '-9', pid);
  const database = new DatabaseSync(`${daemon.dataRoot}/berth.db`);
  const half = { name: 'half', created: '2026-01-01T00:00:00Z', labels: {}, options: {}, removing: true };
  database.prepare("INSERT INTO record VALUES ('volume', 'half', ?)").run(JSON.stringify(half));
  database.close();
  mkdirSync(`${volumes}/half/_data`, { recursive: true });
  // What an administrator mounted somewhere is nobody's to delete.
  for (const name of ['held', '.removed-held']) {
    mkdirSync(`${volumes}/${name}/_data`, { recursive: true });
    await host.run('mount', '-t', 'tmpfs', 'x', `${volumes}/${name}/_data`);
    writeFileSync(`/proc/${host.pid}/root${volumes}/${name}/_data/theirs`, '');
  }
  // Half a removal, a directory of an older version, and one that is no volume.
  mkdirSync(`${volumes}/.removed-0123456789abcdef/_data`, { recursive: true });
  mkdirSync(`${volumes}/older/_data`, { recursive: true });
  writeFileSync(`${volumes}/older/_data/f`, 'kept');
  mkdirSync(`${volumes}/${'0'.repeat(64)}/_data`, { recursive: true });
  mkdirSync(`${volumes}/-`, { recursive: true });
  rmSync(`${volumes}/data`, { recursive: true });
  await daemon.restart();
  const names = (await daemon.dockerOk('volume', 'ls', '-q', '-f', 'dangling=true')).split('\n');
  assert.deepEqual(names, ['0'.repeat(64), 'held', 'older']);
  const held = await daemon.docker('volume', 'rm', 'held');
  assert.match(held.stderr, /remove held: something is mounted in it/);
  for (const name of ['held', '.removed-held']) {
    await host.run('test', '-e', `${volumes}/${name}/_data/theirs`);
    await host.run('umount', `${volumes}/${name}/_data`);
  }
  await daemon.dockerOk('volume', 'rm', 'held');
  rmSync(`${volumes}/.removed-held`, { recursive: true });
  // A volume that cannot be removed keeps no container.
  await daemon.dockerOk('create', '--name', 'one', '-v', '/anon', 'busybox');
  const stuck = await daemon.dockerOk('inspect', '-f', '{{(index .Mounts 0).Name}}', 'one');
  await host.run('mount', '-t', 'tmpfs', 'x', `${volumes}/${stuck}/_data`);
  await daemon.dockerOk('rm', '-v', 'one');
  assert.equal(await daemon.dockerOk('volume', 'ls', '-q', '-f', `name=${stuck}`), stuck);
  await host.run('umount', `${volumes}/${stuck}/_data`);
  await daemon.dockerOk('volume', 'rm', stuck);
  assert.equal(
    await daemon.dockerOk('volume', 'inspect', '-f', '{{.Labels.kept}}{{.Labels.a}}', 'data', 'ram'),
    '1<no value>\n<no value>b',
  );
  assert.equal(existsSync(`${volumes}/data/_data`), true, 'a record without its directory has one again');
  await until(
    () => !readdirSync(volumes).some((name) => name.startsWith('.removed-')),
    10_000,
    'the end of the removal',
  );
  assert.equal((await daemon.docker('volume', 'rm', 'ram')).code, 1, 'it is in use');
  assert.equal(await daemon.dockerOk('run', '--rm', '-v', 'older:/o', 'busybox', 'cat', '/o/f'), 'kept');
  assert.match(await daemon.dockerOk('volume', 'prune', '-f'), /^Deleted Volumes:\n0{64}\n/);
  await daemon.dockerOk('rm', '-fv', 'stays', 'goes');
  assert.deepEqual(mountedIn(daemon), []);
  assert.equal(await daemon.dockerOk('volume', 'ls', '-q'), 'data\nolder\nram');
});
