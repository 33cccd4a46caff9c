/** Names of containers, asked with dig from inside their namespaces of the real process. */
import assert from 'node:assert/strict';
import { hostTest } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { endpoint, killInside, makeContainer, netdProcesses, sandbox, startDaemonSide } from './support.ts';

hostTest('a container finds others by name on the networks that they share', {}, async (host) => {
  const daemon = startDaemonSide(host);
  await using web = await makeContainer(host, 'web');
  await using db = await makeContainer(host, 'db');
  await using lone = await makeContainer(host, 'lone');
  await daemon.putNames(
    sandbox('s-web', web.path, {
      endpoints: [
        endpoint('front', '172.20.0.2', ['web', 'www', '0123456789ab', '*.apps']),
        endpoint('back', ['172.21.0.2', 'fd00:21::2'], ['web', 'inner'], { store: 'db' }),
      ],
    }),
  );
  await daemon.putNames(
    sandbox('s-db', db.path, { endpoints: [endpoint('back', '172.21.0.3', ['db', 'www', 'ABCDEF012345'])] }),
  );
  await daemon.putNames(
    sandbox('s-lone', lone.path, { endpoints: [endpoint('front', '172.20.0.9', ['lone'])], forward: false }),
  );

  assert.deepEqual(await web.short('db'), ['172.21.0.3']);
  assert.deepEqual(await web.short('+tcp', 'db'), ['172.21.0.3']);
  assert.deepEqual(await web.short('store'), ['172.21.0.3'], 'a link of web alone');
  assert.deepEqual(await web.short('store.back'), ['172.21.0.3']);
  assert.deepEqual(await web.short('web'), ['172.20.0.2'], 'the first network is asked first');
  assert.deepEqual(await web.short('web.back'), ['172.21.0.2']);
  assert.deepEqual(await web.short('AAAA', 'web'), ['fd00:21::2']);
  assert.deepEqual(await db.short('web'), ['172.21.0.2'], 'the network that both are on');
  assert.deepEqual(await db.short('x.y.apps', 'A'), [], 'a wildcard of another network');
  assert.deepEqual(await lone.short('x.y.apps'), ['172.20.0.2']);
  assert.deepEqual(await lone.short('0123456789ab'), ['172.20.0.2']);
  assert.deepEqual(await db.short('abcdef012345'), ['172.21.0.3']);
  assert.match(await lone.dig('db'), /status: SERVFAIL/, 'not on a network with db, and nobody else is asked');
  assert.deepEqual(await lone.short('-x', '172.20.0.2'), ['web.front.']);
  assert.deepEqual(await db.short('-x', 'fd00:21::2'), ['web.back.']);
  assert.deepEqual(await db.short('SRV', '_8080._tcp.web'), ['0 0 8080 web.']);

  const upper = await web.dig('DB.Back');
  assert.match(upper, /^DB\.Back\.\s+5\s+IN\s+A\s+172\.21\.0\.3$/m, 'in the case in which it was asked');
  for (const question of [
    ['AAAA', 'db'],
    ['MX', 'web'],
    ['TXT', 'store'],
  ]) {
    const answer = await web.dig(...question);
    assert.match(answer, /status: NOERROR/);
    assert.match(answer, /ANSWER: 0/);
  }

  // A program in the container may have port 53 itself.
  const own = lone.spawn(['socat', '-u', 'UDP4-RECVFROM:53,bind=0.0.0.0,fork', 'OPEN:/dev/null'], { stdio: 'ignore' });
  await until(async () => (await lone.run('ss', '-uln')).includes('0.0.0.0:53'));
  assert.deepEqual(await lone.short('lone'), ['172.20.0.9']);
  await killInside(own);

  await daemon.close({ keep: false });
  await until(() => netdProcesses(host).length === 0, 2000, 'the end of berth-netd');
});

