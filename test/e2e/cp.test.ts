/** `cp` with both clients, in both directions, of containers that run, have run and never ran: docker's rules for names. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostTest, type Host } from '../support/host.ts';
import type { Daemon } from '../support/daemon.ts';

type Client = 'docker' | 'berth';
const CLIENTS: readonly Client[] = ['docker', 'berth'];

/** Arguments of cp, and what both clients must make of them: OUT is a local directory, IN a container. */
const FROM: readonly string[] = [
  'web:/d OUT/new',
  'web:/d/. OUT/there',
  'web:/d OUT/file',
  'web:/d/a OUT/file',
  'web:/d/a OUT/no/new',
  '-L web:/dl OUT/there',
  'web:/dl/ OUT/there',
  'web:/nope OUT/there',
  '-q=false web:/d/a OUT/new',
  'web:/d web:/e',
];
const INTO: readonly (readonly [line: string, input?: string])[] = [
  ['dir IN:/in/new'],
  ['dir/. IN:/in/to-there'],
  ['dir IN:/in/file'],
  ['one IN:/in/new'],
  ['one IN:/in/no/new'],
  ['one IN:/in/file'],
  ['one IN:/in/broken'],
  ['one IN:/in/file/x'],
  ['-L link IN:/in/there'],
  ['- IN:/in/there', '<<X\nno tar\nX'],
];

const words = (line: string): string[] => line.split(' ');
/** For a shell. */
const quoted = (argv: readonly string[]): string => argv.map((word) => `'${word}'`).join(' ');

/** Files below a directory: 'path mode size' of each, and where links lead. */
async function treeOf(host: Host, directory: string): Promise<string> {
  return host.run(
    'sh',
    '-c',
    `cd ${directory} && find . -printf '%p %M %s %l\\n' | grep -v '^\\. ' | sed 's/ d\\(\\S*\\) [0-9]*/ d\\1/' | sort`,
  );
}

async function inContainer(daemon: Daemon, name: string, script: string): Promise<string> {
  return daemon.dockerOk('exec', name, 'sh', '-c', script);
}

