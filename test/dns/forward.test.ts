/** Names that no container has: who is asked, from where, and what is made of the answers. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { OUTSIDE, hostTest } from '../support/host.ts';
import { endpoint, makeContainer, sandbox, startDaemonSide, startServer } from './support.ts';

hostTest(
  'names outside are asked of the host’s servers, and kept as long as they say',
  { outside: true },
  async (host) => {
    const daemon = startDaemonSide(host);
    await using box = await makeContainer(host, 'box');
    await using server = await startServer(host.outside, OUTSIDE.ip4);
    await daemon.putNames(sandbox('s', box.path, { endpoints: [endpoint('n', '10.1.0.2', ['box'])] }));

    const asked = (name: string): number => server.queries.filter((line) => line.includes(` ${name} `)).length;
    assert.deepEqual(await box.short('a-7.test'), ['192.0.2.7']);
    const again = await box.dig('A-7.Test');
    assert.match(again, /^;A-7\.Test\.[^]*^a-7\.test\.\s+(60|59|58)\s+IN\s+A\s+192\.0\.2\.7$/m);
    assert.equal(asked('a-7.test'), 1, 'the second answer came from the cache, for a client with another cookie');
    assert.deepEqual(await box.short('+tcp', 'a-7.test'), ['192.0.2.7']);
    assert.equal(asked('a-7.test'), 1);

    assert.match(await box.dig('missing.test'), /status: NXDOMAIN/);
    assert.match(await box.dig('missing.test'), /status: NXDOMAIN/);
    assert.equal(asked('missing.test'), 1);
    assert.match(await box.dig('a-1.test', 'TXT'), /status: NOERROR[^]*ANSWER: 0/);

    assert.deepEqual(await box.short('count.test'), ['192.0.2.1']);
    assert.deepEqual(await box.short('count.test'), ['192.0.2.2'], 'a TTL of 0 is not kept');
    assert.deepEqual(await box.short('who.test', 'TXT'), [`"${OUTSIDE.host4}"`]);
    assert.match(await box.dig('servfail.test'), /status: SERVFAIL/);
    assert.match(await box.dig('refused.test'), /status: SERVFAIL/);
    assert.deepEqual(await box.short('forged.test'), ['192.0.2.1']);
    assert.deepEqual(await box.short('single'), ['192.0.2.1'], 'a single label that no container has');

    // Truncated by the server: asked again over TCP, and truncated for those who take no more.
    assert.equal((await box.short('big.test')).length, 40);
    assert.match(await box.dig('big.test', '+noedns', '+ignore'), /flags: qr tc/);
    assert.ok(server.queries.some((line) => line.startsWith('tcp big.test')));
    await daemon.close({ keep: false });
  },
);

hostTest('a silent or refusing server costs little', { outside: true }, async (host) => {
  const daemon = startDaemonSide(host);
  await host.outside.run('ip', 'addr', 'add', '198.51.100.7/24', 'dev', 'eth0');
  writeFileSync(
    `${host.root}/etc/resolv.conf`,
    `nameserver 198.51.100.77\nnameserver 198.51.100.7\nnameserver ${OUTSIDE.ip4}\n`,
  );
  await using box = await makeContainer(host, 'box');
  await using server = await startServer(host.outside, OUTSIDE.ip4);
  await daemon.putNames(sandbox('s', box.path));
  // 198.51.100.77 is nobody, 198.51.100.7 answers by ICMP.
  assert.deepEqual(await box.short('+tries=1', '+time=4', 'a-1.test'), ['192.0.2.1']);
  // Asked first it would cost the 200 ms after which the next one is asked.
  assert.match(await box.dig('a-2.test'), /Query time: 1?\d{1,2} msec/, 'the silent one is asked last for a while');
  assert.match(await box.dig('silent.test'), /status: SERVFAIL/);
  assert.ok(server.queries.filter((line) => line.includes('silent')).length >= 3, 'asked again: datagrams get lost');
  await daemon.close({ keep: false });
});

hostTest(
  'servers of the container’s own are asked from inside, those of the host as they change',
  { outside: true },
  async (host) => {
    const daemon = startDaemonSide(host);
    await using box = await makeContainer(host, 'box', 3);
    await using _near = await startServer(host, '10.77.3.1');
    await using _outside = await startServer(host.outside, OUTSIDE.ip4);
    await using local = await startServer(host, '127.0.0.1');
    await daemon.putNames(sandbox('s', box.path, { nameservers: ['127.0.0.11', '10.77.3.1'] }));
    assert.deepEqual(await box.short('who.test', 'TXT'), ['"10.77.3.2"']);
    await daemon.putNames(sandbox('s', box.path));
    assert.deepEqual(await box.short('who.test', 'TXT'), [`"${OUTSIDE.host4}"`]);
    // The host's own loopback, which the container cannot reach.
    writeFileSync(`${host.root}/etc/resolv.conf`, 'nameserver 127.0.0.1\n');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assert.deepEqual(await box.short('who.test', 'TXT'), ['"127.0.0.1"']);
    // A router's, by its link.
    await host.outside.run('ip', 'addr', 'add', 'fe80::53/64', 'dev', 'eth0', 'nodad');
    await host.run('ip', 'addr', 'add', 'fe80::2/64', 'dev', 'eth0', 'nodad');
    await using _router = await startServer(host.outside, 'fe80::53%eth0');
    writeFileSync(`${host.root}/etc/resolv.conf`, 'nameserver fe80::53%eth0\n');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assert.match((await box.short('who.test', 'TXT')).join(), /fe80::/);
    const before = local.queries.length;
    await daemon.putNames(sandbox('s', box.path, { forward: false }));
    assert.match(await box.dig('who.test', 'TXT'), /status: SERVFAIL/);
    assert.equal(local.queries.length, before);
    await daemon.close({ keep: false });
  },
);
