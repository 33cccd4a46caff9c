/**
 * The stock docker CLI as the judge: it gets the same flags as berth, against a stand-in for the daemon, and the bodies
 * of `POST /containers/create` must say the same. What differs on purpose is named below.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { createBody } from './body.ts';
import { runValues } from './testing.ts';
import { noJudge } from '../../../test/support/stock-client.ts';

interface Answer {
  body: Record<string, unknown> | undefined;
  stderr: string;
}

const directory = mkdtempSync('/tmp/b-stock-');
const socket = `${directory}/s`;
writeFileSync(`${directory}/env`, '# comment\nA=1\nHOME\n\n  B= 2 \nUNSET_ANYWHERE\n');
writeFileSync(`${directory}/labels`, 'l1=x\nl2\n');
writeFileSync(`${directory}/seccomp.json`, '{ "defaultAction": "SCMP_ACT_ALLOW" }');

async function text(request: IncomingMessage): Promise<string> {
  let all = '';
  for await (const part of request) all += String(part);
  return all;
}

async function docker(args: readonly string[]): Promise<Answer> {
  let body: Record<string, unknown> | undefined;
  const server = createServer((request, response) => {
    void (async () => {
      const sent = await text(request);
      response.setHeader('Api-Version', '1.50');
      response.setHeader('Ostype', 'linux');
      response.setHeader('Content-Type', 'application/json');
      if (request.url?.includes('/containers/create')) {
        body = JSON.parse(sent) as Record<string, unknown>;
        response.statusCode = 400;
        return response.end('{"message":"seen"}');
      }
      response.end(request.url?.endsWith('/_ping') ? 'OK' : '{"OSType":"linux","ServerVersion":"29"}');
    })();
  });
  await new Promise<void>((done) => server.listen(socket, done));
  const env = { PATH: process.env['PATH'], HOME: '/root', DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: directory };
  const stderr = await new Promise<string>((done) => {
    execFile('docker', ['run', ...args], { env, cwd: directory }, (_, __, said) => done(said));
  });
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  return { body, stderr };
}

function berth(args: readonly string[]): Answer {
  const { values, args: words } = runValues(args);
  try {
    const { body } = createBody(values, words, {
      env: { HOME: '/root' },
      read: (path) => {
        try {
          return readFileSync(resolve(directory, path), 'utf8');
        } catch (error) {
          throw new Error(`open ${path}: no such file or directory`, { cause: error });
        }
      },
      absolute: (path) => resolve(directory, path),
      size: [0, 0],
    });
    return { body, stderr: '' };
  } catch (error) {
    return { body: undefined, stderr: (error as Error).message };
  }
}

/** Empty values say nothing; what is left are the statements. */
function statements(value: unknown, path = ''): string[] {
  if (value === null || value === undefined || value === '' || value === 0 || value === false) return [];
  if (Array.isArray(value) && path === 'HostConfig.ConsoleSize') return [];
  if (typeof value === 'object') {
    const entries = Object.entries(value);
    // The stock client keeps these two in maps of Go, whose order is random.
    const unordered = path === 'Env' || path === 'HostConfig.Binds';
    const inner = entries.flatMap(([key, entry]) =>
      statements(entry, path === '' ? key : `${path}.${unordered ? '*' : key}`),
    );
    // An empty object below a map of names does say something: that the name is there.
    return inner.length > 0 || !/ExposedPorts\.|Volumes\.|EndpointsConfig\./.test(path) ? inner : [path];
  }
  return [`${path} = ${JSON.stringify(value)}`];
}

/** The deprecated twin of EndpointsConfig's address, the daemon's to derive; both mean -1 where nothing was said. */
const IGNORED = /^(MacAddress|HostConfig\.MemorySwappiness|HostConfig\.RestartPolicy\.Name) = /;
const said = (body: Record<string, unknown> | undefined): string[] =>
  statements(body)
    .filter((line) => !IGNORED.test(line))
    .toSorted();

