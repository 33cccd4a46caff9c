/**
 * Bad input: what the client says, its exit code, and that nothing came of it. Each line runs with the stock docker CLI
 * and with berth; the daemon's part of the message must be the same.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { hostTest } from '../support/host.ts';

interface Refusal {
  args: string[];
  code: number;
  says: RegExp;
  /** The stock client refuses this by itself, in words of its own. */
  ownWords?: RegExp;
}

const REFUSALS: readonly Refusal[] = [
  { args: ['run', '--rm', 'busybox', 'nope'], code: 127, says: /exec: "nope": executable file not found in \$PATH/ },
  { args: ['run', '--rm', 'busybox', '/etc/passwd'], code: 126, says: /permission denied/ },
  { args: ['run', '--rm', '--network', 'nonesuch', 'busybox', 'true'], code: 125, says: /network nonesuch not found/ },
  {
    args: ['run', '--rm', '--network', 'container:nonesuch', 'busybox', 'true'],
    code: 125,
    says: /No such container: nonesuch/i,
  },
  {
    args: ['run', '--rm', '--network', 'container:idle', 'busybox', 'true'],
    code: 125,
    says: /cannot join network namespace of a non running container: container idle is created/,
  },
  {
    args: ['run', '--rm', '--network', 'container:up', '-h', 'x', 'busybox'],
    code: 125,
    says: /conflicting options: hostname and the network mode/,
  },
  {
    args: ['run', '--rm', '--network', 'container:up', '--dns', '192.0.2.1', 'busybox'],
    code: 125,
    says: /conflicting options: dns and the network mode/,
  },
  {
    args: ['run', '--rm', '--network', 'container:up', '--add-host', 'a:192.0.2.1', 'busybox'],
    code: 125,
    says: /conflicting options: custom host-to-IP mapping and the network mode/,
  },
  {
    args: ['run', '--rm', '--network', 'container:up', '-p', '80:80', 'busybox'],
    code: 125,
    says: /conflicting options: port publishing and the container type network mode/,
  },
  {
    args: ['run', '--rm', '--network', 'container:up', '--mac-address', '02:42:ac:11:00:99', 'busybox'],
    code: 125,
    says: /conflicting options: mac-address and the network mode|conflicting options: cannot attach both user-defined/,
  },
  {
    args: ['run', '--rm', '--name', 'up', 'busybox'],
    code: 125,
    says: /The container name "\/up" is already in use by container/,
  },
  {
    args: ['run', '--rm', '--name', 'a b', 'busybox'],
    code: 125,
    says: /Invalid container name \(a b\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\]\* are allowed|only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\] are allowed/,
  },
  { args: ['run', '--rm', 'UPPER', 'true'], code: 125, says: /repository name .*must be lowercase/ },
  {
    args: ['run', '--rm', '--memory', '1m', 'busybox', 'true'],
    code: 125,
    says: /Minimum memory limit allowed is 6MB/i,
  },
  { args: ['run', '--rm', '--cpus', '1000', 'busybox', 'true'], code: 125, says: /Range of CPUs is from 0\.01 to/i },
  {
    args: ['run', '--rm', '--cap-add', 'FLY', 'busybox', 'true'],
    code: 125,
    says: /invalid CapAdd: unknown capability: "CAP_FLY"/,
  },
  { args: ['run', '--rm', '-v', 'relative/path:/x:zz', 'busybox'], code: 125, says: /invalid/ },
  {
    args: ['run', '--rm', '--mount', 'type=bind,src=/nonesuch,dst=/x', 'busybox'],
    code: 125,
    says: /invalid mount config for type "bind": bind source path does not exist: \/nonesuch/,
  },
  {
    args: ['run', '--rm', '-w', 'relative', 'busybox', 'true'],
    code: 125,
    says: /the working directory 'relative' is invalid, it needs to be an absolute path/,
  },
  { args: ['run', '--rm', '-u', 'nonesuch', 'busybox', 'true'], code: 125, says: /unable to find user nonesuch/ },
  {
    args: ['run', '--rm', '--sysctl', 'kernel.panic=1', 'busybox', 'true'],
    code: 125,
    says: /sysctl 'kernel\.panic=1' is not (?:allowed|whitelisted)/,
  },
  {
    args: ['run', '--rm', '--security-opt', 'nonesuch=1', 'busybox', 'true'],
    code: 125,
    says: /invalid --security-opt|Invalid --security-opt/,
  },
  { args: ['run', '--restart', 'sometimes', 'busybox', 'true'], code: 125, says: /invalid restart policy/ },
  { args: ['run', '--nonesuch', 'busybox'], code: 125, says: /unknown flag: --nonesuch/ },
  {
    args: ['run', '--rm', '--memory', 'much', 'busybox'],
    code: 125,
    says: /invalid argument "much" for "-m, --memory" flag: invalid size: 'much'/,
  },
  { args: ['run'], code: 1, says: /requires at least 1 argument/ },
  { args: ['start', 'nonesuch'], code: 1, says: /No such container: nonesuch/ },
  { args: ['stop', 'nonesuch'], code: 1, says: /No such container: nonesuch/ },
  { args: ['kill', 'idle'], code: 1, says: /container .* is not running/ },
  { args: ['kill', '-s', 'NOPE', 'up'], code: 1, says: /invalid signal: NOPE/i },
  {
    args: ['rm', 'up'],
    code: 1,
    says: /cannot remove container "\/?up": container is running: stop the container before removing or force remove|You cannot remove a running container/,
  },
  { args: ['rename', 'up', 'idle'], code: 1, says: /name "\/idle" is already in use/ },
  { args: ['exec', 'idle', 'true'], code: 1, says: /container .* is not running/ },
  { args: ['exec', 'up', 'nope'], code: 127, says: /executable file not found in \$PATH/ },
  { args: ['exec', '-w', '/nonesuch/dir', 'up', 'true'], code: 126, says: /chdir|no such file or directory/ },
  { args: ['logs', 'nonesuch'], code: 1, says: /No such container: nonesuch/ },
  { args: ['rmi', 'nonesuch'], code: 1, says: /No such image: nonesuch/ },
  {
    args: ['rmi', 'busybox'],
    code: 1,
    says: /conflict: unable to remove repository reference "busybox" \(must force\) - container \w+ is using its referenced image \w+/,
  },
  { args: ['tag', 'nonesuch', 'x'], code: 1, says: /No such image: nonesuch/ },
  { args: ['network', 'rm', 'bridge'], code: 1, says: /bridge is a pre-defined network and cannot be removed/ },
  { args: ['network', 'inspect', 'nonesuch'], code: 1, says: /network nonesuch not found|No such network: nonesuch/ },
  { args: ['ps', '--filter', 'nonesuch=1'], code: 1, says: /invalid filter 'nonesuch'/ },
  { args: ['ps', '--format', '{{.Nope'], code: 1, says: /template/, ownWords: /template/ },
  { args: ['inspect', 'nonesuch'], code: 1, says: /no such object: nonesuch/i },
];

