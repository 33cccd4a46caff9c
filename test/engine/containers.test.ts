/** Containers on the real kernel, in network and mount namespaces of the test's own (scripts/test.sh makes them). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { mountOverlay, unmount } from '../../src/linux/mounts.ts';
import { BerthError } from '../../src/errors.ts';
import { collect, isolate, config, execConfig, hostConfig, makeEngine, run, type Rig } from './support.ts';

isolate();
const root = mkdtempSync('/tmp/e-');
let rig: Rig;

const leftovers = (): string[] => [
  ...readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(root)),
  ...execFileSync('find', ['/sys/fs/cgroup', '-maxdepth', '3', '-path', `*${root.slice(4)}*`], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== ''),
  ...execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.startsWith('/usr/bin/conmon') && line.includes(root)),
  ...['c', 'e', 'runtime'].flatMap((name) => readdirSync(`${root}/exec/${name}`)),
  ...readdirSync(`${root}/data/containers`),
];

const refuses = async (body: () => Promise<unknown>, kind: BerthError['kind'], text: RegExp): Promise<void> => {
  await assert.rejects(body, (error: unknown) => {
    assert.ok(error instanceof BerthError, String(error));
    assert.match(error.message, text);
    assert.equal(error.kind, kind);
    return true;
  });
};
const create = async (
  own: Parameters<typeof config>[0] = {},
  host: Parameters<typeof hostConfig>[0] = {},
): Promise<string> => {
  const { Id } = await rig.engine.create({
    name: undefined,
    config: config(own),
    hostConfig: hostConfig(host),
    networking: { EndpointsConfig: {} },
  });
  return Id;
};
const force = { force: true, volumes: true, link: false };
const rmRun = async (command: string[], own: Parameters<typeof run>[2] = {}): ReturnType<typeof run> =>
  run(rig.engine, command, { ...own, host: { AutoRemove: true, ...own.host } });

void describe('the engine', () => {
  before(async () => {
    rig = await makeEngine(root);
  });
  after(async () => {
    await rig.close();
    try {
      assert.deepEqual(leftovers(), []);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  void test('output, error output and exit code', async () => {
    const { id, out, err, code } = await run(rig.engine, ['sh', '-c', 'echo out; echo err >&2; exit 3']);
    assert.deepEqual({ out, err, code }, { out: 'out\n', err: 'err\n', code: 3 });
    const { State } = (await rig.engine.inspect(id, { size: false })) as { State: Record<string, unknown> };
    assert.equal(State['Status'], 'exited');
    assert.equal(State['ExitCode'], 3);
    const signal = new AbortController().signal;
    const { frames } = await rig.engine.logs(
      id,
      { stdout: true, stderr: true, follow: false, since: undefined, until: undefined, tail: undefined },
      signal,
    );
    const lines = [];
    for await (const { stream, data, time } of frames) {
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
      lines.push([stream, data.toString()]);
    }
    assert.deepEqual(
      lines.toSorted(([a], [b]) => Number(a) - Number(b)),
      [
        [1, 'out\n'],
        [2, 'err\n'],
      ],
    );
    await rig.engine.remove(id, { force: false, volumes: false, link: false });
  });

  void test('input reaches the process and its end, too', async () => {
    const { out, code } = await rmRun(['cat'], { config: { OpenStdin: true, StdinOnce: true }, input: 'typed\n' });
    assert.deepEqual({ out, code }, { out: 'typed\n', code: 0 });
  });

  void test('a megabyte comes through complete, at the pace of a slow reader', async () => {
    const { out } = await rmRun(['sh', '-c', 'dd if=/dev/zero bs=1024 count=1024 2>/dev/null | tr "\\0" x']);
    assert.equal(out.length, 1 << 20);
  });

  void test('environment, user, working directory, host name', async () => {
    const { out } = await rmRun(['sh', '-c', 'echo $FROM $HOME $OWN; id -u; id -G; pwd; hostname; stat -c %U .'], {
      config: { User: 'ann', WorkingDir: '/made/here', Env: ['OWN=1'], Hostname: 'box' },
      host: { GroupAdd: ['7'] },
    });
    assert.deepEqual(out.split('\n'), ['image /home/ann 1', '1000', '1000 7 50', '/made/here', 'box', 'ann', '']);
  });

  void test('default capabilities, filter, masked and read-only paths', async () => {
    const { out } = await rmRun([
      'sh',
      '-c',
      'grep -E "CapEff|Seccomp:|NoNewPrivs" /proc/self/status; wc -c </proc/keys 2>&1; ' +
        'echo 1 >/proc/sys/kernel/sysrq 2>/dev/null || echo ro; unshare -m true 2>/dev/null || echo no; ' +
        'mknod /tmp/d b 254 0 && cat /tmp/d 2>/dev/null || echo refused',
    ]);
    assert.match(out, /CapEff:\t00000000a80425fb/);
    assert.match(out, /Seccomp:\t2/);
    assert.match(out, /\n0\nro\nno\nrefused\n$/);
  });

  void test('privileged, unconfined, capabilities by name', async () => {
    const caps = async (host: Parameters<typeof hostConfig>[0]): Promise<string> =>
      /CapEff:\t(\w+)/.exec((await rmRun(['grep', 'CapEff', '/proc/self/status'], { host })).out)?.[1] ?? '';
    assert.equal(await caps({ CapDrop: ['ALL'], CapAdd: ['net_admin'] }), '0000000000001000');
    assert.ok(BigInt(`0x${await caps({ Privileged: true })}`) > 0xffffffffn);
  });

  void test('a command that is not there, one that cannot be run', async () => {
    const id = await create({ Cmd: ['nope'] });
    await refuses(
      async () => rig.engine.start(id),
      'InvalidParameter',
      /exec: "nope": executable file not found in \$PATH: unknown$/,
    );
    const { State } = (await rig.engine.inspect(id, { size: false })) as { State: Record<string, unknown> };
    assert.equal(State['ExitCode'], 127);
    assert.equal(State['Status'], 'created');
    await rig.engine.remove(id, force);
    for (const [command, code, text] of [
      ['/etc/notexec', 126, /permission denied/],
      ['/nope/x', 127, /no such file or directory/],
      ['/etc', 126, /permission denied/],
    ] as const) {
      const other = await create({ Cmd: [command] });
      await refuses(async () => rig.engine.start(other), 'InvalidParameter', text);
      const view = (await rig.engine.inspect(other, { size: false })) as { State: Record<string, unknown> };
      assert.equal(view.State['ExitCode'], code, command);
      await rig.engine.remove(other, force);
    }
  });

  void test('binds, volumes with what the image has there, tmpfs, read-only root', async () => {
    mkdirSync(`${root}/bound`);
    writeFileSync(`${root}/bound/a`, 'from the host');
    const { out } = await rmRun(
      [
        'sh',
        '-c',
        'cat /b/a; echo; echo x >/b/a 2>/dev/null || echo ro; cat /data/file; echo; echo w >/data/file; touch /x 2>/dev/null || echo rootro; mount | grep " /t "',
      ],
      {
        config: { Volumes: { '/data': {} } },
        host: { Binds: [`${root}/bound:/b:ro`, `${root}/made:/m`], Tmpfs: { '/t': 'size=1m' }, ReadonlyRootfs: true },
      },
    );
    assert.match(out, /^from the host\nro\nfrom the image\nrootro\ntmpfs on \/t type tmpfs .*size=1024k/);
    assert.ok(existsSync(`${root}/made`));
    assert.deepEqual(readdirSync(`${root}/data/volumes`), []);
    await refuses(
      async () =>
        create({ Cmd: ['true'] }, { Mounts: [{ Type: 'bind', Source: '/not/there', Target: '/x', ReadOnly: false }] }),
      'InvalidParameter',
      /^invalid mount config for type "bind": bind source path does not exist: \/not\/there$/,
    );
  });

  void test('limits of memory, processes and CPUs arrive in the control groups', async () => {
    const { out } = await rmRun(
      [
        'sh',
        '-c',
        'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us; ulimit -n',
      ],
      { host: { Memory: 64 << 20, PidsLimit: 40, NanoCpus: 5e8, Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }] } },
    );
    assert.equal(out, `${64 << 20}\n40\n50000\n100\n`);
    await refuses(
      async () => create({ Cmd: ['true'] }, { Memory: 1024 }),
      'InvalidParameter',
      /^Minimum memory limit allowed is 6MB$/,
    );
  });

  void test('an init, a sysctl, the size of /dev/shm, an own process namespace', async () => {
    const { out } = await rmRun(
      ['sh', '-c', 'cat /proc/1/comm; cat /proc/sys/kernel/msgmax; df -k /dev/shm | tail -1; echo $$'],
      {
        host: { Init: true, Sysctls: { 'kernel.msgmax': '4096' }, ShmSize: 1 << 20 },
      },
    );
    assert.match(out, /^docker-init\n4096\nshm +1024 /);
  });

  void test('stop, kill, restart, their errors and events', async () => {
    const id = await create({ Cmd: ['sh', '-c', 'trap "exit 5" TERM; while :; do sleep 0.05; done'] });
    await rig.engine.start(id);
    await refuses(async () => rig.engine.start(id), 'NotModified', /^$/);
    await refuses(
      async () => rig.engine.remove(id, { force: false, volumes: false, link: false }),
      'Conflict',
      /^cannot remove container "\/.*": container is running: stop the container before removing or force remove$/,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    await rig.engine.stop(id, {});
    const state = async (): Promise<Record<string, unknown>> =>
      ((await rig.engine.inspect(id, { size: false })) as { State: Record<string, unknown> }).State;
    assert.equal((await state())['ExitCode'], 5);
    await refuses(async () => rig.engine.stop(id, {}), 'NotModified', /^$/);
    await rig.engine.restart(id, {});
    assert.equal((await state())['Running'], true);
    const gone = await rig.engine.wait(id, 'not-running', new AbortController().signal);
    await rig.engine.kill(id, 'KILL');
    assert.deepEqual(await gone.done, { StatusCode: 137 });
    await refuses(async () => rig.engine.kill(id, 'TERM'), 'Conflict', /is not running$/);
    await rig.engine.remove(id, force);
    const actions = rig.events.filter(({ Actor }) => Actor.ID === id).map(({ Action }) => Action);
    assert.deepEqual(actions, ['create', 'start', 'kill', 'die', 'stop', 'start', 'restart', 'kill', 'die', 'destroy']);
    await refuses(async () => rig.engine.start(id), 'NotFound', /^No such container: /);
  });

  void test('exec: output, input, exit codes, a command that is not there', async () => {
    const id = await create({ Cmd: ['sleep', '60'] });
    await rig.engine.start(id);
    const exec = async (
      own: Parameters<typeof execConfig>[0],
      input?: string,
    ): Promise<{ out: string; err: string; code: unknown }> => {
      const { Id } = await rig.engine.execCreate(id, execConfig(own));
      const session = await rig.engine.execStart(Id, { detach: false, tty: own?.Tty ?? false });
      assert.ok(session);
      const output = collect(session);
      if (input !== undefined) {
        await session.write(Buffer.from(input));
        session.end();
      }
      const texts = await output;
      // The docker CLI asks once, as soon as the output has ended.
      const view = await rig.engine.execInspect(Id);
      assert.equal(view['Running'], false);
      return { ...texts, code: view['ExitCode'] };
    };
    assert.deepEqual(await exec({ Cmd: ['sh', '-c', 'echo a; echo b >&2; exit 4'] }), {
      out: 'a\n',
      err: 'b\n',
      code: 4,
    });
    assert.deepEqual(await exec({ Cmd: ['cat'], AttachStdin: true }, 'in'), { out: 'in', err: '', code: 0 });
    assert.deepEqual(
      await exec({ Cmd: ['sh', '-c', 'id -un; pwd; echo $E'], User: 'ann', WorkingDir: '/tmp', Env: ['E=1'] }),
      {
        out: 'ann\n/tmp\n1\n',
        err: '',
        code: 0,
      },
    );
    for (let i = 0; i < 10; i++) {
      const Tty = i % 2 === 1;
      assert.deepEqual(await exec({ Cmd: ['sh', '-c', 'exit 5'], Tty }), { out: '', err: '', code: 5 });
    }
    assert.equal((await exec({ Cmd: ['tty'], Tty: true })).out.trim().startsWith('/dev/pts/'), true);
    const { Id } = await rig.engine.execCreate(id, execConfig({ Cmd: ['nope'] }));
    await refuses(
      async () => rig.engine.execStart(Id, { detach: false, tty: false }),
      'InvalidParameter',
      /^OCI runtime exec failed: exec failed: unable to start container process: exec: "nope": executable file not found in \$PATH: unknown$/,
    );
    assert.equal((await rig.engine.execInspect(Id))['ExitCode'], 127);
    const detached = await rig.engine.execCreate(id, execConfig({ Cmd: ['touch', '/tmp/done'] }));
    assert.equal(await rig.engine.execStart(detached.Id, { detach: true, tty: false }), undefined);
    const listed = (await rig.engine.top(id, '-ef')) as { Titles: string[]; Processes: string[][] };
    assert.ok(listed.Titles.includes('PID') && listed.Processes.some((row) => row.at(-1) === 'sleep 60'));
    await rig.engine.remove(id, force);
    await refuses(async () => rig.engine.execInspect(Id), 'NotFound', /^No such exec instance: /);
  });

  void test('a terminal: size, detach keys, attaching again', async () => {
    const id = await create({
      Cmd: ['sh', '-c', 'while read x; do stty size; echo got:$x; done'],
      Tty: true,
      OpenStdin: true,
      StdinOnce: true,
    });
    const options = { stdin: true, stdout: true, stderr: true, logs: false, stream: true, detachKeys: '' };
    const first = await rig.engine.attach(id, options);
    await rig.engine.start(id);
    await rig.engine.resize(id, 33, 99);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const firstOutput = collect(first);
    await first.write(Buffer.from('one\n'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await first.write(Buffer.from([16, 17]));
    const text = (await firstOutput).out;
    assert.match(text, /33 99\r\ngot:one\r\n/);
    const second = await rig.engine.attach(id, options);
    const secondOutput = collect(second);
    await second.write(Buffer.from('two\n'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await rig.engine.remove(id, force);
    assert.match((await secondOutput).out, /got:two/);
  });

  void test('names, prefixes, list and filters', async () => {
    const { Id } = await rig.engine.create({
      name: 'web.1',
      config: config({ Cmd: ['sleep', '9'], Labels: { tier: 'front' } }),
      hostConfig: hostConfig(),
      networking: { EndpointsConfig: {} },
    });
    await refuses(
      async () =>
        rig.engine.create({
          name: 'web.1',
          config: config({ Cmd: ['true'] }),
          hostConfig: hostConfig(),
          networking: { EndpointsConfig: {} },
        }),
      'Conflict',
      /^Conflict\. The container name "\/web\.1" is already in use by container "[0-9a-f]{64}"\. You have to remove/,
    );
    const list = async (filters: Record<string, string[]>, all = true): Promise<unknown[]> =>
      (await rig.engine.list({ all, limit: 0, size: false, filters: new Map(Object.entries(filters)) })).map(
        ({ Names }) => Names,
      );
    assert.deepEqual(await list({}, false), []);
    assert.deepEqual(await list({ status: ['created'], name: ['web'] }), [['/web.1']]);
    await rig.engine.start(Id.slice(0, 8));
    assert.deepEqual(await list({ label: ['tier=front'], name: ['web'], ancestor: ['busybox'] }, false), [['/web.1']]);
    assert.deepEqual(await list({ label: ['tier=back'] }), []);
    await rig.engine.rename('web.1', 'www');
    assert.deepEqual(rig.sandboxes.renamed, [[Id, 'www']]);
    const [view] = await rig.engine.list({ all: false, limit: 0, size: true, filters: new Map() });
    assert.equal(view?.['Status'], 'Up Less than a second');
    assert.equal(view?.['Command'], 'sleep 9');
    await rig.engine.remove('/www', force);
  });

  void test('a network that is not there is missed at the start only', async () => {
    const id = await create({ Cmd: ['true'] }, { NetworkMode: 'nonesuch' });
    await refuses(
      async () => rig.engine.start(id),
      'NotFound',
      /^failed to set up container networking: network nonesuch not found$/,
    );
    await rig.engine.remove(id, force);
  });

  void test('what create names and does not find is no missing image: 400, for 404 makes the docker CLI pull', async () => {
    for (const host of [
      { NetworkMode: 'container:nonesuch' },
      { PidMode: 'container:nonesuch' },
      { IpcMode: 'container:nonesuch' },
    ]) {
      await refuses(async () => create({ Cmd: ['true'] }, host), 'InvalidParameter', /^No such container: nonesuch$/);
    }
    await refuses(
      async () => create({ Cmd: ['true'], Image: 'nonesuch' }),
      'NotFound',
      /^No such image: nonesuch:latest$/,
    );
  });

  void test('parallel requests for one container', async () => {
    const id = await create({ Cmd: ['sleep', '60'] });
    const starts = await Promise.allSettled([1, 2, 3].map(async () => rig.engine.start(id)));
    assert.equal(starts.filter(({ status }) => status === 'fulfilled').length, 1);
    const removals = await Promise.allSettled([1, 2, 3].map(async () => rig.engine.remove(id, force)));
    const reasons = removals.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
    assert.equal(reasons.length, 2);
    for (const reason of reasons) assert.match(reason, /removal of container .* is already in progress/);
  });

  void test('a monitor that was killed ends the container, and the state says so', async () => {
    const id = await create({ Cmd: ['sleep', '60'] });
    await rig.engine.start(id);
    const { done } = await rig.engine.wait(id, 'not-running', new AbortController().signal);
    process.kill(Number(readFileSync(`${root}/exec/c/${id}/conmon.pid`, 'utf8')), 'SIGKILL');
    assert.deepEqual(await done, { StatusCode: 137 });
    const { State } = (await rig.engine.inspect(id, { size: false })) as { State: Record<string, unknown> };
    assert.match(String(State['Error']), /monitor of this container \(conmon\) was killed/);
    await rig.engine.remove(id, force);
  });

  void test('roots whose sockets do not fit into an address', async () => {
    const long = `${root}/${'long'.repeat(20)}`;
    mkdirSync(long);
    const other = await makeEngine(long, { cgroupParent: root.slice(4) });
    const { out, code } = await run(other.engine, ['cat'], {
      config: { OpenStdin: true, StdinOnce: true },
      host: { AutoRemove: true },
      input: 'far away\n',
    });
    assert.deepEqual({ out, code }, { out: 'far away\n', code: 0 });
    await other.close();
  });

  void test('an image of more layers than mount options have room for', async () => {
    const lowerDirs = Array.from({ length: 127 }, (_, index) => `${root}/layers/${'l'.repeat(60)}${index}/diff`);
    for (const [index, directory] of lowerDirs.entries()) {
      mkdirSync(directory, { recursive: true });
      writeFileSync(`${directory}/f${index}`, '');
    }
    mkdirSync(`${root}/o/m`, { recursive: true });
    mkdirSync(`${root}/o/u`);
    mkdirSync(`${root}/o/w`);
    mountOverlay({ target: `${root}/o/m`, lowerDirs, upperDir: `${root}/o/u`, workDir: `${root}/o/w`, volatile: true });
    assert.equal(readdirSync(`${root}/o/m`).length, 127);
    await unmount(`${root}/o/m`);
    await unmount(`${root}/o/m`);
    await unmount(`${root}/not/there`);
  });

  void test('output stays with the process until it is read', async () => {
    const id = await create({ Cmd: ['sh', '-c', 'dd if=/dev/zero bs=1024 count=4096 2>/dev/null; echo >/tmp/done'] });
    const session = await rig.engine.attach(id, {
      stdin: false,
      stdout: true,
      stderr: true,
      logs: false,
      stream: true,
      detachKeys: '',
    });
    const { done } = await rig.engine.wait(id, 'next-exit', new AbortController().signal);
    await rig.engine.start(id);
    await new Promise((resolve) => setTimeout(resolve, 300));
    let bytes = 0;
    for await (const { data } of session.output) bytes += data.length;
    assert.equal(bytes, 4 << 20);
    assert.deepEqual(await done, { StatusCode: 0 });
    await rig.engine.remove(id, force);
  });

  void test('restart policy on-failure', async () => {
    const id = await create({ Cmd: ['false'] }, { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } });
    await rig.engine.start(id);
    for (let i = 0; i < 200; i++) {
      const { State } = (await rig.engine.inspect(id, { size: false })) as { State: Record<string, unknown> };
      if (State['Status'] === 'exited') break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal((await rig.engine.inspect(id, { size: false }))['RestartCount'], 2);
    await rig.engine.remove(id, force);
  });
});
