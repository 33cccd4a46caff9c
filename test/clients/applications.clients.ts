/** examples/dns, examples/ipv6, examples/httpd: a UDP service, one without IPv4, and httpd joined by a second container. */
import assert from 'node:assert/strict';
import { scenarios } from '../compatibility/scenarios.ts';
import type { Daemon } from '../support/daemon.ts';
import { OUTSIDE, type Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { composeIn, count, eventually, EXAMPLES, makeImages, script } from './applications.ts';
import { everything } from './compose-project.ts';

interface Shared {
  host: Host;
  daemon: Daemon;
}

const prepare = async (host: Host): Promise<Shared> => {
  const daemon = await host.startDaemon();
  await makeImages(host, daemon, 'dnsmasq', 'node', 'httpd');
  return { host, daemon };
};

/** berthd goes in order, comes back, is killed, and comes back; `works` is asked each time, while it is down, too. */
async function throughRestarts(daemon: Daemon, works: () => Promise<void>): Promise<void> {
  await works();
  for (const end of [() => daemon.stop(), () => daemon.kill9()]) {
    await end();
    await works();
    await daemon.restart();
    await works();
  }
}

async function gone({ host, daemon }: Shared): Promise<void> {
  assert.deepEqual(await everything(daemon), []);
  await host.assertClean();
}

scenarios({ client: 'applications', outside: true }, prepare, {
  'DNS published over UDP and TCP': async (shared) => {
    const { host, daemon } = shared;
    const compose = composeIn(host, daemon, 'dns');
    await compose('up', '-d');
    const dig = async (...query: string[]): Promise<string[]> => {
      const answer = await eventually(host.outside, 'dig', '-p', '5353', '+short', '+time=2', ...query);
      return answer.split('\n').toSorted();
    };
    const works = async (): Promise<void> => {
      for (const server of [`@${OUTSIDE.host4}`, `@${OUTSIDE.host6}`]) {
        assert.deepEqual(await dig(server, 'www.example.internal'), ['192.0.2.53']);
        assert.deepEqual(await dig(server, '+tcp', 'AAAA', 'www.example.internal'), ['2001:db8::53']);
      }
      // The same source port again and again: the flow that conntrack knows.
      assert.deepEqual(await dig(`@${OUTSIDE.host4}`, '-b', `${OUTSIDE.ip4}#40053`, 'TXT', 'example.internal'), [
        '"hello"',
      ]);
    };
    await throughRestarts(daemon, works);
    await compose('restart');
    await works();
    await compose('up', '-d', '--force-recreate');
    await works();
    await compose('down');
    await gone(shared);
  },

  'a service on a network without IPv4, published on [::]': async (shared) => {
    const { host, daemon } = shared;
    await script(host, daemon, 'ipv6/up.sh');
    const url = `http://[${OUTSIDE.host6}]:8086`;
    const works = async (): Promise<void> => {
      assert.equal(await eventually(host.outside, 'curl', '-sSfg', '-m', '5', url), `hello ${OUTSIDE.ip6}`);
      assert.notEqual((await host.outside.exec(['curl', '-sm2', `http://${OUTSIDE.host4}:8086`])).code, 0);
    };
    await works();
    using stream = count(host.outside, 'curl', '-sgN', `${url}/stream`);
    await throughRestarts(daemon, async () => {
      await works();
      await stream.goesOn();
    });
    const inside = async (line: string): Promise<string> => daemon.dockerOk('exec', 'ask', 'sh', '-c', line);
    assert.match(await inside('wget -qO- http://web'), /^hello fd00:6::/);
    assert.match(await inside('nslookup -type=aaaa web.'), /fd00:6::80/);
    assert.doesNotMatch(await inside('nslookup -type=a web. || true'), /^Address: /m);
    assert.doesNotMatch(await inside('ip -4 addr'), /eth0/);
    await daemon.dockerOk('restart', '-t', '5', 'web');
    await works();
    assert.match(await inside('wget -qO- http://web'), /^hello fd00:6::/);
    await script(host, daemon, 'ipv6/down.sh');
    await script(host, daemon, 'ipv6/up.sh');
    await works();
    await script(host, daemon, 'ipv6/down.sh');
    await gone(shared);
  },

  'httpd, and a second container in its network': async (shared) => {
    const { host, daemon } = shared;
    await script(host, daemon, 'httpd/up.sh');
    const page = async (): Promise<void> =>
      assert.match(
        await eventually(host.outside, 'curl', '-sSf', '-m', '5', `http://${OUTSIDE.host4}:8081`),
        /It works!/,
      );
    const tick = ['socat', '-u', `TCP:${OUTSIDE.host4}:8082`, '-'];
    const works = async (): Promise<void> => {
      await page();
      assert.match(await daemon.dockerOk('exec', 'ticker', 'wget', '-qO-', 'http://127.0.0.1'), /It works!/);
      using ticks = count(host.outside, ...tick);
      await ticks.goesOn();
    };
    await works();
    {
      using ticks = count(host.outside, ...tick);
      await throughRestarts(daemon, async () => {
        await page();
        await ticks.goesOn();
      });
    }
    await works();
    const addresses = async (name: string): Promise<string> => daemon.dockerOk('exec', name, 'ip', '-4', '-o', 'addr');
    assert.equal(await addresses('ticker'), await addresses('web1'));
    // The second follows when it is started again: the first has a new namespace.
    await daemon.dockerOk('restart', '-t', '5', 'web1', 'ticker');
    await works();
    assert.equal(await addresses('ticker'), await addresses('web1'));
    await script(host, daemon, 'httpd/down.sh');
    await script(host, daemon, 'httpd/up.sh');
    await works();
    await script(host, daemon, 'httpd/down.sh');
    await gone(shared);
  },
});

/** The client of examples/connections, outside: a line to it makes it ask on each connection. */
async function hold(host: Host, connections: number) {
  const sources = ['198.51.100.11', '198.51.100.12', '198.51.100.13'];
  for (const source of sources) await host.outside.run('ip', 'addr', 'add', `${source}/24`, 'dev', 'eth0');
  const argv = [process.execPath, `${EXAMPLES}/connections/client.mjs`, OUTSIDE.host4, '9000', `${connections}`];
  const child = host.outside.spawn([...argv, ...sources], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  let complaint = '';
  child.stdout?.on('data', (data: Buffer) => (said += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (complaint += data.toString()));
  let asked = 0;
  const next = async (): Promise<string> => {
    await until(
      () => child.exitCode !== null || said.split('\n').length > asked + 1,
      180_000,
      'answers on all connections',
    );
    return said.split('\n')[asked++] ?? complaint;
  };
  return {
    first: next,
    async again() {
      child.stdin?.write('\n');
      return next();
    },
    [Symbol.dispose]: () => void child.stdin?.end(),
  };
}

scenarios(
  { client: 'applications', outside: true },
  async (host) => {
    const daemon = await host.startDaemon();
    await makeImages(host, daemon, 'node');
    return { host, daemon };
  },
  {
    '10,000 connections through a published port': async (shared) => {
      const { host, daemon } = shared;
      const compose = composeIn(host, daemon, 'connections');
      await compose('up', '-d');
      await eventually(host.outside, 'socat', '-u', '/dev/null', `TCP:${OUTSIDE.host4}:9000`);
      const all = 'answered: 10000 of 10000, closed: 0';
      {
        using connections = await hold(host, 10_000);
        assert.equal(await connections.first(), all);
        const open = await daemon.dockerOk(
          'exec',
          'connections_server_1',
          'sh',
          '-c',
          'grep -c " 01 " /proc/net/tcp6 || true',
        );
        assert.equal(open, '10000');
        await throughRestarts(daemon, async () => assert.equal(await connections.again(), all));
        assert.equal(await daemon.dockerOk('inspect', '-f', '{{.RestartCount}}', 'connections_server_1'), '0');
      }
      await compose('restart', '-t', '5');
      await eventually(host.outside, 'socat', '-u', '/dev/null', `TCP:${OUTSIDE.host4}:9000`);
      await compose('down', '-t', '5');
      await gone(shared);
    },
  },
);