const SHARED =
  /container sharing network namespace with another container or host cannot be connected to any other network/;
const PRIVATE = /container cannot be connected to multiple networks with one of the networks in private \(none\) mode/;

/**
 * With networks 'front' (a subnet of the pool) and 'back' (10.9.0.0/24), containers 'web' (runs on front, publishes 8080),
 * 'db' (runs on back with 10.9.0.7), 'idle' (never started, default bridge) and 'bare' (runs on the host's).
 */
const ON_NETWORKS: readonly Refusal[] = [
  { args: ['network', 'connect', 'nonesuch', 'web'], code: 1, says: /network nonesuch not found/ },
  { args: ['network', 'connect', 'nonesuch', 'idle'], code: 1, says: /network nonesuch not found/ },
  { args: ['network', 'connect', 'front', 'gone'], code: 1, says: /No such container: gone/ },
  {
    args: ['network', 'connect', 'front', 'web'],
    code: 1,
    says: /endpoint with name web already exists in network front/,
  },
  {
    args: ['network', 'connect', 'host', 'web'],
    code: 1,
    says: /cannot connect container to host network - container must be created in host network mode/,
  },
  { args: ['network', 'connect', 'none', 'web'], code: 1, says: PRIVATE },
  { args: ['network', 'connect', 'none', 'idle'], code: 1, says: PRIVATE },
  { args: ['network', 'connect', 'back', 'bare'], code: 1, says: SHARED },
  ...['db', 'idle'].map((name): Refusal => ({
    args: ['network', 'connect', '--ip', '172.18.0.9', 'front', name],
    code: 1,
    says: /invalid endpoint settings:\n.*user specified IP address is supported only when connecting to networks with user configured subnets/,
  })),
  ...['web', 'idle'].map((name): Refusal => ({
    args: ['network', 'connect', '--ip', '10.8.0.9', 'back', name],
    code: 1,
    says: /no configured subnet or ip-range contain the IP address 10\.8\.0\.9/,
  })),
  { args: ['network', 'connect', '--ip', '10.9.0.7', 'back', 'web'], code: 1, says: /Address already in use/ },
  { args: ['network', 'connect', '--ip', 'x', 'back', 'web'], code: 1, says: /invalid IPv4 address: x/ },
  { args: ['network', 'connect', '--ip6', '10.9.0.8', 'back', 'web'], code: 1, says: /invalid IPv6 address: 10/ },
  {
    args: ['network', 'connect', '--link-local-ip', 'x', 'back', 'web'],
    code: 1,
    says: /invalid link-local IP address: x/,
  },
  {
    args: ['network', 'connect', '--alias', 'a', 'bridge', 'web'],
    code: 1,
    says: /network-scoped alias is supported only for containers in user defined networks/,
  },
  {
    args: ['network', 'connect', '--ip', '172.17.0.9', 'bridge', 'web'],
    code: 1,
    says: /user specified IP address is supported on user defined networks only/,
  },
  {
    args: ['network', 'connect', '--driver-opt', 'com.docker.network.endpoint.sysctls=net.x=1', 'back', 'web'],
    code: 1,
    says: /unrecognised network interface sysctl 'net\.x=1'/,
  },
  { args: ['network', 'disconnect', 'nonesuch', 'web'], code: 1, says: /network nonesuch not found/ },
  {
    args: ['network', 'disconnect', 'back', 'web'],
    code: 1,
    says: /container [0-9a-f]{64} is not connected to network back/,
  },
  {
    args: ['network', 'disconnect', 'back', 'idle'],
    code: 1,
    says: /container [0-9a-f]{64} is not connected to the network back/,
  },
  { args: ['network', 'disconnect', '-f', 'back', 'web'], code: 1, says: /endpoint web not found/ },
  {
    args: ['network', 'disconnect', 'host', 'bare'],
    code: 1,
    says: /cannot disconnect container from host network - container was created in host network mode/,
  },
  {
    args: ['run', '--rm', '--network', 'nonesuch', 'busybox'],
    code: 125,
    says: /failed to set up container networking: network nonesuch not found/,
  },
  {
    args: ['run', '--rm', '--network', 'back', '--network', 'nonesuch', 'busybox'],
    code: 125,
    says: /failed to set up container networking: network nonesuch not found/,
  },
  {
    args: ['run', '--rm', '--network', 'front', '--ip', '172.18.0.9', 'busybox'],
    code: 125,
    says: /invalid config for network front: invalid endpoint settings:\nuser specified IP address is supported only when/,
  },
  {
    args: ['run', '--rm', '--network', 'back', '--ip', '10.9.0.7', 'busybox'],
    code: 125,
    says: /failed to set up container networking: Address already in use/,
  },
  {
    args: ['run', '--rm', '-p', '8080:80', 'busybox'],
    code: 125,
    says: /failed to set up container networking: .*Bind for 0\.0\.0\.0:8080 failed: port is already allocated.*web/,
  },
  {
    args: ['run', '--rm', '--network', 'front', '--network-alias', 'a b', 'busybox'],
    code: 125,
    says: /invalid network-scoped alias: "a b"/,
  },
  {
    args: ['run', '--rm', '--link', 'gone', 'busybox'],
    code: 125,
    says: /could not get container for gone: No such container: gone/,
  },
  {
    args: ['run', '--rm', '--name', 'parent', '--link', 'idle:x', 'busybox'],
    code: 125,
    says: /Cannot link to a non running container: \/idle AS \/parent\/x/,
  },
  {
    args: ['run', '--rm', '--link', 'web', 'busybox'],
    code: 125,
    says: /container [0-9a-f]{64} not attached to default bridge network/,
  },
  {
    args: ['run', '--rm', '--link', 'bare', 'busybox'],
    code: 125,
    says: /host type networking can't be used with links/,
  },
  { args: ['network', 'create', 'bridge'], code: 1, says: /operation is not permitted on predefined bridge network/ },
  { args: ['network', 'create', 'front'], code: 1, says: /network with name front already exists/ },
  {
    args: ['network', 'create', '--subnet', '172.17.16.0/24', 'x'],
    code: 1,
    says: /Pool overlaps with other one on this address space.*network bridge.*is free/,
  },
  {
    args: ['network', 'rm', 'front'],
    code: 1,
    says: /error while removing network: network front has active endpoints \(name:"web" id:"[0-9a-f]{12}"\)/,
  },
];

