/** crun and runc, whose start protocols differ; and a runtime that hangs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { BerthError } from '../../src/errors.ts';
import type { ContainerState, HealthResult } from '../../src/model/container.ts';
import { until } from '../support/wait.ts';
import { collect, execConfig, isolate, makeEngine, run, config, hostConfig } from './support.ts';

isolate();
const FORCE = { force: true, volumes: true, link: false };

for (const runtime of ['crun', 'runc']) {
  void test(`${runtime}: a life, an exec, and whose fault it is when there is none`, async (t) => {
    const root = mkdtempSync('/tmp/e-');
    t.after(() => rmSync(root, { recursive: true, force: true }));
    const rig = await makeEngine(root, { runtime });
    const { engine } = rig;
    const make = async (Cmd: string[], Binds: string[] | null = null): Promise<string> => {
      const { Id } = await engine.create({
        name: undefined,
        config: config({ Cmd }),
        hostConfig: hostConfig({ Binds }),
        networking: { EndpointsConfig: {} },
      });
      return Id;
    };
    const { out, code } = await run(engine, ['sh', '-c', 'echo out; exit 3'], { host: { AutoRemove: true } });
    assert.deepEqual([out, code], ['out\n', 3]);

    const id = await make(['sleep', '60']);
    await engine.start(id);
    const { Id } = await engine.execCreate(id, execConfig({ Cmd: ['sh', '-c', 'echo in; exit 5'] }));
    const session = await engine.execStart(Id, { detach: false, tty: false });
    assert.ok(session);
    assert.deepEqual(await collect(session), { out: 'in\n', err: '' });
    assert.equal((await engine.execInspect(Id))['ExitCode'], 5);
    await engine.remove(id, FORCE);

    for (const [Test, Timeout, ExitCode, text] of [
      [['CMD-SHELL', 'echo well'], 20e9, 0, /^well\n$/],
      [['CMD-SHELL', 'echo ill >&2; exit 4'], 20e9, 4, /^ill\n$/],
      [
        ['CMD', 'nope'],
        20e9,
        -1,
        /^OCI runtime exec failed: .*: exec: "nope": executable file not found in \$PATH: unknown$/,
      ],
      [['CMD-SHELL', 'echo slow; sleep 60'], 1500e6, -1, /^Health check exceeded timeout \(1\.5s\): slow\n$/],
    ] as const) {
      const { Id: checked } = await engine.create({
        name: undefined,
        config: config({ Cmd: ['sleep', '60'], Healthcheck: { Test: [...Test], Interval: 20e6, Timeout } }),
        hostConfig: hostConfig({}),
        networking: { EndpointsConfig: {} },
      });
      await engine.start(checked);
      const first = async (): Promise<HealthResult | undefined> =>
        ((await engine.inspect(checked, { size: false })) as { State: ContainerState }).State.Health?.Log[0];
      await until(async () => (await first()) !== undefined, 20_000, 'a probe');
      const result = await first();
      assert.equal(result?.ExitCode, ExitCode);
      assert.match(result.Output, text);
      await engine.remove(checked, FORCE);
    }

    mkdirSync(`${root}/bound`);
    for (const [container, code, text] of [
      [await make(['nope']), 127, /: exec: "nope": executable file not found in \$PATH: unknown$/],
      [await make(['/nope/x']), 127, /: exec: "\/nope\/x": stat \/nope\/x: no such file or directory: unknown$/],
      [await make(['/etc/notexec']), 126, /: exec: "\/etc\/notexec": permission denied: unknown$/],
      [await make(['true'], [`${root}/bound:/b`]), 128, /\/bound\b.*no such file or directory/i],
    ] as const) {
      rmSync(`${root}/bound`, { recursive: true, force: true });
      await assert.rejects(engine.start(container), (error: unknown) => {
        assert.ok(error instanceof BerthError);
        assert.match(error.message, text);
        assert.doesNotMatch(error.message, /"true"/);
        return true;
      });
      const { State } = (await engine.inspect(container, { size: false })) as { State: Record<string, unknown> };
      assert.equal(State['ExitCode'], code);
      await engine.remove(container, FORCE);
    }
    await rig.close();
  });
}

void test('a runtime that does not answer is ended, and leaves nothing', async (t) => {
  const root = mkdtempSync('/tmp/e-');
  t.after(() => rmSync(root, { recursive: true, force: true }));
  execFileSync('mkfifo', [`${root}/never`]);
  const runtime = `${root}/crun`;
  const pretend = (verb: string): void =>
    writeFileSync(
      runtime,
      `#!/bin/sh\ncase " $* " in *" ${verb} "*) read -r line <${root}/never;; esac\nexec /usr/bin/crun "$@"\n`,
      { mode: 0o755 },
    );
  pretend('create');
  const rig = await makeEngine(root, { runtime, runtimePatience: 500 });
  const make = async (): Promise<string> => {
    const { Id } = await rig.engine.create({
      name: undefined,
      config: config({ Cmd: ['sleep', '60'] }),
      hostConfig: hostConfig(),
      networking: { EndpointsConfig: {} },
    });
    return Id;
  };
  const late = (error: unknown): boolean =>
    error instanceof BerthError &&
    error.kind === 'System' &&
    /did not answer within 0\.5 s and was ended/.test(error.message);
  const helpers = (): string[] =>
    execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(`${root}/exec/runtime`));

  const hung = await make();
  await assert.rejects(rig.engine.start(hung), late);
  assert.deepEqual(helpers(), []);
  assert.deepEqual(
    ['c', 'runtime'].flatMap((name) => readdirSync(`${root}/exec/${name}`)),
    [],
  );
  assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(root), false);
  assert.equal(rig.sandboxes.open_.size, 0);

  // The same container starts as soon as the runtime does its work; then an exec hangs, and the container goes on.
  pretend('exec');
  await rig.engine.start(hung);
  const { Id } = await rig.engine.execCreate(hung, execConfig({ Cmd: ['true'] }));
  await assert.rejects(rig.engine.execStart(Id, { detach: false, tty: false }), late);
  assert.equal((await rig.engine.execInspect(Id))['Running'], false);
  assert.equal(helpers().length, 1);
  await rig.engine.remove(hung, FORCE);
  assert.equal((await run(rig.engine, ['echo', 'on'], { host: { AutoRemove: true } })).out, 'on\n');
  assert.deepEqual(helpers(), []);
  await rig.close();
});
