/** Names and commands of characters that end lines or break JSON elsewhere: they are a container's or an image's doing. */
import assert from 'node:assert/strict';
import { hostTest } from '../support/host.ts';

/** Line separators of Unicode, control characters, escapes of terminals and of JSON. */
const ODD = ['a\u2028b', 'a\u2029b', 'a\u0085b', 'a\x1fb', 'a\x01b', 'a\x7fb', 'a\rb', 'a\nb', 'a\t"\\b', 'a\x1b[2Jb'];

hostTest('odd characters end no berthd', {}, async (host) => {
  const daemon = await host.startDaemon();
  const pid = daemon.pid;
  await daemon.dockerOk('run', '-d', '--name', 'web', 'busybox', 'sleep', '1000');
  await daemon.dockerOk(
    'exec',
    'web',
    'sh',
    '-c',
    'mkdir /odd && cd /odd && for name; do touch "$name"; done',
    'sh',
    ...ODD,
  );
  for (const name of ODD) {
    const shown = JSON.stringify(name);
    const path = `/containers/web/archive?path=${encodeURIComponent(`/odd/${name}`)}`;
    assert.equal((await daemon.api('GET', path)).status, 200, shown);
    assert.equal((await daemon.api('GET', `${path}/below`)).status, 500, shown);
    const exec = await daemon.docker('exec', 'web', name);
    // conmon passes on the last line of what the runtime says.
    const refused = name.includes('\n') ? /^12[567]$/ : /^127$/;
    assert.match(String(exec.code), refused, `${shown}: ${exec.stderr}`);
    const run = await daemon.docker('run', '--rm', '--network=none', 'busybox', name);
    assert.match(String(run.code), refused, `${shown}: ${run.stderr}`);
  }
  const { body } = await daemon.api<{ Path: string }[]>('GET', '/containers/web/changes');
  assert.deepEqual(
    body.flatMap(({ Path }) => (Path.startsWith('/odd/') ? [Path.slice(5)] : [])).toSorted(),
    ODD.toSorted(),
  );
  await daemon.dockerOk('commit', 'web', 'odd');
  assert.equal(await daemon.dockerOk('run', '--rm', 'odd', 'sh', '-c', 'set -- /odd/*; echo $#'), String(ODD.length));

  // As deep as a path can be.
  await daemon.dockerOk('exec', 'web', 'sh', '-c', 'mkdir -p $(printf "/a%.0s" $(seq 1 2000))');
  const deep = (await daemon.api<{ Path: string }[]>('GET', '/containers/web/changes')).body;
  assert.equal(deep.filter(({ Path }) => /^(?:\/a)+$/.test(Path)).length, 2000);
  assert.equal((await daemon.api('GET', '/containers/web/archive?path=/a')).status, 200);
  assert.equal(daemon.pid, pid);
});
