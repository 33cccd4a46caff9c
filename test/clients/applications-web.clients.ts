/** examples/web: nginx before two replicas of a Node service, PostgreSQL and Redis behind it. */
import assert from 'node:assert/strict';
import { scenarios } from '../compatibility/scenarios.ts';
import type { Daemon } from '../support/daemon.ts';
import { OUTSIDE, type Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { composeIn, count, eventually, makeImages } from './applications.ts';
import { everything } from './compose-project.ts';

interface Shared {
  host: Host;
  daemon: Daemon;
  compose: (...args: string[]) => Promise<string>;
}

const URL = `http://${OUTSIDE.host4}:8080`;

const prepare = async (host: Host): Promise<Shared> => {
  const daemon = await host.startDaemon();
  await makeImages(host, daemon, 'nginx', 'node', 'postgres', 'redis');
  const compose = composeIn(host, daemon, 'web');
  await compose('up', '-d');
  return { host, daemon, compose };
};

const get = async ({ host }: Shared, path: string): Promise<unknown> =>
  JSON.parse(await eventually(host.outside, 'curl', '-sSf', '-m', '20', `${URL}${path}`));
const post = async ({ host }: Shared, note: string): Promise<unknown> =>
  JSON.parse(await host.outside.run('curl', '-sSf', '-m', '20', '--data', note, `${URL}/notes`));

interface Visit {
  replica: string;
  visits: number;
}

/** Visits until two replicas have answered; every answer counts one more than the one before. */
async function visitBoth(shared: Shared): Promise<Set<string>> {
  const replicas = new Set<string>();
  let visits = 0;
  await until(
    async () => {
      const visit = (await get(shared, '/')) as Visit;
      assert.ok(visit.visits > visits, `${visit.visits} visits after ${visits}`);
      visits = visit.visits;
      replicas.add(visit.replica);
      return replicas.size === 2;
    },
    60_000,
    'answers of both replicas',
  );
  return replicas;
}

scenarios({ client: 'applications', outside: true }, prepare, {
  'nginx before two Node services, PostgreSQL and Redis behind': async (shared) => {
    const { host, daemon } = shared;
    assert.equal((await visitBoth(shared)).size, 2);
    assert.deepEqual(await get(shared, '/notes'), []);
    await post(shared, "it's the first");
    await post(shared, 'and the second');
    assert.deepEqual(await get(shared, '/notes'), ["it's the first", 'and the second']);
    // Only nginx is published, and what stands behind is on a network that leads nowhere else.
    const ports = await daemon.dockerOk('ps', '--format', '{{.Names}} {{.Ports}}');
    assert.match(ports, /^web_proxy_1 0\.0\.0\.0:8080->80\/tcp, \[::\]:8080->80\/tcp$/m);
    assert.equal(ports.match(/->/g)?.length, 2);
    assert.notEqual((await host.outside.exec(['curl', '-sm2', `http://${OUTSIDE.host4}:5432`])).code, 0);
    const asked = async (from: string, name: string): Promise<number> =>
      (await daemon.dockerOk('exec', from, 'nslookup', '-type=a', `${name}.`)).match(/^Address: /gm)?.length ?? 0;
    assert.equal(await asked('web_service_1', 'database'), 1);
    assert.equal(await asked('web_service_1', 'cache'), 1);
    assert.equal(await asked('web_proxy_1', 'service'), 2);
    assert.notEqual((await daemon.docker('exec', 'web_proxy_1', 'nslookup', '-type=a', 'database.')).code, 0);
    assert.notEqual((await daemon.docker('exec', 'web_cache_1', 'ping', '-c1', '-W1', OUTSIDE.ip4)).code, 0);
  },

  'the web application: each part restarted, or made anew': async (shared) => {
    const { host, compose, daemon } = shared;
    for (const part of ['database', 'cache', 'service', 'proxy']) {
      await compose('restart', part);
      await visitBoth(shared);
      assert.equal(((await get(shared, '/notes')) as string[]).length, 2, part);
    }
    // A crash of everything in the database's container, which comes back by its restart policy.
    await host.run('kill', '-9', await daemon.dockerOk('inspect', '-f', '{{.State.Pid}}', 'web_database_1'));
    await until(
      async () => (await daemon.dockerOk('inspect', '-f', '{{.RestartCount}}', 'web_database_1')) === '1',
      30_000,
      'the restart of the database',
    );
    assert.equal(((await get(shared, '/notes')) as string[]).length, 2);
    const before = await visitBoth(shared);
    await compose('up', '-d', '--force-recreate', '--no-deps', 'service', 'cache');
    const after = await visitBoth(shared);
    assert.deepEqual(
      [...after].filter((replica) => before.has(replica)),
      [],
    );
    const running = async (): Promise<string> =>
      daemon.dockerOk('ps', '-q', '--filter', 'label=com.docker.compose.project=web');
    assert.equal((await running()).split('\n').length, 5);
  },

  'the web application: berthd restarted and killed, no connection lost': async (shared) => {
    const { host, daemon } = shared;
    using stream = count(host.outside, 'curl', '-sN', `${URL}/stream`);
    await stream.goesOn();
    await daemon.stop();
    await stream.goesOn();
    assert.equal(((await get(shared, '/notes')) as string[]).length, 2);
    await daemon.restart();
    await stream.goesOn();
    await daemon.kill9();
    await visitBoth(shared);
    await daemon.restart();
    await visitBoth(shared);
    await stream.goesOn();
  },

  'the web application: all down, up again with its data, and gone': async (shared) => {
    const { compose, daemon, host } = shared;
    const { visits } = (await get(shared, '/')) as Visit;
    await compose('down');
    assert.deepEqual(await everything(daemon), ['web_cache', 'web_database']);
    await compose('up', '-d');
    assert.deepEqual(await get(shared, '/notes'), ["it's the first", 'and the second']);
    assert.ok(((await get(shared, '/')) as Visit).visits > visits);
    await compose('down', '-v');
    assert.deepEqual(await everything(daemon), []);
    await host.assertClean();
  },
});
