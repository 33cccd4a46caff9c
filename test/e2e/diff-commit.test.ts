/** `diff`, `export` and `commit` with both clients: what a container changed, as Docker tells it and as an image keeps it. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Daemon } from '../support/daemon.ts';
import { hostTest, type ExecResult } from '../support/host.ts';

/** Changes of every kind, below a base image that has something to change. */
const CHANGES = [
  'echo new >/added',
  'echo x >>/base/changed',
  'rm /base/gone && rm -r /base/tree',
  'rm -r /base/again && mkdir /base/again && echo 1 >/base/again/fresh',
  'rm /base/kind && mkdir /base/kind && touch /base/kind/in',
  'chmod 700 /base/mode',
  'touch /base/deep/below/untouched-beside',
  'ln /added /hard && ln -s /added /soft && mkfifo /pipe',
  'cp /bin/true /own && chown 12:34 /own && chmod 4750 /own',
  'mkdir -p /vol/inside && echo v >/vol/v && echo t >/tmpfs/t',
];
const BASE = [
  'mkdir -p /base/tree/a /base/again/old /base/mode /base/deep/below /base/quiet',
  'echo 1 >/base/changed',
  'touch /base/gone /base/tree/a/b /base/again/x /base/kind /base/deep/below/same',
];

const EXPECTED = `A /added
C /base
C /base/again
A /base/again/fresh
D /base/again/old
D /base/again/x
C /base/changed
C /base/deep
C /base/deep/below
A /base/deep/below/untouched-beside
D /base/gone
C /base/kind
A /base/kind/in
C /base/mode
D /base/tree
A /hard
A /own
A /pipe
A /soft`;

const listing = 'cd / && find added base hard own pipe soft vol | sort | xargs stat -c "%A %u:%g %h %n"';

async function image(daemon: Daemon, ref: string): Promise<Record<string, unknown>> {
  const { body } = await daemon.api<Record<string, unknown>>('GET', `/images/${ref}/json`);
  return body;
}