hostTest('what networks do not allow is refused in Docker’s words, and nothing changes', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk, berth } = daemon;
  await dockerOk('network', 'create', 'front');
  await dockerOk('network', 'create', '--subnet', '10.9.0.0/24', 'back');
  await dockerOk('run', '-d', '--name', 'web', '--network', 'front', '-p', '8080:80', 'busybox', 'sleep', '1000');
  await dockerOk('run', '-d', '--name', 'db', '--network', 'back', '--ip', '10.9.0.7', 'busybox', 'sleep', '1000');
  await dockerOk('run', '-d', '--name', 'bare', '--network', 'host', 'busybox', 'sleep', '1000');
  await dockerOk('create', '--name', 'idle', 'busybox');
  const snapshot = async (): Promise<string> =>
    [
      await dockerOk('ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.Names}} {{.State}} {{.Ports}} {{.Networks}}'),
      await dockerOk('inspect', '-f', '{{json .NetworkSettings}}', 'web', 'db', 'idle', 'bare'),
      await dockerOk('network', 'inspect', 'bridge', 'front', 'back', 'host', 'none'),
      await host.run('nft', 'list', 'ruleset'),
    ].join('\n');
  const before = await snapshot();
  const failures: string[] = [];
  const own: readonly Refusal[] = [
    {
      args: ['port', 'db', '--add', '8080:80'],
      code: 1,
      says: /Bind for 0\.0\.0\.0:8080 failed: port is already allo/,
    },
    { args: ['port', 'web', '--rm', '81'], code: 1, says: /No public port '81\/tcp' published for web/ },
    { args: ['port', 'web', '--rm', '8080:80', '--add', '8080:80/sctp2'], code: 125, says: /invalid proto: sctp2/ },
    {
      args: ['port', 'bare', '--add', '80'],
      code: 1,
      says: /conflicting options: port publishing and the host network/,
    },
  ];
  for (const { args, code, says } of [...ON_NETWORKS, ...own]) {
    for (const client of own.some((each) => each.args === args) ? [berth] : [daemon.docker, berth]) {
      const { code: ended, stderr } = await client(...args);
      const name = client === berth ? 'berth' : 'docker';
      if (ended !== code || !says.test(stderr)) failures.push(`${name} ${args.join(' ')}: exit ${ended}\n   ${stderr}`);
    }
  }
  assert.deepEqual(failures, []);
  assert.equal(await snapshot(), before, 'nothing came of it');
});