hostTest('cp: names and places, as docker has them', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk(
    'run',
    '-d',
    '--name',
    'web',
    'busybox',
    'sh',
    '-c',
    "mkdir -p /d/e && echo 1 >/d/a && echo 22 >/d/e/b && ln -s a /d/l && ln -s /d /dl && ln /d/a /d/hard && chmod 4750 /d/e/b && chown 12:34 /d/a && touch -d '2001-02-03 04:05' /d/a && touch /ready && exec sleep 1000",
  );
  await daemon.dockerOk('exec', 'web', 'sh', '-c', 'until test -e /ready; do usleep 5000; done');
  const local = `${host.root}/files`;
  mkdirSync(`${local}/dir/sub`, { recursive: true });
  writeFileSync(`${local}/dir/sub/x`, 'x');
  writeFileSync(`${local}/one`, 'one');
  await host.run('ln', '-s', 'one', `${local}/link`);

  // From the container: the two clients make the same of it.
  const answers = new Map<string, string>();
  const fromIt = async (client: Client, args: readonly string[]): Promise<string> => {
    const out = `${host.root}/out-${client}`;
    await host.run(
      'sh',
      '-c',
      `rm -rf ${out} && mkdir -p ${out}/there && touch ${out}/file && ln -s there ${out}/to-there`,
    );
    const { code, stdout, stderr } = await daemon[client]('cp', ...args.map((arg) => arg.replace('OUT', out)));
    return `${code} ${(stdout + stderr).trim()}\n${await treeOf(host, out)}`.replaceAll(out, 'OUT');
  };
  for (const line of FROM) {
    const [docker, berth] = await Promise.all(CLIENTS.map((client) => fromIt(client, words(line))));
    assert.equal(berth, docker, line);
    answers.set(line, berth ?? '');
  }
  assert.match(answers.get('web:/nope OUT/there') ?? '', /^1 .*Could not find the file \/nope in container web/);
  assert.match(answers.get('-q=false web:/d/a OUT/new') ?? '', /Successfully copied 2\.05kB to OUT\/new/);
  assert.match(answers.get('web:/d OUT/new') ?? '', /\.\/new\/e\/b -rwsr-x--- 3/);

  // Into it, the same: each client has a container of its own.
  await Promise.all(
    CLIENTS.map((client) => daemon.dockerOk('run', '-d', '--name', `in-${client}`, 'busybox', 'sleep', '1000')),
  );
  const intoIt = async (client: Client, args: readonly string[], input: string): Promise<string> => {
    const name = `in-${client}`;
    await inContainer(
      daemon,
      name,
      'rm -rf /in && mkdir -p /in/there && touch /in/file && ln -s there /in/to-there && ln -s nowhere /in/broken',
    );
    const words = args.map((arg) => arg.replace('IN', name));
    const argv = client === 'docker' ? daemon.dockerArgv('cp', ...words) : daemon.berthArgv('cp', ...words);
    const { code, stdout, stderr } = await host.exec(['sh', '-c', `${quoted(argv)} ${input}`], {
      env: daemon.clientEnv,
      cwd: local,
    });
    const tree = await inContainer(daemon, name, "cd /in && find . | sort | xargs stat -c '%A %u:%g %N'");
    // What the stock client says about its own pipes is between the two.
    const text = (stdout + stderr).replace(/^time=.*\n/gm, '').trim();
    return `${code} ${text}\n${tree}`.replaceAll(name, 'IN');
  };
  for (const [line, input = ''] of INTO) {
    const [docker, berth] = await Promise.all(CLIENTS.map((client) => intoIt(client, words(line), input)));
    assert.equal(berth, docker, line);
    answers.set(line, berth ?? '');
  }
  assert.match(answers.get('one IN:/in/no/new') ?? '', /Could not find the file \/in\/no in container IN\n/);
  assert.match(answers.get('one IN:/in/broken') ?? '', /in\/nowhere|\.\/nowhere/);

  // Streams, owners, times, modes; a container that never ran.
  for (const client of CLIENTS) {
    const argv = (...args: string[]): string =>
      quoted(client === 'docker' ? daemon.dockerArgv(...args) : daemon.berthArgv(...args));
    const shell = async (line: string): Promise<string> => {
      const { code, stdout, stderr } = await host.exec(['sh', '-c', line], { env: daemon.clientEnv, cwd: local });
      assert.equal(code, 0, `${line}: ${stderr}`);
      return stdout;
    };
    assert.match(
      await shell(`${argv('cp', 'web:/d', '-')} | tar tv --numeric-owner`),
      /drwxr-xr-x 0\/0 +0 .* d\/\n-rw-r--r-- 12\/34 +2 2001-02-03 04:05 d\/a\n.*d\/e\/\n-rwsr-x--- 0\/0 +3 .* d\/e\/b\nhrw-r--r-- 12\/34 +0 .* d\/hard link to d\/a\nlrwxrwxrwx .* d\/l -> a\n/,
    );
    const name = `idle-${client}`;
    const script = 'stat -c "%A %u:%g %n" /tmp/f/* && cat /tmp/f/one';
    await daemon.dockerOk('create', '--name', name, '-u', '7:8', 'busybox', 'sh', '-c', script);
    await shell(`tar c --owner=5 --group=6 --transform s,^,f/, one | gzip | ${argv('cp', '-', `${name}:/tmp`)}`);
    await daemon[`${client}Ok`]('cp', '-a', `${local}/dir`, `${name}:/tmp/f/dir`);
    const { stdout } = await daemon.docker('start', '-a', name);
    assert.equal(stdout, 'drwxr-xr-x 7:8 /tmp/f/dir\n-rw-r--r-- 5:6 /tmp/f/one\none');
    await daemon[`${client}Ok`]('cp', `${name}:/tmp/f/one`, `${host.root}/back`);
    assert.equal(readFileSync(`${host.root}/back`, 'utf8'), 'one');
  }
  const events = await daemon.dockerOk(
    'events',
    '--since',
    '5m',
    '--until',
    String(Math.ceil(Date.now() / 1000)),
    '--filter',
    'container=idle-docker',
    '--format',
    '{{.Action}}',
  );
  assert.deepEqual(
    events.split('\n').filter((action) => /archive|extract/.test(action)),
    ['extract-to-dir', 'extract-to-dir', 'archive-path'],
  );
});