const GOOD: readonly string[][] = [
  ['busybox'],
  ['-i', '-e', 'A=b', '-e', 'HOME', '-e', 'UNSET_ANYWHERE', '--env-file', 'env', 'busybox', 'sh', '-c', 'echo $A'],
  ['-a', 'stdout', '--attach', 'STDERR', 'busybox'],
  ['-i', '-a', 'stdin', '-a', 'stdout', 'busybox'],
  ['-l', 'a=b', '-l', 'c', '--label-file', 'labels', '--annotation', 'x=y', 'busybox'],
  ['-p', '80', '-p', '8080:80', '-p', '127.0.0.1:8443:443', '-p', '53:53/udp', '-p', '[::1]:81:81', 'busybox'],
  ['-p', '8000-8002:9000-9002', '-p', '7000-7005:70', '-p', '127.0.0.1::22', '-p', '100-101', 'busybox'],
  ['-p', 'target=80,published=8080,protocol=udp', '--expose', '90', '--expose', '91-93/udp', '-P', 'busybox'],
  ['-v', '/a:/b', '-v', '/c', '-v', 'name:/d:ro', '-v', './rel:/e', '-v', '../x:/f:z', 'busybox'],
  ['--tmpfs', '/run:rw,size=64k', '--tmpfs', '/tmp', 'busybox'],
  ['--mount', 'type=bind,source=/a,target=/b,readonly', 'busybox'],
  ['--mount', 'type=bind,src=/a,dst=/b,bind-propagation=rslave,ro=false', 'busybox'],
  ['--mount', 'type=tmpfs,dst=/b,tmpfs-size=1m,tmpfs-mode=1770', '--mount', '"type=bind","src=/a,b",dst=/c', 'busybox'],
  ['--mount', 'src=v,dst=/v,volume-nocopy,volume-label=a=b,volume-driver=local,volume-opt=o=1', 'busybox'],
  ['--network', 'host', 'busybox'],
  ['--network', 'bridge', 'busybox'],
  ['--network', 'default', '-h', 'x', 'busybox'],
  ['--network', 'container:abc', '--mac-address', '02:42:ac:11:00:09', 'busybox'],
  ['--network', 'none', '--ip', '10.0.0.2', 'busybox'],
  ['--mount', 'type=bind,dst=/b,bind-propagation=foo,bind-nonrecursive', 'busybox'],
  ['--cap-add', 'net_admin', '--cap-add', 'CAP_SYS_TIME', '--cap-drop', 'all', '--cap-add', 'net_admin', 'busybox'],
  ['--net', 'none', 'busybox'],
  ['--network', 'container:abc', 'busybox'],
  ['--network', 'n1', '--ip', '10.0.0.2', '--ip6', 'fd00::2', '--network-alias', 'x', '--link', 'a:b', 'busybox'],
  ['--network', 'name=n1,ip6=fd00::9,mac-address=02:42:ac:11:00:09,link-local-ip=169.254.1.2', 'busybox'],
  ['--network', 'n1', '--network', 'n2', '--ip', '10.0.0.3', '--mac-address', '02:42:ac:11:00:09', 'busybox'],
  ['--network', 'n1', '--network', 'name=n2,ip=10.0.0.4,gw-priority=-3', '--network-alias', 'a', 'busybox'],
  ['--network', 'n1', '--link', 'a', '--link', 'b:c', 'busybox'],
  ['--link', 'a:b', '--link', 'c', 'busybox'],
  ['--network', 'name=n1,driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.ifname.rp_filter=1', 'busybox'],
  ['--network', 'name=n1,"driver-opt=com.docker.network.endpoint.sysctls=a=1,b=2",driver-opt=C=d', 'busybox'],
  ['--network', 'n1', '--link-local-ip', '169.254.1.1', 'busybox'],
  ['--net', 'n1', '--net-alias', 'x', 'busybox'],
  ['--network', 'NAME=n1,Alias=a', 'busybox'],
  [
    '-p',
    '80:80/sctp',
    '-p',
    '0.0.0.0:80:81',
    '-p',
    ':82:82',
    '-p',
    '[fd00::1]::83',
    '-p',
    '8080-8090:84/udp',
    'busybox',
  ],
  ['-p', '127.0.0.1:8000-8002:9000-9002/udp', '-p', '80', '-p', '80', '-p', '81:80', 'busybox'],
  ['--network', 'host', '-p', '80:80', 'busybox'],
  ['--network', 'name=n1,alias=a,alias=b,ip=10.0.0.3,driver-opt=k=v,gw-priority=3', '--network', 'n2', 'busybox'],
  ['--mac-address', '02:42:ac:11:00:09', '--link-local-ip', '169.254.1.2', 'busybox'],
  [
    '-m',
    '512m',
    '--memory-reservation',
    '256m',
    '--memory-swap',
    '-1',
    '--shm-size',
    '1.5g',
    '--cpus',
    '1.5',
    'busybox',
  ],
  ['--memory-swap', '1g', '-c', '512', '--cpu-period', '1000', '--cpu-quota', '500', '--cpuset-cpus', '0-1', 'busybox'],
  ['--pids-limit', '-1', '--oom-kill-disable', '--oom-score-adj', '-5', '--memory-swappiness', '10', 'busybox'],
  ['--ulimit', 'nofile=5:10', '--ulimit', 'core=-1', '--ulimit', 'nproc=7', 'busybox'],
  ['--blkio-weight', '300', '--blkio-weight-device', '/dev/vda:200', '--device-cgroup-rule', 'c 10:* rw', 'busybox'],
  [
    '--device-read-bps',
    '/dev/vda:1mb',
    '--device-write-bps',
    '/dev/vda:5',
    '--device-read-iops',
    '/dev/a:7',
    'busybox',
  ],
  ['--device-write-iops', '/dev/vda:1000', '--cpu-rt-period', '1000', '--cpu-rt-runtime', '500', 'busybox'],
  ['--sysctl', 'net.ipv4.ip_forward=1', '--sysctl', 'kernel.msgmax=2', 'busybox'],
  [
    '--device',
    '/dev/null',
    '--device',
    '/dev/zero:/dev/x:r',
    '--device',
    '/dev/full:rw',
    '--device',
    '/dev/a:/dev/b',
    'busybox',
  ],
  ['--add-host', 'a:192.0.2.1', '--add-host', 'b=192.0.2.2', '--add-host', 'c=[::1]', '--add-host', 'd:::1', 'busybox'],
  [
    '--add-host',
    'h=host-gateway',
    '--dns',
    '192.0.2.53',
    '--dns-search',
    'a.b',
    '--dns-option',
    'x',
    '--dns-opt',
    'y',
    'busybox',
  ],
  [
    '--health-cmd',
    'true',
    '--health-interval',
    '1m30s',
    '--health-retries',
    '2',
    '--health-timeout',
    '500ms',
    'busybox',
  ],
  ['--no-healthcheck', '--init', '--rm', '--read-only', '--privileged', 'busybox'],
  ['--init=false', '--restart', 'on-failure:3', '--restart', 'always', 'busybox'],
  ['--restart', 'on-failure:5', '--stop-signal', 'INT', '--stop-timeout', '7', '--entrypoint', '', 'busybox', 'x'],
  ['--entrypoint', '/bin/sh', '-w', '/x', '-u', '1:2', '-h', 'host', '--domainname', 'd', 'busybox', '-c', 'ls'],
  [
    '--security-opt',
    'no-new-privileges',
    '--security-opt',
    'seccomp=seccomp.json',
    '--security-opt',
    'label=disable',
    'busybox',
  ],
  ['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor:x', 'busybox'],
  ['--security-opt', 'systempaths=unconfined', 'busybox'],
  ['--log-driver', 'json-file', '--log-opt', 'max-size=1m', '--log-opt', 'x', 'busybox'],
  [
    '--pid',
    'host',
    '--uts',
    'host',
    '--ipc',
    'private',
    '--cgroupns',
    'private',
    '--userns',
    'host',
    '--runtime',
    'r',
    'busybox',
  ],
  ['--group-add', 'x', '--volumes-from', 'a:ro', '--volume-driver', 'local', '--cgroup-parent', '/p', 'busybox'],
];

