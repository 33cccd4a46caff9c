/**
 * Every flag of `run` that the foundation has, seen from inside the container. Each case runs with the stock docker
 * CLI and with berth, and both must print the same.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostTest, type Host } from '../support/host.ts';
import type { Daemon } from '../support/daemon.ts';

interface Case {
  /** Flags, image and command: everything after `run --rm`. `ROOT` stands for the test's own directory. */
  args: string;
  /** What stdout must be, trimmed; or what it must match. */
  prints: string | RegExp;
}

const sh = (script: string): string => `busybox sh -c ${JSON.stringify(script)}`;

const CASES: readonly Case[] = [
  { args: `busybox echo hello`, prints: 'hello' },
  { args: `-e A=1 -e B=two ${sh('echo $A $B')}`, prints: '1 two' },
  { args: `--env-file ROOT/env ${sh('echo "$FROM_FILE"')}`, prints: 'yes it is' },
  { args: `-w /somewhere/new busybox pwd`, prints: '/somewhere/new' },
  { args: `-u 1000:1001 busybox id`, prints: /^uid=1000 gid=1001/ },
  { args: `-u nobody ${sh('id -un; echo $HOME')}`, prints: /^nobody\n/ },
  { args: `-u 1000 --group-add 7 busybox id -G`, prints: /\b7\b/ },
  { args: `-h box busybox hostname`, prints: 'box' },
  { args: `-h box --domainname example.test busybox cat /etc/hosts`, prints: /\tbox\.example\.test box$/ },
  { args: `--entrypoint echo busybox from the entrypoint`, prints: 'from the entrypoint' },
  { args: `-v ROOT/bind:/mnt busybox cat /mnt/file`, prints: 'content' },
  { args: `-v ROOT/bind:/mnt:ro ${sh('touch /mnt/x 2>&1')} `, prints: /Read-only file system/ },
  { args: `-v ROOT/made-by-berth:/mnt ${sh('ls /mnt | wc -l')}`, prints: '0' },
  { args: `--mount type=bind,src=ROOT/bind,dst=/mnt,readonly busybox cat /mnt/file`, prints: 'content' },
  {
    args: `--tmpfs /t:size=64k,mode=700 ${sh('mount | grep " /t "')}`,
    prints: /^tmpfs on \/t type tmpfs .*size=64k,mode=700/,
  },
  { args: `--mount type=tmpfs,dst=/t ${sh('mount | grep -c "tmpfs on /t "')}`, prints: '1' },
  { args: `--read-only ${sh('touch /x 2>&1')}`, prints: /Read-only file system/ },
  { args: `--shm-size 1m ${sh('df -k /dev/shm | tail -1')}`, prints: /^shm\s+1024 / },
  { args: sh('grep CapEff /proc/self/status'), prints: 'CapEff:\t00000000a80425fb' },
  { args: `--cap-drop ALL ${sh('grep CapEff /proc/self/status')}`, prints: 'CapEff:\t0000000000000000' },
  {
    args: `--cap-drop ALL --cap-add NET_ADMIN ${sh('grep CapEff /proc/self/status')}`,
    prints: 'CapEff:\t0000000000001000',
  },
  { args: `--cap-add CAP_SYS_TIME ${sh('grep CapEff /proc/self/status')}`, prints: 'CapEff:\t00000000aa0425fb' },
  { args: sh('grep Seccomp: /proc/self/status'), prints: 'Seccomp:\t2' },
  { args: `--security-opt seccomp=unconfined ${sh('grep Seccomp: /proc/self/status')}`, prints: 'Seccomp:\t0' },
  { args: `--security-opt seccomp=ROOT/seccomp.json ${sh('mkdir /x 2>&1')}`, prints: /Operation not permitted/ },
  { args: `--security-opt no-new-privileges ${sh('grep NoNewPrivs /proc/self/status')}`, prints: 'NoNewPrivs:\t1' },
  {
    args: `--privileged ${sh('grep Seccomp: /proc/self/status; ls /dev | grep -c loop-control')}`,
    prints: /^Seccomp:\t0/,
  },
  { args: sh('mount -t tmpfs x /mnt 2>&1 || true'), prints: /permission denied|Operation not permitted|mount/ },
  { args: sh('cat /proc/timer_list 2>/dev/null | wc -c; ls /proc/scsi 2>/dev/null | wc -l'), prints: '0\n0' },
  { args: sh('echo 1 > /proc/sys/kernel/panic 2>&1; true'), prints: /Read-only file system|^$/ },
  {
    args: `--pids-limit 20 ${sh('cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max')}`,
    prints: '20',
  },
  {
    args: `--memory 32m ${sh('cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max')}`,
    prints: '33554432',
  },
  {
    args: `--cpus 0.5 ${sh('cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d" " -f1 /sys/fs/cgroup/cpu.max')}`,
    prints: '50000',
  },
  { args: `--ulimit nofile=100:200 ${sh('ulimit -Sn; ulimit -Hn')}`, prints: '100\n200' },
  {
    args: `--sysctl net.ipv4.ip_unprivileged_port_start=55 ${sh('cat /proc/sys/net/ipv4/ip_unprivileged_port_start')}`,
    prints: '55',
  },
  { args: `--init ${sh('cat /proc/1/comm')}`, prints: /tini|docker-init/ },
  { args: `--add-host db:10.9.8.7 ${sh('grep 10.9.8.7 /etc/hosts')}`, prints: '10.9.8.7\tdb' },
  { args: `--add-host gw:host-gateway ${sh('grep gw /etc/hosts')}`, prints: '172.17.0.1\tgw' },
  {
    args: `--dns 192.0.2.53 --dns-search corp.test --dns-option ndots:3 busybox cat /etc/resolv.conf`,
    prints:
      /nameserver 192\.0\.2\.53\n[^]*search corp\.test\n[^]*options ndots:3|search corp\.test[^]*nameserver 192\.0\.2\.53/,
  },
  { args: `--mac-address 02:42:ac:11:00:99 ${sh('cat /sys/class/net/eth0/address')}`, prints: '02:42:ac:11:00:99' },
  { args: `--device /dev/null:/dev/zilch ${sh('ls -l /dev/zilch')}`, prints: /^c/ },
  { args: `--cgroupns host ${sh('cat /proc/self/cgroup | head -1')}`, prints: /:\// },
  { args: `--pid host ${sh('ls -d /proc/[0-9]* | wc -l')}`, prints: /^([2-9]|\d\d+)$/ },
  { args: `--uts host busybox hostname`, prints: /./ },
  { args: `--ipc host busybox true`, prints: '' },
  { args: `-i busybox cat`, prints: '' },
  { args: `--network none ${sh('ls /sys/class/net')}`, prints: 'lo' },
  { args: `--network bridge ${sh('ls /sys/class/net | tr "\\n" " "')}`, prints: 'eth0 lo' },
  { args: `--label a=b --stop-signal SIGINT --stop-timeout 3 --name named busybox true`, prints: '' },
];

async function outputOf(
  client: (...args: string[]) => ReturnType<Daemon['docker']>,
  line: string,
  host: Host,
): Promise<string> {
  const args = words(line.replaceAll('ROOT', host.root));
  const { stdout, stderr, code } = await client('run', '--rm', ...args);
  assert.ok(code === 0 || /\b(touch|mkdir)\b/.test(line), `run --rm ${line}: exit ${code}\n${stderr}${stdout}`);
  return stdout.trim();
}

/** Splits at spaces; a JSON string literal is one word. */
function words(line: string): string[] {
  return [...line.trim().matchAll(/"(?:[^"\\]|\\.)*"|\S+/g)].map(([word]) =>
    word.startsWith('"') ? (JSON.parse(word) as string) : word,
  );
}

hostTest('every flag of run does what it says, from docker and from berth', {}, async (host) => {
  mkdirSync(`${host.root}/bind`);
  writeFileSync(`${host.root}/bind/file`, 'content\n');
  writeFileSync(`${host.root}/env`, '# a comment\nFROM_FILE=yes it is\n');
  writeFileSync(
    `${host.root}/seccomp.json`,
    JSON.stringify({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }],
    }),
  );
  chmodSync(host.root, 0o755);
  const daemon = await host.startDaemon();
  const failures: string[] = [];
  for (const { args, prints } of CASES) {
    try {
      const stock = await outputOf(daemon.docker, args, host);
      const own = await outputOf(daemon.berth, args, host);
      if (typeof prints === 'string') assert.equal(stock, prints, `docker run --rm ${args}`);
      else assert.match(stock, prints, `docker run --rm ${args}`);
      if (typeof prints === 'string') assert.equal(own, stock, `berth run --rm ${args}`);
      else assert.match(own, prints, `berth run --rm ${args}`);
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  assert.deepEqual(failures, []);
  assert.equal((await daemon.docker('ps', '-aq')).stdout, '', 'every container was removed');
});
