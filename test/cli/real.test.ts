/** The real daemon, shown by both clients: the same words print the same. */
import assert from 'node:assert/strict';
import { hostTest } from '../support/host.ts';
import { noJudge } from '../support/stock-client.ts';

const SAME: readonly string[] = [
  'ps -a --no-trunc',
  'ps -aq',
  'ps -as',
  'ps --filter name=up --format {{.Names}}\\t{{.Image}}\\t{{.Networks}}\\t{{.State}}\\t{{.Labels}}',
  'ps -a --filter status=exited',
  'images',
  'images --no-trunc --digests',
  'image inspect busybox -f {{.Id}}',
  'history busybox',
  'network ls',
  'network inspect host none',
  'inspect -f {{json|.State}}{{.Name}}{{.HostConfig.NetworkMode}}{{.Config.Hostname}} up',
  'inspect -f {{range|$name,|$e|:=|.NetworkSettings.Networks}}{{$name}}={{$e.IPAddress}}{{end}} up',
  'inspect -f {{.NetworkSettings.IPAddress}} up',
  'inspect -f {{if|.State.Health}}h{{else}}none{{end}} up',
  'inspect gone',
  'port up',
  'top up',
  'rename gone up',
  'tag busybox app:1',
  'tag gone app:1',
  'image ls app',
  'rmi gone',
  'rm gone',
  'network inspect gone',
  'network disconnect gone up',
  'info -f {{.Containers}}|{{.ContainersRunning}}|{{.OSType}}|{{.Name}}',
  'version -f {{.Server.Version}}|{{.Server.Os}}',
  'events --since 1 --until 0s -f type=container -f event=start --format {{.Actor.Attributes.name}}',
];

hostTest('both clients show the real daemon alike', { skip: noJudge }, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk('run', '-d', '--name', 'up', '--label', 'a=b', 'busybox', 'sleep', '1000');
  await daemon.berthOk('run', '--name', 'ended', 'busybox', 'sh', '-c', 'exit 3').catch(() => undefined);
  for (const line of SAME) {
    const words = line.split(' ').map((word) => word.replaceAll('|', ' '));
    const theirs = await daemon.docker(...words);
    const own = await daemon.berth(...words);
    // One may fall into the next second, and its column be wider.
    const still = (text: string): string =>
      text.replace(/\d+ seconds?|Less than a second/g, 'N seconds').replace(/ {2,}/g, '  ');
    assert.equal(still(own.stdout), still(theirs.stdout), line);
    assert.equal(own.stderr.trimEnd(), theirs.stderr.trimEnd(), line);
    assert.equal(own.code, theirs.code, line);
  }
  assert.match(await daemon.berthOk('version'), /\nServer: Berth.*\n Engine:\n {2}Version: /);
  assert.match(await daemon.berthOk('info'), /\nServer:\n Containers: 2\n {2}Running: 1\n/);
  await daemon.berthOk('rename', 'up', 'down');
  assert.equal(await daemon.berthOk('inspect', '-f', '{{.Name}}', 'down'), '/down');
  await daemon.berthOk('rename', 'down', 'up');
  const pruned = await daemon.berthOk('container', 'prune', '-f');
  assert.match(pruned, /^Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: \d/);
  assert.equal(await daemon.berthOk('rm', '-f', 'up'), 'up');
  assert.equal(await daemon.berthOk('ps', '-aq'), '');
});