hostTest('diff, export and commit of what a container changed', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk('run', '--name', 'maker', 'busybox', 'sh', '-ec', BASE.join('\n'));
  await daemon.dockerOk('commit', 'maker', 'base');
  await daemon.dockerOk('rm', 'maker');
  await daemon.dockerOk(
    'run',
    '-d',
    '--name',
    'web',
    '-v',
    '/vol',
    '--tmpfs',
    '/tmpfs',
    '-e',
    'MINE=1',
    '--label',
    'a=b',
    'base',
    'sh',
    '-ec',
    `${CHANGES.join('\n')}\ntouch /vol/ready; exec sleep 1000`,
  );
  const expected = await daemon.dockerOk(
    'exec',
    'web',
    'sh',
    '-c',
    `until test -e /vol/ready; do usleep 5000; done; ${listing.replace(' vol', '')}`,
  );

  const oldClient = existsSync('/usr/bin/docker') ? '/usr/bin/docker' : 'docker';
  const old = async (...args: string[]): Promise<ExecResult> => {
    const result = await host.exec([oldClient, ...args], { env: daemon.clientEnv });
    assert.equal(result.code, 0, result.stderr);
    return result;
  };
  // Both clients, and Debian's, where it is.
  for (const client of ['dockerOk', 'berthOk'] as const) assert.equal(await daemon[client]('diff', 'web'), EXPECTED);
  assert.equal((await old('diff', 'web')).stdout.trim(), EXPECTED);
  await daemon.dockerOk('create', '--name', 'quiet', '-v', '/vol', 'base', 'true');
  for (const client of ['dockerOk', 'berthOk'] as const) assert.equal(await daemon[client]('diff', 'quiet'), '');

  // The committed image has the same files; its configuration is the container's, changed.
  const id = await daemon.berthOk(
    'commit',
    '-a',
    'me <me@here>',
    '-m',
    'why',
    '-c',
    'ENV MORE=2',
    '-c',
    'CMD ["sh","-c","echo $MINE $MORE"]',
    'web',
    'made:1',
  );
  assert.match(id, /^sha256:[0-9a-f]{64}$/);
  assert.equal(await daemon.dockerOk('run', '--rm', 'made:1'), '1 2');
  const listed = await daemon.dockerOk('run', '--rm', 'made:1', 'sh', '-c', listing.replace(' vol', ''));
  assert.equal(listed, expected);
  assert.equal(
    await daemon.dockerOk(
      'run',
      '--rm',
      'made:1',
      'sh',
      '-c',
      'ls -A /base/again /base/kind /vol; ls -d /tmpfs 2>&1; cat /base/changed /hard',
    ),
    '/base/again:\nfresh\n\n/base/kind:\nin\n\n/vol:\nls: /tmpfs: No such file or directory\n1\nx\nnew',
  );
  const made = await image(daemon, 'made:1');
  assert.equal(made['Author'], 'me <me@here>');
  assert.equal(made['Comment'], 'why');
  const config = made['Config'] as { Labels: unknown; Volumes: unknown; Env: string[] };
  assert.deepEqual(config.Labels, { a: 'b' });
  assert.ok(config.Env.includes('MINE=1') && config.Env.includes('MORE=2'));
  const base = await image(daemon, 'base');
  assert.equal(made['Parent'], base['Id']);
  const layers = (of: Record<string, unknown>): string[] => (of['RootFS'] as { Layers: string[] }).Layers;
  assert.deepEqual(layers(made).slice(0, -1), layers(base));
  const history = await daemon.dockerOk('history', '--no-trunc', '--format', '{{.CreatedBy}}|{{.Comment}}', 'made:1');
  assert.match(history, /^sh -ec echo new >\/added[^]*\|why\n/);
  const buildah = ['unshare', '-m', 'buildah', `--root=${daemon.dataRoot}/storage`, `--runroot=${host.root}/buildah`];
  assert.match(await host.run(...buildah, '--storage-driver=overlay', 'images'), /docker\.io\/library\/made +1 /);
  const events = await daemon.dockerOk(
    'events',
    '--since',
    '5m',
    // '0s' is the beginning of this second.
    '--until',
    String(Math.ceil(Date.now() / 1000)),
    '--filter',
    'event=commit',
    '--format',
    '{{json .Actor.Attributes}}',
  );
  const commit = JSON.parse(events.split('\n').at(-1) ?? '') as Record<string, string>;
  assert.deepEqual([commit['comment'], commit['imageID'], commit['imageRef']], ['why', id, 'made:1']);

  // An old client: /usr/bin/docker is Debian's.
  assert.match((await old('commit', '-m', 'old', 'web', 'made:old')).stdout, /^sha256:/);
  await old('cp', 'web:/added', `${host.root}/from-old`);
  assert.equal(readFileSync(`${host.root}/from-old`, 'utf8'), 'new\n');
  await old('cp', `${host.root}/from-old`, 'web:/tmp/to');
  assert.equal(await daemon.dockerOk('exec', 'web', 'cat', '/tmp/to'), 'new');
  assert.ok((await old('export', 'web')).stdout.includes('added'));
  await daemon.dockerOk('exec', 'web', 'rm', '/tmp/to');

  // Nothing changed: no layer, but a line of the history. Settings in the body.
  const { body: none } = await daemon.api<{ Id: string }>(
    'POST',
    '/commit?container=quiet&repo=same&pause=0&changes=EXPOSE%2080',
    { Cmd: ['date'], Labels: { c: 'd' } },
  );
  const same = await image(daemon, 'same');
  assert.deepEqual([same['Id'], layers(same)], [none.Id, layers(base)]);
  const { Cmd, ExposedPorts, Labels } = same['Config'] as Record<string, unknown>;
  assert.deepEqual(
    { Cmd, ExposedPorts, Labels },
    { Cmd: ['date'], ExposedPorts: { '80/tcp': {} }, Labels: { c: 'd' } },
  );

  // Refusals change nothing.
  const refuse = async (query: string, status: number, text: RegExp, body?: object): Promise<void> => {
    const answer = await daemon.api<{ message: string }>('POST', `/commit?${query}`, body);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.match(answer.body.message, text);
  };
  await refuse('container=nobody', 404, /^No such container: nobody$/);
  await refuse('container=web&repo=UPPER', 400, /invalid reference format/);
  await refuse('container=web&changes=FROM%20x', 400, /FROM is not a valid change command/);
  await refuse('container=web', 400, /cannot unmarshal|invalid/, { Cmd: 5 });
  assert.equal(await daemon.dockerOk('inspect', '-f', '{{.State.Status}}', 'web'), 'running');

  // The whole root, without what is mounted in it.
  for (const state of ['running', 'stopped']) {
    if (state === 'stopped') await daemon.dockerOk('stop', '-t', '0', 'web');
    const file = `${host.root}/${state}.tar`;
    await daemon[state === 'running' ? 'berthOk' : 'dockerOk']('export', '-o', file, 'web');
    const names = (await host.run('tar', 'tf', file)).split('\n');
    for (const name of ['added', 'base/again/fresh', 'bin/busybox', 'etc/hosts', 'proc/', 'vol/', 'soft']) {
      assert.ok(names.includes(name), `${state}: ${name}`);
    }
    for (const name of ['vol/v', 'tmpfs/t', 'base/gone', 'base/tree/', 'proc/1/', './'])
      assert.ok(!names.includes(name), name);
  }
  await daemon.dockerOk('import', `${host.root}/stopped.tar`, 'imported');
  assert.equal(await daemon.dockerOk('run', '--rm', 'imported', 'cat', '/hard'), 'new');
  assert.equal(await daemon.dockerOk('diff', 'web'), EXPECTED);
  assert.ok(!existsSync(`${daemon.dataRoot}/tmp`) || readdirSync(`${daemon.dataRoot}/tmp`).length === 0);
});