hostTest('a container on another host is found like any other, and has no resolver here', {}, async (host) => {
  const daemon = startDaemonSide(host);
  await using near = await makeContainer(host, 'near');
  await daemon.putNames(sandbox('s-near', near.path, { endpoints: [endpoint('wide', '10.0.0.2', ['near', 'web'])] }));
  await daemon.changeElsewhere({
    put: [{ id: 'e', endpoint: endpoint('wide', '10.0.0.3', ['far', 'web']) }],
    drop: [],
  });
  assert.deepEqual(await near.short('far'), ['10.0.0.3']);
  assert.deepEqual(await near.short('-x', '10.0.0.3'), ['far.wide.']);
  assert.deepEqual((await near.short('web')).toSorted(), ['10.0.0.2', '10.0.0.3']);

  const [pid] = netdProcesses(host);
  assert.ok(pid);
  process.kill(pid, 'SIGKILL');
  await until(async () => (await near.short('far', '+time=1')).length === 1, 10_000, 'an answer');

  await daemon.changeElsewhere({ put: [], drop: ['e'] });
  assert.match(await near.dig('far'), /status: (SERVFAIL|NXDOMAIN)/);
  assert.deepEqual(await near.short('web'), ['10.0.0.2']);
  await daemon.close({ keep: false });
});

hostTest('equal aliases take turns, and names are gone with their sandbox', {}, async (host) => {
  const daemon = startDaemonSide(host);
  await using client = await makeContainer(host, 'client');
  await using other = await makeContainer(host, 'other');
  await daemon.putNames(
    sandbox('s0', client.path, { endpoints: [endpoint('n', '10.1.0.2', ['client', 'all'])], forward: false }),
  );
  await daemon.putNames(
    sandbox('s1', other.path, { endpoints: [endpoint('n', '10.1.0.3', ['other', 'all'])], forward: false }),
  );
  const first = new Set<string>();
  for (let i = 0; i < 4; i++) first.add(/^all\.\s+5\s+IN\s+A\s+(\S+)/m.exec(await client.dig('all'))?.[1] ?? '');
  assert.deepEqual([...first].sort(), ['10.1.0.2', '10.1.0.3']);
  await daemon.putNames(
    sandbox('s1', other.path, { endpoints: [endpoint('n', '10.1.0.4', ['renamed'])], forward: false }),
  );
  assert.deepEqual(await client.short('all'), ['10.1.0.2']);
  assert.deepEqual(await client.short('renamed'), ['10.1.0.4']);
  await daemon.dropNames('s1');
  assert.match(await client.dig('renamed'), /SERVFAIL/);
  assert.match(await other.dig('client'), /connection refused|no servers could be reached/);
  await daemon.dropNames('never-put');
  await daemon.close({ keep: false });
});

hostTest('a truncated answer is whole over TCP', {}, async (host) => {
  const daemon = startDaemonSide(host);
  await using client = await makeContainer(host, 'client');
  const many = Array.from({ length: 500 }, (_, i) => `10.2.${i >> 8}.${i & 255}`);
  await daemon.putNames(sandbox('s', client.path, { endpoints: [endpoint('n', many, ['all'])] }));
  assert.match(await client.dig('all', '+noedns', '+ignore'), /flags: qr tc rd ra.*ANSWER: 30/);
  assert.equal((await client.short('all')).length, 500);
  await daemon.close({ keep: false });
});

hostTest('the namespace ends when its names are dropped', {}, async (host) => {
  const daemon = startDaemonSide(host);
  const gone = await makeContainer(host, 'gone', 7);
  await daemon.putNames(sandbox('s', gone.path, { endpoints: [endpoint('n', '10.77.7.2', ['gone'])] }));
  assert.deepEqual(await gone.short('gone'), ['10.77.7.2']);
  await gone[Symbol.asyncDispose]();
  assert.match(await host.run('ip', '-br', 'link'), /^v7@/m, 'the resolver keeps it');
  await daemon.dropNames('s');
  await until(async () => !(await host.run('ip', '-br', 'link')).includes('v7@'), 1000, 'the end of the namespace');
  await assert.rejects(daemon.putNames(sandbox('s', gone.path)), /ENOENT/);
  await daemon.close({ keep: false });
});
