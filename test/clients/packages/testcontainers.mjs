/**
 * The scenarios of testcontainers, and the program that runs them inside a throw-away host, where published ports are in reach: one
 * JSON object a line on stdout for each. It stands beside its node_modules; `rows` can be read without them.
 *
 *     DOCKER_HOST=unix:///… TESTCONTAINERS_RYUK_DISABLED=true node testcontainers.mjs DIRECTORY
 *
 * DIRECTORY is free for its files, and the same inside and outside.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const SERVE = ['sh', '-c', 'mkdir -p /www; hostname >/www/index.html; echo serving; exec httpd -f -h /www -p 8080'];

const fetchText = async (started, path = '/', port = 8080) => {
  const answer = await fetch(`http://${started.getHost()}:${started.getMappedPort(port)}${path}`);
  return { status: answer.status, body: (await answer.text()).trim() };
};

export const rows = {
  'GenericContainer: ports, getHost, getMappedPort, wait on listening ports': async ({ GenericContainer, Wait }) => {
    await using started = await new GenericContainer('busybox')
      .withCommand(SERVE)
      .withExposedPorts(8080)
      .withWaitStrategy(Wait.forListeningPorts())
      .start();
    assert.equal(started.getHost(), 'localhost');
    assert.equal(started.getFirstMappedPort(), started.getMappedPort(8080));
    assert.deepEqual(await fetchText(started), { status: 200, body: started.getHostname() });
  },
  'fixed host ports, UDP ports': async ({ GenericContainer, Wait }) => {
    await using started = await new GenericContainer('busybox')
      .withCommand(['sh', '-c', 'echo ready; exec nc -u -l -p 5353 -e cat'])
      .withExposedPorts({ container: 5353, host: 15353, protocol: 'udp' })
      .withWaitStrategy(Wait.forLogMessage('ready'))
      .start();
    assert.equal(started.getMappedPort(5353, 'udp'), 15353);
  },
  'wait on a log message, on HTTP, on a shell command, on one run, on all of them': async ({
    GenericContainer,
    Wait,
  }) => {
    await using _logged = await new GenericContainer('busybox')
      .withCommand(['sh', '-c', 'sleep 0.2; echo ready 1; echo ready 2; sleep 1000'])
      .withWaitStrategy(Wait.forLogMessage(/ready \d/, 2))
      .start();
    await using served = await new GenericContainer('busybox')
      .withCommand(SERVE)
      .withExposedPorts(8080)
      .withWaitStrategy(
        Wait.forAll([
          Wait.forHttp('/', 8080)
            .forStatusCode(200)
            .forResponsePredicate((body) => body.length > 3),
          Wait.forLogMessage('serving'),
          Wait.forSuccessfulCommand('test -e /www/index.html'),
        ]),
      )
      .start();
    assert.equal((await fetchText(served)).status, 200);
    await using _once = await new GenericContainer('busybox')
      .withCommand(['sh', '-c', 'sleep 0.1; exit 0'])
      .withWaitStrategy(Wait.forOneShotStartup())
      .start();
    await assert.rejects(
      new GenericContainer('busybox').withCommand(['false']).withWaitStrategy(Wait.forLogMessage('never')).start(),
      /exited|stopped|never/i,
    );
  },
  'wait on health': async ({ GenericContainer, Wait }) => {
    const build = (test) =>
      new GenericContainer('busybox')
        .withCommand(['sh', '-c', 'sleep 0.5; touch /healthy; sleep 1000'])
        .withHealthCheck({ test, interval: 100, timeout: 2000, retries: 3, startPeriod: 2000 })
        .withWaitStrategy(Wait.forHealthCheck());
    await using started = await build(['CMD-SHELL', 'test -e /healthy']).start();
    assert.equal((await started.exec('cat /healthy')).exitCode, 0);
    await assert.rejects(build(['CMD-SHELL', 'exit 1']).withStartupTimeout(20_000).start(), /[Hh]ealth ?check/);
  },
  'a network between containers, with aliases': async ({ GenericContainer, Network }) => {
    await using network = await new Network().start();
    await using server = await new GenericContainer('busybox')
      .withCommand(SERVE)
      .withExposedPorts(8080)
      .withNetwork(network)
      .withNetworkAliases('web', 'also-web')
      .start();
    await using client = await new GenericContainer('busybox')
      .withCommand(['sleep', '1000'])
      .withNetwork(network)
      .start();
    for (const name of ['web', 'also-web', server.getIpAddress(network.getName())]) {
      const { output, exitCode } = await client.exec(['wget', '-qO-', `http://${name}:8080/`]);
      assert.deepEqual([exitCode, output.trim()], [0, server.getHostname()], name);
    }
    assert.ok(server.getNetworkNames().includes(network.getName()));
    assert.equal(server.getNetworkId(network.getName()), network.getId());
  },
  'network modes, extra hosts': async ({ GenericContainer, Wait }) => {
    const idle = () => new GenericContainer('busybox').withCommand(['sh', '-c', 'echo up; sleep 1000']);
    const up = Wait.forLogMessage('up');
    await using alone = await idle().withNetworkMode('none').withWaitStrategy(up).start();
    assert.equal((await alone.exec('ls /sys/class/net')).output.trim(), 'lo');
    await using host = await idle().withNetworkMode('host').withWaitStrategy(up).start();
    assert.match((await host.exec('ls /sys/class/net')).output, /docker0/);
    await using named = await idle()
      .withExtraHosts([{ host: 'far', ipAddress: '192.0.2.9' }])
      .withWaitStrategy(up)
      .start();
    assert.match((await named.exec(['cat', '/etc/hosts'])).output, /192\.0\.2\.9\s+far/);
  },
  'exec, logs, log consumer': async ({ GenericContainer }) => {
    const consumed = [];
    await using started = await new GenericContainer('busybox')
      .withCommand(['sh', '-c', 'echo out; echo err >&2; sleep 1000'])
      .withLogConsumer((stream) => stream.on('data', (line) => consumed.push(line)))
      .start();
    const { output, stdout, stderr, exitCode } = await started.exec(
      ['sh', '-c', 'echo $A $(pwd) $(id -un); echo no >&2; exit 4'],
      {
        env: { A: 'b' },
        workingDir: '/tmp',
        user: 'nobody',
      },
    );
    assert.deepEqual([stdout, stderr, exitCode], ['b /tmp nobody\n', 'no\n', 4]);
    assert.equal(output.length, stdout.length + stderr.length);
    let logged = '';
    for await (const piece of await started.logs()) {
      logged += piece;
      if (logged.includes('out\n') && logged.includes('err\n')) break;
    }
    assert.equal(logged.length, 'out\nerr\n'.length);
    const told = () => consumed.join('').split('\n').filter(Boolean).toSorted();
    for (let i = 0; told().length < 2 && i < 200; i++) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(told(), ['err', 'out']);
  },
  'files and contents copied in, before and after the start, and out': async ({ GenericContainer }, directory) => {
    writeFileSync(join(directory, 'file'), 'a file');
    mkdirSync(join(directory, 'tree/below'), { recursive: true });
    writeFileSync(join(directory, 'tree/below/leaf'), 'a leaf');
    await using started = await new GenericContainer('busybox')
      .withCommand(['sleep', '1000'])
      .withCopyContentToContainer([{ content: 'content', target: '/new/place/content', mode: 0o640 }])
      .withCopyFilesToContainer([{ source: join(directory, 'file'), target: '/file' }])
      .withCopyDirectoriesToContainer([{ source: join(directory, 'tree'), target: '/tree' }])
      .start();
    const cat = async (path) => (await started.exec(['cat', path])).output;
    assert.deepEqual(
      [await cat('/new/place/content'), await cat('/file'), await cat('/tree/below/leaf')],
      ['content', 'a file', 'a leaf'],
    );
    assert.equal((await started.exec(['stat', '-c', '%a', '/new/place/content'])).output.trim(), '640');
    await started.copyContentToContainer([{ content: 'later', target: '/tmp/later' }]);
    await started.copyFilesToContainer([{ source: join(directory, 'file'), target: '/tmp/file' }]);
    assert.deepEqual([await cat('/tmp/later'), await cat('/tmp/file')], ['later', 'a file']);
    const archive = await text(await started.copyArchiveFromContainer('/tmp/later'));
    assert.match(archive, /^later\0[^]*later/);
  },
  'bind mounts, tmpfs, labels, environment, user, limits, entrypoint': async ({ GenericContainer }, directory) => {
    writeFileSync(join(directory, 'bound'), 'bound');
    await using started = await new GenericContainer('busybox')
      .withEntrypoint(['sleep'])
      .withCommand(['1000'])
      .withName('many-options')
      .withBindMounts([{ source: directory, target: '/bound', mode: 'ro' }])
      .withTmpFs({ '/scratch': 'rw,size=1m' })
      .withLabels({ part: 'options' })
      .withEnvironment({ GREETING: 'hello' })
      .withUser('nobody')
      .withWorkingDir('/tmp')
      .withUlimits({ nofile: { soft: 99, hard: 99 } })
      .withResourcesQuota({ memory: 0.1, cpu: 0.5 })
      .withSharedMemorySize(1 << 20)
      .withDroppedCapabilities('ALL')
      .withAddedCapabilities('CHOWN')
      .start();
    const run = async (script) => (await started.exec(['sh', '-c', script])).output.trim();
    assert.equal(started.getName(), '/many-options');
    assert.equal(started.getLabels().part, 'options');
    assert.equal(await run('cat /bound/bound; touch /bound/x 2>/dev/null || echo " read-only"'), 'bound read-only');
    assert.equal(await run('stat -f -c %T /scratch'), 'tmpfs');
    assert.equal(await run('echo $GREETING; id -un; pwd; ulimit -n'), 'hello\nnobody\n/tmp\n99');
  },
  'restart, stop with and without removal, start again': async ({
    GenericContainer,
    Wait,
    getContainerRuntimeClient,
  }) => {
    const runtime = await getContainerRuntimeClient();
    const started = await new GenericContainer('busybox')
      .withCommand(['sh', '-c', 'echo run >>/runs; cat /runs | wc -l; sleep 1000'])
      .withWaitStrategy(Wait.forLogMessage(/^\d+/))
      .start();
    await started.restart();
    assert.equal((await started.exec('cat /runs')).output, 'run\nrun\n');
    const stopped = await started.stop({ remove: false });
    assert.equal((await runtime.container.getById(started.getId()).inspect()).State.Running, false);
    assert.ok(stopped.getId() === started.getId());
    await runtime.container.getById(started.getId()).remove();
    const removed = await new GenericContainer('busybox').withCommand(['sleep', '1000']).start();
    await removed.stop();
    await assert.rejects(runtime.container.getById(removed.getId()).inspect(), { statusCode: 404 });
  },
  reuse: async ({ GenericContainer }) => {
    const build = () => new GenericContainer('busybox').withCommand(SERVE).withExposedPorts(8080).withReuse();
    const first = await build().start();
    const second = await build().start();
    assert.equal(first.getId(), second.getId());
    await second.stop();
  },
  commit: async ({ GenericContainer, getContainerRuntimeClient }) => {
    await using started = await new GenericContainer('busybox').withCommand(['sleep', '1000']).start();
    await started.exec(['sh', '-c', 'echo kept >/kept']);
    const id = await started.commit({ repo: 'committed', tag: '1', deleteOnExit: false });
    await using again = await new GenericContainer('committed:1').withCommand(['sleep', '1000']).start();
    assert.equal((await again.exec('cat /kept')).output, 'kept\n');
    assert.equal((await getContainerRuntimeClient()).info.containerRuntime.host, 'localhost');
    assert.match(id, /^(sha256:)?[0-9a-f]{64}$/);
  },
  'DockerComposeEnvironment, by the standalone docker-compose 1.29': async (
    { DockerComposeEnvironment, Wait },
    directory,
  ) => {
    const serve = JSON.stringify(SERVE);
    writeFileSync(
      join(directory, 'docker-compose.yml'),
      `version: "3.7"\nservices:\n  web:\n    image: busybox\n    command: ${serve}\n    ports: ["8080"]\n`,
    );
    await using environment = await new DockerComposeEnvironment(directory, 'docker-compose.yml')
      .withProjectName('composed')
      .withClientOptions({ executable: { standalone: true } })
      .withWaitStrategy('composed_web_1', Wait.forHttp('/', 8080))
      .up();
    // By its whole name: the client takes only the names of Compose 2 apart.
    const web = environment.getContainer('composed_web_1');
    assert.equal((await fetchText(web)).status, 200);
    await environment.down();
  },
  'an image that is not there': async ({ GenericContainer }) => {
    await assert.rejects(new GenericContainer('127.0.0.1:9/none:1').start(), /connection refused/);
  },
};

async function main(directory) {
  // It does not wait for the sockets of its logs.
  setInterval(() => {}, 60_000);
  const testcontainers = await import('testcontainers');
  for (const [name, body] of Object.entries(rows)) {
    let failure = null;
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error('did not end')), 60_000));
    const ended = body(testcontainers, directory);
    await Promise.race([ended, late]).catch((error) => (failure = String(error.stack ?? error)));
    process.stdout.write(`${JSON.stringify({ name, failure })}\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(process.argv[2]);
  process.exit();
}
