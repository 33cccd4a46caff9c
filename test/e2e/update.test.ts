/** Limits and restart policies changed on containers that run and on such that do not, with both clients. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import type { Daemon } from '../support/daemon.ts';
import { hostTest } from '../support/host.ts';
import { until } from '../support/wait.ts';

const UPDATED = '{{.Memory}} {{.MemorySwap}} {{.MemoryReservation}} {{.CpuShares}} {{.CpusetCpus}} {{.PidsLimit}}';

hostTest('update: control groups, records, refusals, events, the next start', {}, async (host) => {
  const daemon = await host.startDaemon();
  const run = async (name: string, ...flags: string[]): Promise<string> =>
    daemon.dockerOk('run', '-d', '--name', name, ...flags, 'busybox', 'sleep', '1000');
  const v1 = existsSync('/sys/fs/cgroup/memory/memory.limit_in_bytes');
  /** A file of the container's group; v1 names the controller's directory. */
  const limit = (id: string, controller: string, file: string): string =>
    readFileSync(`/sys/fs/cgroup/${v1 ? controller : ''}${host.cgroupParent}/${id}/${file}`, 'utf8').trim();
  const hostConfig = async (name: string, format: string): Promise<string> =>
    daemon.dockerOk('inspect', '-f', `{{with .HostConfig}}${format}{{end}}`, name);
  const checkGroup = (id: string): void => {
    if (!v1) return;
    assert.equal(limit(id, 'memory', 'memory.limit_in_bytes'), String(64 << 20));
    assert.equal(limit(id, 'memory', 'memory.memsw.limit_in_bytes'), String(128 << 20));
    assert.equal(limit(id, 'memory', 'memory.soft_limit_in_bytes'), String(32 << 20));
    assert.equal(limit(id, 'cpu', 'cpu.shares'), '512');
    assert.equal(limit(id, 'cpu', 'cpu.cfs_quota_us'), '50000');
    assert.equal(limit(id, 'cpuset', 'cpuset.cpus'), '0');
    assert.equal(limit(id, 'pids', 'pids.max'), '50');
  };

  for (const [ok, client] of [
    [daemon.dockerOk, daemon.docker],
    [daemon.berthOk, daemon.berth],
  ] as const) {
    const id = await run('one');
    await daemon.dockerOk('create', '--name', 'two', 'busybox', 'sleep', '1000');
    const flags =
      '-m 64m --memory-swap 128m --memory-reservation 32m -c 512 --cpus 0.5 --cpuset-cpus 0 --pids-limit 50 --restart on-failure:4';
    assert.equal(await ok('update', ...flags.split(' '), 'one', 'two'), 'one\ntwo');
    for (const name of ['one', 'two']) {
      assert.equal(await hostConfig(name, UPDATED), `${64 << 20} ${128 << 20} ${32 << 20} 512 0 50`);
      assert.equal(
        await hostConfig(name, '{{.NanoCpus}} {{.RestartPolicy.Name}} {{.RestartPolicy.MaximumRetryCount}}'),
        '500000000 on-failure 4',
      );
    }
    checkGroup(id);
    // The next start has them, too; so has one that never ran before.
    await ok('restart', '-t', '0', 'one');
    checkGroup(id);
    await ok('start', 'two');
    checkGroup(await daemon.dockerOk('inspect', '-f', '{{.Id}}', 'two'));
    await daemon.restart();
    assert.equal(await hostConfig('one', UPDATED), `${64 << 20} ${128 << 20} ${32 << 20} 512 0 50`);
    // Grown and shrunk: memory may at no moment be more than memory and swap.
    await ok('update', '-m', '512m', '--memory-swap', '1g', 'one');
    await ok('update', '-m', '64m', '--memory-swap', '128m', 'one');
    checkGroup(id);
    await ok('update', '--memory-swap', '-1', '--pids-limit', '-1', 'one');
    if (v1) assert.equal(limit(id, 'pids', 'pids.max'), 'max');

    const refusals: [string[], string][] = [
      [['-m', '1m'], 'Minimum memory limit allowed is 6MB'],
      [['--cpu-quota', '5000'], `Cannot update container ${id}: Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set`], // prettier-ignore
      [['--cpuset-cpus', '4000'], 'Requested CPUs are not available - requested 4000, available: 0'],
      [['--cpuset-mems', '4000'], 'Requested memory nodes are not available - requested 4000, available: 0'],
      [['--restart', 'sometimes'], "invalid restart policy: unknown policy 'sometimes'"],
      [['--restart', 'always:3'], "invalid restart policy: maximum retry count can only be used with 'on-failure'"],
      [
        ['-m', '32m'],
        'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
      ],
      [['--blkio-weight', '5000000'], 'blkio-weight'],
    ];
    for (const [args, text] of refusals) {
      const { code, stderr } = await client('update', ...args, 'one');
      assert.notEqual(code, 0, args.join(' '));
      assert.ok(stderr.includes(text), `${args.join(' ')}: ${stderr}`);
    }
    assert.equal((await client('update', 'one')).stderr.includes('you must provide one or more flags'), true);
    const mixed = await client('update', '--cpu-shares', '100', 'nobody', 'one');
    assert.deepEqual([mixed.stdout, mixed.code], ['one\n', 1]);
    assert.match(mixed.stderr, /No such container: nobody/);
    assert.equal(await hostConfig('one', '{{.Memory}} {{.MemorySwap}} {{.PidsLimit}}'), `${64 << 20} -1 0`);

    await run('gone', '--rm');
    const kept = await client('update', '--restart', 'always', 'gone');
    assert.match(kept.stderr, /Restart policy cannot be updated because AutoRemove is enabled for the container/);
    await ok('rm', '-f', 'one', 'two', 'gone');
  }

  // What the kernel refuses changes neither the group nor the record: more is in use than is to be allowed.
  const id = await daemon.dockerOk(
    'run',
    '-d',
    '--name',
    'full',
    '--memory',
    '200m',
    '--memory-swap',
    '200m',
    '--tmpfs',
    '/t:size=100m',
    'busybox',
    'sh',
    '-c',
    'head -c 60000000 /dev/zero > /t/x; touch /done; sleep 1000',
  );
  await daemon.dockerOk('exec', 'full', 'sh', '-c', 'until test -e /done; do usleep 10000; done');
  if (v1) {
    const { code, stderr } = await daemon.docker(
      'update',
      '-c',
      '77',
      '--memory',
      '20m',
      '--memory-swap',
      '-1',
      'full',
    );
    assert.equal(code, 1);
    assert.match(
      stderr,
      new RegExp(`Cannot update container ${id}: unable to set memory limit to 20971520 \\(current`),
    );
    assert.equal(limit(id, 'memory', 'memory.limit_in_bytes'), String(200 << 20));
    assert.equal(limit(id, 'memory', 'memory.memsw.limit_in_bytes'), String(200 << 20));
    assert.equal(limit(id, 'cpu', 'cpu.shares'), '1024');
    assert.equal(await hostConfig('full', '{{.Memory}} {{.CpuShares}}'), `${200 << 20} 0`);
    const weight = await daemon.api<{ Warnings: string[] }>('POST', '/containers/full/update', { BlkioWeight: 500 });
    assert.equal(weight.status, 200);
    if (!existsSync('/sys/fs/cgroup/blkio/blkio.bfq.weight') && !existsSync('/sys/fs/cgroup/blkio/blkio.weight')) {
      assert.match(weight.body.Warnings.join(), /Your kernel does not support Block I\/O weight/);
    }
  }
  const paused = async (daemon_: Daemon): Promise<void> => {
    await daemon_.dockerOk('pause', 'full');
    await daemon_.dockerOk('update', '--cpu-shares', '300', 'full');
    if (v1) assert.equal(limit(id, 'cpu', 'cpu.shares'), '300');
  };
  await paused(daemon);
  const watch = 'events --since 1h --until 0s --filter container=full --format {{.Action}}';
  // The client asks for whole seconds.
  const told = async (): Promise<boolean> =>
    /start\n[^]*update\npause\nupdate$/.test(await daemon.dockerOk(...watch.split(' ')));
  await until(told, 10_000, 'the events');
  for (const [body, status] of [
    [{ Memory: 'x' }, 400],
    [{ BlkioWeight: 70_000 }, 400],
    [{ NanoCpus: 1e9, CpuPeriod: 2000 }, 400],
    [{ CpuRealtimeRuntime: 2000, CpuRealtimePeriod: 1000 }, 400],
    [{}, 200],
  ] as const) {
    assert.equal((await daemon.api('POST', '/containers/full/update', body)).status, status, JSON.stringify(body));
  }
});