hostTest('bad input is refused with a clear message and leaves nothing', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk('run', '-d', '--name', 'up', 'busybox', 'sleep', '1000');
  await daemon.dockerOk('create', '--name', 'idle', 'busybox');
  const before = await daemon.dockerOk('ps', '-aq');
  const directories = (): string[] => readdirSync(`${daemon.dataRoot}/containers`).toSorted();
  const directoriesBefore = directories();
  const failures: string[] = [];
  for (const { args, code, says, ownWords } of REFUSALS) {
    for (const [name, client] of [
      ['docker', daemon.docker],
      ['berth', daemon.berth],
    ] as const) {
      const result = await client(...args);
      const text = result.stderr + result.stdout;
      const expected = name === 'docker' && ownWords ? ownWords : says;
      if (result.code !== code || !expected.test(text))
        failures.push(`${name} ${args.join(' ')}: exit ${result.code} (wanted ${code})\n   ${text.trim()}`);
    }
  }
  assert.deepEqual(failures, []);
  assert.equal(await daemon.dockerOk('ps', '-aq'), before, 'no container came of it');
  assert.deepEqual(directories(), directoriesBefore, 'no directory came of it');
});

hostTest('malformed requests get their status and a message', {}, async (host) => {
  const daemon = await host.startDaemon();
  const cases: [method: string, path: string, body: unknown, status: number, says: RegExp][] = [
    ['GET', '/nonesuch', undefined, 404, /page not found/],
    ['GET', '/v1.99/version', undefined, 400, /client version 1\.99 is too new/],
    ['GET', '/v1.3/version', undefined, 400, /client version 1\.3 is too old/],
    ['POST', '/containers/create', { Image: 7 }, 400, /Image/],
    ['POST', '/containers/create', {}, 400, /image|config/i],
    ['POST', '/containers/create', { Image: 'busybox', HostConfig: { Memory: 'x' } }, 400, /Memory/],
    ['POST', '/containers/create?name=../x', { Image: 'busybox' }, 400, /Invalid container name/],
    ['POST', '/containers/create', { Image: 'nonesuch' }, 404, /No such image: nonesuch:latest/],
    ['POST', '/containers/nonesuch/start', undefined, 404, /No such container: nonesuch/],
    ['GET', '/containers/json?filters={', undefined, 400, /filter|JSON|invalid/i],
    ['GET', '/containers/json?limit=x', undefined, 400, /./],
    ['DELETE', '/networks/host', undefined, 403, /pre-defined network/],
    ['GET', '/swarm', undefined, 503, /not a swarm manager/],
    ['GET', '/plugins', undefined, 200, /^\[\]$/],
    ['POST', '/build', undefined, 501, /buildah/i],
  ];
  const failures: string[] = [];
  for (const [method, path, body, status, says] of cases) {
    const answer = await daemon.api(method, path, body);
    const text = JSON.stringify(answer.body);
    if (answer.status !== status || !says.test(text))
      failures.push(`${method} ${path}: ${answer.status} (wanted ${status}) ${text}`);
  }
  assert.deepEqual(failures, []);
});
