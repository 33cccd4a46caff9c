/** Several daemons on one machine, and what a dead one leaves to the next. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { programArgv, rootFlags } from '../support/daemon.ts';
import { hostTest } from '../support/host.ts';

hostTest('two daemons with their own roots live on one host', {}, async (host) => {
  const [first, second] = [await host.startDaemon(), await host.startDaemon()];
  assert.equal((await first.api('GET', '/info')).status, 200);
  const ids = await Promise.all([first, second].map(async (daemon) => (await daemon.api('GET', '/info')).body.ID));
  assert.notEqual(ids[0], ids[1]);
  await first.restart();
  assert.equal((await first.api('GET', '/info')).body.ID, ids[0], 'the ID is kept');
});

hostTest('a second daemon on the same root, pidfile or socket is refused, and the first goes on', {}, async (host) => {
  const daemon = await host.startDaemon();
  const own = rootFlags(host, 'd0');
  const other = rootFlags(host, 'other');
  writeFileSync(`${host.root}/daemon.json`, '{}');
  const replace = (flags: string[], name: string): string[] => [
    ...other.filter((flag) => !flag.startsWith(`--${name}=`) && !flag.startsWith('--config-file')),
    `--config-file=${host.root}/daemon.json`,
    ...flags.filter((flag) => flag.startsWith(`--${name}=`)),
  ];
  const pid = readFileSync(`${daemon.execRoot}/berth.pid`, 'utf8').trim();
  const cases: [string, RegExp][] = [
    ['pidfile', new RegExp(`ensure berthd is not running or delete .*: process with PID ${pid} is still running`)],
    ['data-root', new RegExp(`--data-root .* is in use by process with PID ${pid}`)],
    ['exec-root', new RegExp(`--exec-root .* is in use by process with PID ${pid}`)],
    ['host', /can't create unix socket .*another process answers there/],
  ];
  for (const [name, text] of cases) {
    const { code, stderr } = await host.exec([...programArgv('berthd'), ...replace(own, name)], { timeout: 10_000 });
    assert.equal(code, 1, name);
    assert.match(stderr, text);
  }
  assert.equal((await daemon.api('GET', '/_ping')).status, 200);
  assert.equal(readFileSync(`${daemon.execRoot}/berth.pid`, 'utf8').trim(), pid);
});

hostTest('kill -9 leaves pidfile, socket and locks; the next start takes them over', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.kill9();
  // A PID that lives, of somebody else: what the file says must not count.
  writeFileSync(`${daemon.execRoot}/berth.pid`, '1\n');
  await daemon.restart();
  assert.equal((await daemon.api('GET', '/_ping')).status, 200);
  assert.notEqual(readFileSync(`${daemon.execRoot}/berth.pid`, 'utf8').trim(), '1');
});