/** Both must refuse, berth in docker's own words. */
const BAD: readonly string[][] = [
  ['-p', '99999:80', 'b'],
  ['-p', '80-81:80-83', 'b'],
  ['-p', '1.2.3:80:80', 'b'],
  ['-p', '80:80/foo', 'b'],
  ['-p', '80:', 'b'],
  ['-p', '', 'b'],
  ['-p', '[::1:80:80', 'b'],
  ['-p', 'x:y:z', 'b'],
  ['-p', '80:x', 'b'],
  ['--expose', 'foo', 'b'],
  ['--expose', '90-80', 'b'],
  ['-e', '', 'b'],
  ['--env-file', '/nope', 'b'],
  ['-l', '', 'b'],
  ['--label-file', '/nope', 'b'],
  ['--add-host', 'foo', 'b'],
  ['--add-host', 'a:xyz', 'b'],
  ['--dns', 'foo', 'b'],
  ['--link', 'a:b:c', 'b'],
  ['--mac-address', 'zz', 'b'],
  ['--ulimit', 'x', 'b'],
  ['--ulimit', 'nofile=5:1', 'b'],
  ['--ulimit', 'foo=1', 'b'],
  ['--ulimit', 'nofile=x', 'b'],
  ['--device', 'a:b:c:d', 'b'],
  ['--device-cgroup-rule', 'x', 'b'],
  ['--blkio-weight', 'x', 'b'],
  ['--blkio-weight-device', '/dev/vda:5', 'b'],
  ['--blkio-weight-device', 'vda', 'b'],
  ['--device-read-bps', '/dev/vda', 'b'],
  ['--device-read-bps', '/vda:1', 'b'],
  ['--device-read-bps', '/dev/vda:much', 'b'],
  ['--device-write-iops', '/dev/vda:1mb', 'b'],
  ['--cpus', '0.0000000001', 'b'],
  ['--cpus', 'x', 'b'],
  ['-m', 'much', 'b'],
  ['--memory-swap', 'x', 'b'],
  ['--shm-size', 'x', 'b'],
  ['--sysctl', 'foo', 'b'],
  ['--sysctl', 'kernel.panic=1', 'b'],
  ['-a', 'foo', 'b'],
  ['--mount', 'type=bind', 'b'],
  ['--mount', 'foo', 'b'],
  ['--mount', 'type=bind,src=/a,dst=/b,foo=1', 'b'],
  ['--mount', 'type=bind,dst=/b,readonly=maybe', 'b'],
  ['--mount', 'type=tmpfs,dst=/b,tmpfs-size=x', 'b'],
  ['--mount', 'type=tmpfs,dst=/b,bind-propagation=shared', 'b'],
  ['--network', 'name=x,foo=1', 'b'],
  ['--network', '', 'b'],
  ['--network', 'a', '--network', 'a', 'b'],
  ['--network', 'host', '--network', 'x', 'b'],
  ['--network', 'x', '--network', 'bridge', 'b'],
  ['--network', 'name=n1,alias=a', '--network-alias', 'b', 'b'],
  ['--network', 'name=n1,ip=10.0.0.2', '--ip', '10.0.0.3', 'b'],
  ['--network', 'name=n1,ip6=fd00::2', '--ip6', 'fd00::3', 'b'],
  ['--network', 'name=n1,mac-address=02:42:ac:11:00:09', '--mac-address', '02:42:ac:11:00:08', 'b'],
  ['--network', 'name=n1,link-local-ip=169.254.1.1', '--link-local-ip', '169.254.1.2', 'b'],
  ['--network-alias', 'x', 'b'],
  ['--network', 'host', '--network-alias', 'x', 'b'],
  ['--network', 'name=bridge,alias=x', 'b'],
  ['-p', 'localhost:80:80', 'b'],
  ['-p', '127.0.0.1:80', 'b'],
  ['--network', 'alias=a', 'b'],
  ['--network', 'name=,alias=a', 'b'],
  ['--network', 'name=n1,alias', 'b'],
  ['--network', 'name=n1,gw-priority=x', 'b'],
  ['--network', 'name=n1,mac-address=zz', 'b'],
  ['--network', 'name=n1,driver-opt=x', 'b'],

  ['--log-driver', 'none', '--log-opt', 'a=b', 'b'],
  ['--security-opt', 'seccomp=/nope', 'b'],
  ['--security-opt', 'foo', 'b'],
  ['--pull', 'foo', 'b'],
  ['--restart', 'on-failure:x', 'b'],
  ['--restart', 'always', '--rm', 'b'],
  ['--pid', 'foo', 'b'],
  ['--userns', 'foo', 'b'],
  ['--uts', 'foo', 'b'],
  ['--cgroupns', 'foo', 'b'],
  ['--memory-swappiness', '200', 'b'],
  ['--health-retries', '-1', 'b'],
  ['--health-interval', '-1s', 'b'],
  ['--health-interval', '1', 'b'],
  ['--health-interval', '1y', 'b'],
  ['--health-cmd', 'x', '--no-healthcheck', 'b'],
  ['-v', ':/a', 'b'],
];

void describe('flags of run mean what they mean to the stock client', { skip: noJudge }, () => {
  for (const args of GOOD) {
    void test(args.join(' '), async () => {
      const stock = await docker(args);
      assert.ok(stock.body, stock.stderr);
      const { body, stderr } = berth(args);
      assert.deepEqual(said(body), said(stock.body), stderr);
    });
  }
  for (const args of BAD) {
    void test(`refused: ${args.join(' ')}`, async () => {
      const { stderr, body } = await docker(args);
      assert.equal(body, undefined, 'docker itself takes it');
      const own = stderr
        .replace(/^docker: /, '')
        .split('\n\n')[0]
        ?.trim();
      assert.equal(berth(args).stderr.trimEnd(), own);
    });
  }
  void test('(the end)', () => rmSync(directory, { recursive: true }));
});
