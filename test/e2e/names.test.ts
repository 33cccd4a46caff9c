/** Who finds whom by which name: user-defined networks, links, the default bridge. Asked with dig and busybox's nslookup. */
import assert from 'node:assert/strict';
import { hostTest } from '../support/host.ts';
import type { Daemon } from '../support/daemon.ts';
import { dig, digStatus, idle } from './support.ts';

async function networks({ dockerOk }: Daemon): Promise<void> {
  await dockerOk('network', 'create', '--subnet', '10.8.0.0/24', '--ipv6', '--subnet', 'fd00:8::/64', 'front');
  await dockerOk('network', 'create', '--subnet', '10.9.0.0/24', 'back');
}

hostTest('names, aliases, short ID, host name, PTR; scoped to shared networks', { outside: true }, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk } = daemon;
  await networks(daemon);
  const web = await idle(daemon, 'web', '-h', 'webhost', '--network', 'name=front,ip=10.8.0.5,ip6=fd00:8::5,alias=www');
  await dockerOk('network', 'connect', '--alias', 'inner', '--ip', '10.9.0.5', 'back', 'web');
  await idle(daemon, 'fe', '--network', 'front');
  await idle(daemon, 'be', '--network', 'back');
  await idle(daemon, 'alone', '--network', 'bridge');
  for (const name of ['web', 'WwW', web.slice(0, 12), 'webhost', 'web.front']) {
    assert.deepEqual(await dig(daemon, 'fe', name), ['10.8.0.5'], name);
    assert.deepEqual(await dig(daemon, 'fe', 'AAAA', name), ['fd00:8::5'], name);
  }
  assert.match(await dockerOk('exec', 'fe', 'nslookup', 'web.'), /^Address: 10\.8\.0\.5$/m);
  assert.match(await dockerOk('exec', 'fe', 'ping', '-c1', '-W1', 'www'), / 0% packet loss/);
  assert.deepEqual(await dig(daemon, 'be', 'web'), ['10.9.0.5']);
  assert.deepEqual(await dig(daemon, 'be', 'inner'), ['10.9.0.5']);
  // An alias belongs to the network that it was given on.
  for (const [from, name] of [
    ['be', 'www'],
    ['fe', 'inner'],
    ['fe', 'be'],
    ['be', 'fe'],
    ['fe', 'alone'],
  ] as const) {
    assert.deepEqual(await dig(daemon, from, name), [], `${from} does not know ${name}`);
  }
  // The name is known, in the other family only.
  assert.equal(await digStatus(daemon, 'be', 'AAAA', 'web'), 'NOERROR 0');
  assert.deepEqual(await dig(daemon, 'fe', '-x', '10.8.0.5'), ['web.front.']);
  assert.deepEqual(await dig(daemon, 'fe', '-x', 'fd00:8::5'), ['web.front.']);
  assert.deepEqual(await dig(daemon, 'be', '-x', '10.9.0.5'), ['web.back.']);
  assert.deepEqual(await dig(daemon, 'web', 'be'), ['10.9.0.2'], 'web is on both');
  assert.deepEqual(await dig(daemon, 'web', '+tcp', 'fe'), ['10.8.0.2']);
  // Gone at once, and back with the start; a new name replaces the old one.
  await dockerOk('stop', '-t', '0', 'web');
  assert.deepEqual(await dig(daemon, 'fe', 'web'), []);
  await dockerOk('start', 'web');
  assert.deepEqual(await dig(daemon, 'fe', 'www'), ['10.8.0.5']);
  await dockerOk('rename', 'web', 'shop');
  assert.deepEqual([await dig(daemon, 'fe', 'web'), await dig(daemon, 'fe', 'shop')], [[], ['10.8.0.5']]);
  await dockerOk('network', 'disconnect', 'front', 'shop');
  assert.deepEqual([await dig(daemon, 'fe', 'shop'), await dig(daemon, 'be', 'shop')], [[], ['10.9.0.5']]);
});

hostTest('several behind one alias, wildcards, links', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk } = daemon;
  await networks(daemon);
  for (const name of ['one', 'two', 'three']) await idle(daemon, name, '--network', 'front', '--network-alias', 'all');
  await idle(daemon, 'wild', '--network', 'front', '--network-alias', '*.web');
  await idle(daemon, 'client', '--network', 'front', '--link', 'one:db');
  assert.deepEqual(await dig(daemon, 'client', 'all'), ['10.8.0.2', '10.8.0.3', '10.8.0.4']);
  const firsts = new Set<string>();
  for (let time = 0; time < 12; time++) {
    const { stdout } = await daemon.docker('exec', 'client', 'dig', '+short', 'all');
    firsts.add(stdout.split('\n')[0] ?? '');
  }
  assert.ok(firsts.size > 1, 'they take turns');
  await dockerOk('rm', '-f', 'two');
  assert.deepEqual(await dig(daemon, 'one', 'all'), ['10.8.0.2', '10.8.0.4']);
  assert.deepEqual(await dig(daemon, 'client', 'a.web'), ['10.8.0.5']);
  assert.deepEqual(await dig(daemon, 'client', 'a.b.web'), ['10.8.0.5']);
  assert.deepEqual(await dig(daemon, 'client', 'web'), []);
  assert.deepEqual(await dig(daemon, 'client', 'db'), ['10.8.0.2']);
  assert.deepEqual(await dig(daemon, 'three', 'db'), [], 'a link is its owner’s alone');
});

hostTest('the default bridge has no resolver', { outside: true }, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk, docker } = daemon;
  await idle(daemon, 'aa');
  await idle(daemon, 'bb', '--link', 'aa:first');
  assert.doesNotMatch(await dockerOk('exec', 'bb', 'cat', '/etc/resolv.conf'), /127\.0\.0\.11/);
  assert.notEqual((await docker('exec', 'aa', 'ping', '-c1', '-W1', 'bb')).code, 0);
  assert.match(await dockerOk('exec', 'bb', 'ping', '-c1', '-W1', 'first'), / 0% packet loss/);
  await dockerOk('network', 'create', 'front');
  // With a network of one's own beside it, there is one; names of the default bridge are in it no more than before.
  await dockerOk('network', 'connect', 'front', 'aa');
  assert.match(await dockerOk('exec', 'aa', 'cat', '/etc/resolv.conf'), /^nameserver 127\.0\.0\.11$/m);
  assert.deepEqual(await dig(daemon, 'aa', 'bb'), []);
  assert.deepEqual(await dig(daemon, 'aa', 'aa'), ['172.18.0.2']);
  await dockerOk('network', 'disconnect', 'front', 'aa');
  assert.doesNotMatch(await dockerOk('exec', 'aa', 'cat', '/etc/resolv.conf'), /127\.0\.0\.11/);
});
