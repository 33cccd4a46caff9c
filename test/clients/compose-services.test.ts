/** docker-compose 1.29 and what a file says of its services: dependencies, volumes, restarts, limits, profiles. */
import assert from 'node:assert/strict';
import { scenarios } from '../compatibility/scenarios.ts';
import type { Daemon } from '../support/daemon.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { everything, project } from './compose-project.ts';

const prepare = async (host: Host): Promise<{ host: Host; daemon: Daemon }> => ({
  host,
  daemon: await host.startDaemon(),
});

scenarios({ client: 'docker-compose 1.29' }, prepare, {
  'recreate on a change keeps fixed addresses': async ({ host, daemon }) => {
    const file = `
services:
  web:
    image: busybox
    init: true
    command: httpd -f -p 80 -h /etc
    environment: { GENERATION: "1" }
    networks: { net: { ipv4_address: 10.66.0.7, ipv6_address: "fd66::7" } }
  client:
    image: busybox
    init: true
    command: sleep 1000
    networks: [net]
networks:
  net: { enable_ipv6: true, ipam: { config: [{ subnet: 10.66.0.0/24 }, { subnet: "fd66::/64" }] } }
`;
    const fixed = project(host, daemon, 'fixed', file);
    await fixed.ok('up', '-d');
    const before = await fixed.inspect('web', '{{.Id}}');
    const client = await fixed.inspect('client', '{{.Id}}');
    fixed.write(file.replace('GENERATION: "1"', 'GENERATION: "2"'));
    await fixed.ok('up', '-d');
    assert.notEqual(await fixed.inspect('web', '{{.Id}}'), before);
    assert.equal(await fixed.inspect('client', '{{.Id}}'), client);
    assert.equal(await fixed.sh('web', 'echo $GENERATION'), '2');
    const addresses = '{{with .NetworkSettings.Networks.fixed_net}}{{.IPAddress}} {{.GlobalIPv6Address}}{{end}}';
    assert.equal(await fixed.inspect('web', addresses), '10.66.0.7 fd66::7');
    assert.equal(await fixed.eventually('client', 'wget -qO- http://web/hostname'), await fixed.sh('web', 'hostname'));
    await fixed.ok('down', '-t', '5');
    assert.deepEqual(await everything(daemon), []);
  },

  'depends_on: service_started, service_healthy, service_completed_successfully': async ({ host, daemon }) => {
    const { ok, inspect } = project(
      host,
      daemon,
      'order',
      `
services:
  app:
    image: busybox
    init: true
    command: sleep 1000
    depends_on:
      db: { condition: service_healthy }
      migrate: { condition: service_completed_successfully }
      other: { condition: service_started }
  db:
    image: busybox
    init: true
    command: sh -c 'sleep 0.7; touch /ready; exec sleep 1000'
    healthcheck: { test: ["CMD", "test", "-e", "/ready"], interval: 300ms, timeout: 5s, retries: 30, start_period: 1s }
  migrate: { image: busybox, command: "sleep 0.5" }
  other: { image: busybox, init: true, command: sleep 1000 }
`,
    );
    await ok('up', '-d');
    assert.equal(await inspect('db', '{{.State.Health.Status}}'), 'healthy');
    assert.equal(await inspect('migrate', '{{.State.Status}} {{.State.ExitCode}}'), 'exited 0');
    const started = Date.parse(await inspect('app', '{{.State.StartedAt}}'));
    assert.ok(started >= Date.parse(await inspect('migrate', '{{.State.FinishedAt}}')));
    assert.match(await ok('ps'), /order_db_1 .* Up \(healthy\)/);
    await ok('down', '-t', '5');
    assert.deepEqual(await everything(daemon), []);
  },

  'named, external, anonymous and tmpfs volumes, binds': async ({ host, daemon }) => {
    const file = `
services:
  writer:
    image: busybox
    init: true
    command: sleep 1000
    environment: { GENERATION: "1" }
    volumes:
      - data:/data
      - kept:/kept
      - /anonymous
      - ./here:/here:ro
      - { type: volume, source: data, target: /again, read_only: true, volume: { nocopy: true } }
      - { type: tmpfs, target: /scratch, tmpfs: { size: 1000000 } }
    tmpfs: [/more]
volumes:
  data: { labels: { kind: test } }
  kept: { external: true }
`;
    const volumes = project(host, daemon, 'volumes', file);
    assert.match(
      (await volumes.compose('up', '-d')).stderr,
      /Volume kept declared as external, but could not be found/,
    );
    await daemon.dockerOk('volume', 'create', 'kept');
    await host.run('mkdir', '-p', `${volumes.directory}/here`);
    volumes.write('from the host\n', 'here/file');
    await volumes.ok('up', '-d');
    await volumes.sh('writer', 'echo 1 >/data/x; echo 2 >/kept/x; echo 3 >/anonymous/x');
    assert.equal(await volumes.sh('writer', 'cat /again/x /here/file'), '1\nfrom the host');
    assert.equal(await volumes.sh('writer', 'touch /again/y /here/y 2>/dev/null || echo refused'), 'refused');
    assert.equal(await volumes.sh('writer', 'grep -cE " (/scratch|/more) tmpfs " /proc/mounts'), '2');
    const labels = await daemon.dockerOk('volume', 'inspect', '-f', '{{json .Labels}}', 'volumes_data');
    assert.deepEqual(JSON.parse(labels), {
      kind: 'test',
      'com.docker.compose.project': 'volumes',
      'com.docker.compose.volume': 'data',
      'com.docker.compose.version': '1.29.2',
    });
    // A container made anew has its volumes back, also the one without a name.
    volumes.write(file.replace('GENERATION: "1"', 'GENERATION: "2"'));
    await volumes.ok('up', '-d');
    assert.equal(await volumes.sh('writer', 'cat /data/x /kept/x /anonymous/x; echo $GENERATION'), '1\n2\n3\n2');
    await volumes.ok('down', '-t', '5');
    assert.ok((await everything(daemon)).includes('volumes_data'));
    await volumes.ok('up', '-d');
    assert.equal(await volumes.sh('writer', 'cat /data/x /kept/x; ls /anonymous'), '1\n2');
    await volumes.ok('down', '-v', '-t', '5');
    assert.match((await volumes.compose('down', '-v')).stderr, /Volume kept is external, skipping/);
    await daemon.dockerOk('volume', 'rm', 'kept');
    // What `down` without -v left of the first container.
    await daemon.dockerOk('volume', 'prune', '-f');
    assert.deepEqual(await everything(daemon), []);
  },

  'restart policies, init, stop_grace_period, stop_signal': async ({ host, daemon }) => {
    const { ok, inspect } = project(
      host,
      daemon,
      'ends',
      `
services:
  failing: { image: busybox, command: "sh -c 'sleep 0.2; exit 3'", restart: "on-failure:2" }
  always: { image: busybox, init: true, command: sleep 1000, restart: always }
  stubborn:
    image: busybox
    command: sh -c 'trap "" TERM; trap "exit 9" USR1; while :; do sleep 0.1; done'
    stop_signal: SIGUSR1
    stop_grace_period: 20s
    restart: unless-stopped
`,
    );
    await ok('up', '-d');
    await until(async () => (await inspect('failing', '{{.State.Status}} {{.RestartCount}}')) === 'exited 2', 60_000);
    const pid = await inspect('always', '{{.State.Pid}}');
    await host.run('kill', '-9', pid);
    await until(
      async () => (await inspect('always', '{{.State.Running}} {{.RestartCount}}')) === 'true 1',
      30_000,
      'the restart of what always runs',
    );
    await ok('stop', 'stubborn');
    assert.equal(await inspect('stubborn', '{{.State.Status}} {{.State.ExitCode}}'), 'exited 9');
    await ok('down', '-t', '5');
    assert.deepEqual(await everything(daemon), []);
  },

  'environment, env_file, ulimits, limits, labels, user, read_only, capabilities': async ({ host, daemon }) => {
    const settings = project(
      host,
      daemon,
      'limits',
      `
services:
  app:
    image: busybox
    init: true
    command: sleep 1000
    env_file: [./some.env]
    environment: ["OWN=two words", "FROM_DOTENV=\${WORD}"]
    ulimits: { nofile: { soft: 500, hard: 1000 }, core: 0 }
    mem_limit: 64m
    cpus: 0.5
    pids_limit: 50
    shm_size: 1m
    labels: { one: "1", two.dots: "2" }
    user: "33:33"
    working_dir: /tmp
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    group_add: ["100"]
    stdin_open: true
    logging: { driver: json-file, options: { max-size: 1m } }
    deploy: { resources: { limits: { memory: 64M } } }
`,
    );
    settings.write('WORD=read\n', '.env');
    settings.write('# a comment\nGIVEN=by the file\n', 'some.env');
    await settings.ok('up', '-d');
    assert.equal(await settings.sh('app', 'echo $OWN,$FROM_DOTENV,$GIVEN'), 'two words,read,by the file');
    assert.equal(await settings.sh('app', 'ulimit -n; ulimit -Hn; ulimit -c'), '500\n1000\n0');
    assert.equal(await settings.sh('app', 'id -u; id -G; pwd'), '33\n33 100\n/tmp');
    assert.equal(await settings.sh('app', 'touch /x 2>/dev/null || echo refused'), 'refused');
    assert.match(
      await settings.sh('app', 'grep -E "CapEff|NoNewPrivs" /proc/1/status'),
      /CapEff:\s+0+\n(?:NoNewPrivs):\s+1/,
    );
    assert.equal(
      await settings.inspect('app', '{{with .HostConfig}}{{.Memory}} {{.NanoCpus}} {{.PidsLimit}} {{.ShmSize}}{{end}}'),
      '67108864 500000000 50 1048576',
    );
    assert.equal(await settings.inspect('app', '{{index .Config.Labels "two.dots"}}'), '2');
    await settings.ok('down', '-t', '5');
  },

  'container_name, devices, secrets, volumes_from, namespaces of other services, link-local addresses': async ({
    host,
    daemon,
  }) => {
    const { ok, write } = project(
      host,
      daemon,
      'rare',
      `
services:
  a:
    image: busybox
    platform: linux
    container_name: alone
    init: true
    command: sleep 1000
    ipc: shareable
    cpu_shares: 512
    oom_score_adj: 100
    devices: ["/dev/null:/dev/xnull"]
    device_cgroup_rules: ["c 1:3 rmw"]
    secrets: [mine]
    networks: { default: { priority: 10 }, second: { priority: 1000 } }
    volumes: ["d:/d"]
  b:
    image: busybox
    init: true
    command: sleep 1000
    ipc: service:a
    pid: service:a
    depends_on: [a]
    volumes_from: ["a:ro"]
    external_links: ["alone:ext"]
    networks: { second: { link_local_ips: [169.254.8.8] } }
networks: { default: { name: mynet }, second: { driver: bridge, attachable: true } }
volumes: { d: { driver: local, driver_opts: { type: tmpfs, device: tmpfs, o: "size=1m" } } }
secrets: { mine: { file: ./secret.txt } }
`,
    );
    write('hush\n', 'secret.txt');
    await ok('up', '-d');
    const run = async (container: string, line: string): Promise<string> =>
      daemon.dockerOk('exec', container, 'sh', '-c', line);
    assert.equal(await run('alone', 'cat /run/secrets/mine; test -c /dev/xnull && echo device'), 'hush\ndevice');
    assert.match(await run('alone', 'grep " /d " /proc/mounts'), /^tmpfs \/d tmpfs rw,.*size=1024k/);
    assert.match(await run('rare_b_1', 'grep " /d " /proc/mounts'), /^tmpfs \/d tmpfs ro,/);
    for (const kind of ['ipc', 'pid']) {
      const link = `readlink /proc/self/ns/${kind}`;
      assert.equal(await run('rare_b_1', link), await run('alone', link), kind);
    }
    assert.match(
      await run('rare_b_1', 'nslookup -type=a ext. | tail -n +3; ip addr'),
      /Address: 172[^]*inet 169\.254\.8\.8/,
    );
    const names = '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}';
    assert.equal(await daemon.dockerOk('inspect', '-f', names, 'alone'), 'mynet rare_second ');
    await ok('down', '-v', '-t', '5');
    assert.deepEqual(await everything(daemon), []);
  },

  'profiles, several files, -p': async ({ host, daemon }) => {
    const { ok, write, compose } = project(
      host,
      daemon,
      'profiles',
      `
services:
  app: { image: busybox, init: true, command: sleep 1000 }
  debug: { image: busybox, init: true, command: sleep 1000, profiles: [debug] }
`,
    );
    write('services: { app: { environment: { A: override } } }\n', 'docker-compose.override.yml');
    write('services: { app: { environment: { A: third } } }\n', 'third.yml');
    const names = async (): Promise<string[]> => everything(daemon);
    await ok('up', '-d');
    assert.deepEqual(await names(), ['profiles_app_1', 'profiles_default']);
    assert.equal((await compose('exec', '-T', 'app', 'sh', '-c', 'echo $A')).stdout, 'override\n');
    await ok('--profile', 'debug', 'up', '-d');
    assert.deepEqual(await names(), ['profiles_app_1', 'profiles_debug_1', 'profiles_default']);
    await ok('--profile', 'debug', 'down', '-t', '5');
    const other = ['-p', 'named', '-f', 'docker-compose.yml', '-f', 'third.yml'];
    await ok(...other, 'up', '-d');
    assert.equal((await compose(...other, 'exec', '-T', 'app', 'sh', '-c', 'echo $A')).stdout, 'third\n');
    assert.deepEqual(await names(), ['named_app_1', 'named_default']);
    await ok(...other, 'down', '-t', '5');
    assert.deepEqual(await names(), []);
  },
});
