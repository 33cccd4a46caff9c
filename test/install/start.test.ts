/** `npm start` on a machine of its own: the first time, the second time, and as somebody else than root. */
import assert from 'node:assert/strict';
import { hostTest } from '../support/host.ts';
import type { Host } from '../support/host.ts';

const script = new URL('../../scripts/start.sh', import.meta.url).pathname;
const start = (host: Host) => host.exec(['sh', script], { timeout: 60_000 });

hostTest(
  'npm start runs a container on the default bridge, and works a second time',
  { outside: true },
  async (host) => {
    for (const directory of ['/var/lib/berth', '/var/lib/containers']) {
      await host.run('mkdir', '-p', directory);
      await host.run('mount', '-t', 'tmpfs', 'tmpfs', directory);
    }
    const first = await start(host);
    assert.equal(first.code, 0, first.stderr + first.stdout);
    assert.match(first.stdout, /Starting berthd \.* ready \(PID \d+, log in \/run\/berth\/berthd\.log\)/);
    assert.match(
      first.stdout,
      /\$ berth run --rm busybox ifconfig[^]*eth0[^]*inet addr:172\.17\.0\.2[^]*Mask:255\.255\.0\.0/,
    );
    assert.match(first.stdout, /What to type next/);
    const second = await start(host);
    assert.equal(second.code, 0, second.stderr + second.stdout);
    assert.match(second.stdout, /berthd runs already \(PID \d+/);
    assert.match(second.stdout, /inet addr:172\.17\.0\.2/);
    await host.run(
      'sh',
      '-c',
      'kill $(cat /run/berth/berth.pid); while [ -e /run/berth/berth.pid ]; do sleep 0.05; done',
    );
    // Stopped for good: the directories of the daemon may go.
    await host.run('umount', '-R', '/var/lib/berth');
    await host.run('umount', '-R', '/var/lib/containers');
  },
);

hostTest('npm start tells who it needs to be', {}, async (host) => {
  const { code, stderr } = await host.exec([
    'setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    'sh',
    script,
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /this needs root/);
});
