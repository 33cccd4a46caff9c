/** Who a command in a container is, by files that the container's processes made what they like. */
import assert from 'node:assert/strict';
import { hostTest } from '../support/host.ts';

hostTest('an exec looks users up inside the container, whatever its files are', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000');
  const inside = async (script: string): Promise<string> =>
    daemon.dockerOk('exec', '-u', '0:0', 'box', 'sh', '-c', script);
  // `id` would read /etc/passwd itself.
  const WHO = ['box', 'awk', '/^Uid/ { print $2 }', '/proc/self/status'];
  const idOf = async (user: string): Promise<string> => daemon.dockerOk('exec', '-u', user, ...WHO);

  await inside('mkdir /own; echo "mine:x:77:78::/:/bin/sh" >/own/passwd');
  for (const link of ['/own/passwd', '../own/passwd', '../../../../../own/passwd']) {
    await inside(`ln -sf ${link} /etc/passwd`);
    assert.equal(await idOf('mine'), '77', link);
  }
  for (const odd of [
    // The host has this one.
    'ln -sf /proc/1/root/own/passwd /etc/passwd',
    'ln -sf passwd /etc/passwd',
    'rm /etc/passwd; mkfifo /etc/passwd',
    'rm /etc/passwd; mkdir /etc/passwd',
  ]) {
    await inside(odd);
    const { code, stdout } = await daemon.docker('exec', '-u', 'mine', ...WHO);
    assert.equal(code, 126, odd);
    assert.match(stdout, /unable to find user mine: no matching entries in passwd file/, odd);
    assert.equal(await idOf('5'), '5', odd);
  }
  await daemon.dockerOk('rm', '-f', 'box');
});
