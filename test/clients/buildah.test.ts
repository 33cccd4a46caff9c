/**
 * Buildah beside a running berthd, on the same image store: what it builds runs at once. Its own processes run in a mount namespace of
 * their own, for containers/storage leaves a mount of the store behind.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scenarios } from '../compatibility/scenarios.ts';
import type { Daemon } from '../support/daemon.ts';
import type { ExecResult, Host } from '../support/host.ts';
import { until } from '../support/wait.ts';

const DOCKERFILE = `FROM docker.io/library/busybox
COPY entry.sh /entry.sh
RUN chmod 755 /entry.sh && mkdir -p /data && echo seed >/data/seed && chown -R 65534:65534 /data
ENV GREETING=hello
LABEL made.by=buildah
EXPOSE 8080/tcp
VOLUME /data
WORKDIR /tmp
USER nobody
STOPSIGNAL SIGINT
HEALTHCHECK --interval=1s --timeout=5s --retries=2 CMD test -e /data/seed
ENTRYPOINT ["/entry.sh"]
CMD ["one", "two"]
`;

interface Shared {
  host: Host;
  daemon: Daemon;
  context: string;
  buildah: (...args: string[]) => Promise<ExecResult>;
}

async function prepare(host: Host): Promise<Shared> {
  const daemon = await host.startDaemon();
  const context = join(host.root, 'context');
  mkdirSync(context);
  writeFileSync(
    join(context, 'entry.sh'),
    '#!/bin/sh\necho "$GREETING $* $(id -un) $(pwd)"\n[ "$1" != stay ] || exec sleep 1000\n',
  );
  writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
  const store = ['--root', `${daemon.dataRoot}/storage`, '--runroot', `${daemon.execRoot}/storage`];
  const buildah = (...args: string[]): Promise<ExecResult> =>
    host.exec(
      ['unshare', '--mount', '--propagation', 'slave', 'buildah', ...store, '--storage-driver', 'overlay', ...args],
      { timeout: 60_000, env: { HOME: host.root } },
    );
  // It is made when it is first asked for.
  await daemon.dockerOk('run', '--rm', 'busybox', 'true');
  return { host, daemon, context, buildah };
}

async function ok(result: Promise<ExecResult>): Promise<string> {
  const { code, stdout, stderr } = await result;
  assert.equal(code, 0, stderr + stdout);
  return stdout.trim();
}

scenarios({ client: 'Buildah' }, prepare, {
  'bud of a Dockerfile FROM an image of the store; the image runs at once': async ({ daemon, buildah, context }) => {
    await ok(buildah('bud', '--isolation', 'chroot', '--format', 'docker', '-t', 'app', context));
    for (const client of [daemon.dockerOk, daemon.berthOk]) {
      assert.equal(await client('run', '--rm', 'app'), 'hello one two nobody /tmp');
      assert.equal(await client('run', '--rm', '-e', 'GREETING=hi', 'app', 'more'), 'hi more nobody /tmp');
      assert.match(await client('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}'), /^localhost\/app:latest$/m);
    }
  },
  'what the Dockerfile says holds: USER, WORKDIR, ENV, EXPOSE, VOLUME, STOPSIGNAL, HEALTHCHECK': async ({ daemon }) => {
    await daemon.dockerOk('run', '-d', '-P', '--name', 'app', 'app', 'stay');
    const inspect = (format: string): Promise<string> => daemon.dockerOk('inspect', '-f', format, 'app');
    assert.equal(
      await inspect(
        '{{.Config.User}} {{.Config.WorkingDir}} {{.Config.StopSignal}} {{index .Config.Labels "made.by"}}',
      ),
      'nobody /tmp SIGINT buildah',
    );
    assert.match(await daemon.dockerOk('port', 'app', '8080/tcp'), /^0\.0\.0\.0:\d+/);
    assert.match(await inspect('{{range .Mounts}}{{.Type}} {{.Destination}}{{end}}'), /^volume \/data$/);
    assert.equal(await daemon.dockerOk('exec', 'app', 'cat', '/data/seed'), 'seed');
    await until(async () => (await inspect('{{.State.Health.Status}}')) === 'healthy', 20_000, 'health');
    await daemon.dockerOk('rm', '-fv', 'app');
  },
  'from scratch, copy, config, commit; history': async ({ daemon, buildah }) => {
    const container = await ok(buildah('from', 'scratch'));
    await ok(buildah('copy', container, '/bin/busybox', '/bin/busybox'));
    await ok(buildah('config', '--entrypoint', '["/bin/busybox"]', '--cmd', 'echo made from scratch', container));
    await ok(buildah('commit', '--rm', '--format', 'docker', container, 'scratched:1'));
    assert.equal(await daemon.dockerOk('run', '--rm', 'scratched:1'), 'made from scratch');
    const history = (await daemon.dockerOk('history', '--format', '{{.CreatedBy}}', 'app')).split('\n');
    assert.ok(history.length >= 10, history.join('\n'));
    assert.match(history.join('\n'), /ENTRYPOINT \["\/entry\.sh"\]/);
  },
  'builds, runs and removals at the same time': async ({ daemon, buildah, context }) => {
    const build = async (n: number): Promise<string> => {
      const file = join(context, `Dockerfile.${n}`);
      writeFileSync(file, `FROM docker.io/library/busybox\nRUN echo ${n} >/number\nCMD cat /number\n`);
      return ok(buildah('bud', '--isolation', 'chroot', '-f', file, '-t', `number:${n}`, context));
    };
    const work = async (n: number): Promise<void> => {
      await daemon.dockerOk('tag', 'busybox', `tagged:${n}`);
      await daemon.dockerOk('run', '--rm', `tagged:${n}`, 'true');
      await daemon.dockerOk('rmi', `tagged:${n}`);
    };
    const done = await Promise.allSettled([build(1), work(1), build(2), work(2), work(3)]);
    for (const one of done) if (one.status === 'rejected') throw one.reason;
    for (const n of [1, 2]) assert.equal(await daemon.dockerOk('run', '--rm', `number:${n}`), String(n));
  },
  'docker rmi, and buildah does not see it any more': async ({ daemon, buildah }) => {
    const names = async (): Promise<string> => ok(buildah('images', '--format', '{{.Name}}:{{.Tag}}'));
    assert.match(await names(), /localhost\/app:latest/);
    await daemon.dockerOk('rmi', 'app', 'scratched:1', 'number:1', 'number:2');
    assert.equal(await names(), 'docker.io/library/busybox:latest');
    assert.notEqual((await daemon.docker('image', 'inspect', 'app')).code, 0);
  },
});
