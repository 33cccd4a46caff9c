/** How berthd starts, and how it says that it cannot. */
import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { AF_UNIX, libc, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_DGRAM } from '../../src/linux/libc.ts';
import { programArgv, rootFlags } from '../support/daemon.ts';
import type { ExecResult, Host } from '../support/host.ts';
import { hostTest } from '../support/host.ts';
import { until } from '../support/wait.ts';

/** For daemons that end by themselves. */
const berthd = (host: Host, ...args: string[]): Promise<ExecResult> =>
  host.exec([...programArgv('berthd'), ...args], { timeout: 10_000 });

hostTest('ready in time, socket 0660, PID in its file, all gone after SIGTERM', {}, async (host) => {
  const daemon = await host.startDaemon();
  const socket = statSync(daemon.socket);
  assert.ok(socket.isSocket());
  assert.equal(socket.mode & 0o777, 0o660);
  assert.equal(statSync(daemon.dataRoot).mode & 0o777, 0o711);
  assert.equal(statSync(`${daemon.dataRoot}/berth.db`).mode & 0o777, 0o600);
  const pid = (await host.run('cat', `${daemon.execRoot}/berth.pid`)).trim();
  assert.match(await host.run('cat', `/proc/${pid}/cmdline`), /berthd/);
  assert.match(daemon.log(), /msg="Daemon has completed initialization"/);
  assert.equal(await daemon.stop(), 0);
  assert.ok(!existsSync(daemon.socket), 'the socket is gone');
  assert.ok(!existsSync(`${daemon.execRoot}/berth.pid`), 'the pidfile is gone');
});

hostTest('socket of a group', {}, async (host) => {
  writeFileSync(`${host.root}/group`, 'root:x:0:\nberth:x:4711:\ncrew:x:4712:\n');
  await host.run('mount', '--bind', `${host.root}/group`, '/etc/group');
  const berth = await host.startDaemon();
  assert.equal(statSync(berth.socket).gid, 4711);
  const crew = await host.startDaemon({ args: ['-G', 'crew'] });
  assert.equal(statSync(crew.socket).gid, 4712);
  const { code, stderr } = await berthd(
    host,
    `--data-root=${host.root}/x/d`,
    `--exec-root=${host.root}/x/r`,
    '--group=nobody-has-it',
  );
  assert.equal(code, 1);
  assert.match(stderr, /group nobody-has-it not found/);
  await host.run('umount', '/etc/group');
});

hostTest('readiness is told to the service manager', {}, async (host) => {
  const path = `${host.root}/notify`;
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(`${path}\0`)]);
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    libc.bind(fd, address, address.length);
    const daemon = await host.startDaemon({ env: { NOTIFY_SOCKET: path } });
    const buffer = Buffer.alloc(100);
    let told = '';
    const telling = (what: string) => (): boolean => {
      try {
        told += buffer.subarray(0, libc.recv(fd, buffer, buffer.length, MSG_DONTWAIT)).toString();
      } catch {
        // Nothing there yet.
      }
      return told.includes(what);
    };
    await until(telling('READY=1'), 2000, 'READY=1');
    await daemon.stop();
    await until(telling('STOPPING=1'), 2000, 'STOPPING=1');
  } finally {
    closeSync(fd);
  }
});

hostTest('wrong settings: exit code 1, a text, and nothing made', {}, async (host) => {
  const root = `${host.root}/c`;
  const flags = [`--data-root=${root}/data`, `--exec-root=${root}/run`];
  const file = `${host.root}/daemon.json`;
  const cases: [args: string[], json: string, text: RegExp][] = [
    [['--bip=300.1.1.1/16'], '{}', /^invalid CIDR address: 300\.1\.1\.1\/16 \(--bip\)\n$/],
    [['--no-such-flag'], '{}', /^unknown flag: --no-such-flag\nSee 'berthd --help'\.\n$/],
    [
      ['--mtu=1400'],
      '{"mtu":1500}',
      /^unable to configure the Docker daemon with file .*: the following directives are specified both as a flag and in the configuration file: mtu: \(from flag: 1400, from file: 1500\)\n$/,
    ],
    [
      [],
      '{"nope":1}',
      /^unable to configure .*: the following directives don't match any configuration option: nope\n$/,
    ],
    [[], '{', /no valid JSON/],
  ];
  for (const [args, json, text] of cases) {
    writeFileSync(file, json);
    for (const extra of [[], ['--validate']]) {
      const { code, stdout, stderr } = await berthd(host, ...flags, `--config-file=${file}`, ...args, ...extra);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, text);
    }
  }
  writeFileSync(file, '{"debug":true}');
  const valid = await berthd(host, ...flags, `--config-file=${file}`, '--validate');
  assert.deepEqual(valid, { code: 0, stdout: 'configuration OK\n', stderr: '' });
  assert.ok(!existsSync(root));
});

hostTest('what is missing is named', {}, async (host) => {
  const root = `${host.root}/m`;
  const flags = [`--data-root=${root}/data`, `--exec-root=${root}/run`];
  const program = [...programArgv('berthd'), ...flags];
  const bare = await host.exec(['env', 'PATH=/nowhere', ...program]);
  assert.equal(bare.code, 1);
  assert.match(bare.stderr, /missing conmon and crun: install them \(Debian: apt-get install conmon crun\)/);
  const nobody = await host.exec(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...program]);
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /berthd needs to run as root/);
  assert.ok(!existsSync(root));
});

hostTest('a full disk, a damaged database and a busy path are explained', {}, async (host) => {
  const start = (name: string, ...args: string[]): Promise<ExecResult> => {
    writeFileSync(`${host.root}/${name}/daemon.json`, '{}');
    return berthd(host, ...rootFlags(host, name), ...args);
  };
  mkdirSync(`${host.root}/full/data`, { recursive: true });
  await host.run('mount', '-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', `${host.root}/full/data`);
  await host.exec(['dd', 'if=/dev/zero', `of=${host.root}/full/data/fill`, 'bs=4k']);
  const full = await start('full');
  assert.equal(full.code, 1);
  assert.match(full.stderr, /no space left on (the )?device/i);
  await host.run('umount', `${host.root}/full/data`);

  mkdirSync(`${host.root}/bad/data`, { recursive: true });
  writeFileSync(`${host.root}/bad/data/berth.db`, 'no database '.repeat(1000));
  const bad = await start('bad');
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /berth\.db is damaged .*move it away/);

  mkdirSync(`${host.root}/busy/run`, { recursive: true });
  writeFileSync(`${host.root}/busy/run/berth.sock`, 'a file of mine');
  const busy = await start('busy');
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /can't create unix socket .*a file of another kind is there/);
  assert.equal((await host.run('cat', `${host.root}/busy/run/berth.sock`)).trim(), 'a file of mine');
  assert.ok(!existsSync(`${host.root}/busy/run/berth.pid`));
});
