/**
 * dockerode's calls of containers and execs, as its README and its own test suite make them (the suite is not in its package):
 * by promises, by callbacks, and by the streams that both hand over.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Socket } from 'node:net';
import { PassThrough, type Duplex } from 'node:stream';
import Docker from 'dockerode';
import { scenarios } from '../compatibility/scenarios.ts';
import { until } from '../support/wait.ts';
import { textOf } from './support.ts';

const IDLE = { Image: 'busybox', Cmd: ['sleep', '1000'] };
const STDIO = { AttachStdin: true, OpenStdin: true, StdinOnce: true, AttachStdout: true, AttachStderr: true };

/** The two sides of a stream with a process, demultiplexed by the client itself; resolves at its end. */
async function demuxed(client: Docker, stream: NodeJS.ReadableStream): Promise<[out: string, err: string]> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  client.modem.demuxStream(stream, out, err);
  stream.on('end', () => {
    out.end();
    err.end();
  });
  return Promise.all([textOf(out), textOf(err)]);
}

/** What a client that reads on meanwhile has got so far. */
function gathered(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('latin1');
}

async function running(client: Docker, options: Docker.ContainerCreateOptions = {}): Promise<Docker.Container> {
  const container = await client.createContainer({ ...IDLE, ...options });
  await container.start();
  return container;
}

scenarios(
  { client: 'dockerode 5' },
  async (host) => {
    const daemon = await host.startDaemon();
    return { daemon, client: new Docker({ socketPath: daemon.socket, version: 'v1.52' }) };
  },
  {
    'containers: create, inspect, start, rename, restart, kill, stop, wait, remove': async ({ client }) => {
      const container = await client.createContainer({
        ...IDLE,
        name: 'life',
        Labels: { part: 'life' },
        StopTimeout: 1,
      });
      assert.equal((await container.inspect()).State.Status, 'created');
      await container.start();
      await assert.rejects(container.start(), { statusCode: 304, reason: 'container already started' });
      const listed = await client.listContainers({ filters: { label: ['part=life'] } });
      assert.deepEqual(
        listed.map(({ Names, State, Command }) => ({ Names, State, Command })),
        [{ Names: ['/life'], State: 'running', Command: 'sleep 1000' }],
      );
      await container.rename({ name: 'living' });
      await container.restart({ t: 0 });
      assert.equal((await client.getContainer('living').inspect()).State.Running, true);
      const exit = container.wait() as Promise<{ StatusCode: number }>;
      await container.kill({ signal: 'SIGKILL' });
      assert.equal((await exit).StatusCode, 137);
      await assert.rejects(container.stop(), { statusCode: 304 });
      await assert.rejects(container.kill(), { statusCode: 409 });
      await container.remove({ v: true });
      await assert.rejects(container.inspect(), { statusCode: 404, reason: 'no such container' });
    },
    'containers: the same calls with callbacks': async ({ client }) => {
      const order: string[] = [];
      await new Promise<void>((resolve, reject) => {
        const then =
          (name: string, next: () => unknown) =>
          (error: Error | null): void => {
            order.push(name);
            if (error === null) next();
            else reject(error);
          };
        client.createContainer({ ...IDLE, name: 'called' }, (error, container) => {
          if (error !== null || container === undefined) return reject(error as Error);
          container.start(
            then('start', () =>
              container.inspect((_, data) => {
                order.push(`inspect ${data?.State.Status}`);
                container.stop(
                  { t: 0 },
                  then('stop', () => container.remove(then('remove', resolve))),
                );
              }),
            ),
          );
        });
      });
      assert.deepEqual(order, ['start', 'inspect running', 'stop', 'remove']);
      const failure = await new Promise((resolve) => {
        client.getContainer('called').inspect((error) => resolve(error));
      });
      assert.equal((failure as { statusCode: number }).statusCode, 404);
    },
    'attach: output demultiplexed': async ({ client }) => {
      const container = await client.createContainer({
        Image: 'busybox',
        Cmd: ['sh', '-c', 'echo to stdout; echo to stderr >&2'],
      });
      const stream = await container.attach({ stream: true, stdout: true, stderr: true });
      const output = demuxed(client, stream);
      await container.start();
      assert.deepEqual(await output, ['to stdout\n', 'to stderr\n']);
      await container.wait();
      await container.remove();
    },
    'attach: input over a hijacked connection': async ({ client }) => {
      const container = await client.createContainer({ Image: 'busybox', Cmd: ['sha256sum'], ...STDIO });
      const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
      assert.ok(stream instanceof Socket);
      const output = demuxed(client, stream);
      await container.start();
      const data = Buffer.alloc(3_000_000, 'some input ');
      stream.end(data);
      assert.deepEqual(await output, [`${createHash('sha256').update(data).digest('hex')}  -\n`, '']);
      assert.deepEqual(await container.wait(), { StatusCode: 0 });
      await container.remove();
    },
    'attach: input without an upgrade of the connection': async ({ client }) => {
      const options = { stream: true, stdin: true, stdout: true, stderr: true };
      const counted = await client.createContainer({ Image: 'busybox', Cmd: ['wc', '-c'], ...STDIO, Tty: true });
      const terminal = await counted.attach(options);
      assert.ok(!(terminal instanceof Socket));
      const shown = gathered(terminal);
      await counted.start();
      terminal.write(`${'x'.repeat(1000)}\n\x04`);
      await counted.wait();
      await until(() => shown() === `${'x'.repeat(1000)}\r\n1001\r\n`, 10_000, `the count, not ${shown()}`);

      const shell = await client.createContainer({ Image: 'busybox', Cmd: ['sh'], ...STDIO });
      const piped = await shell.attach(options);
      const printed = gathered(piped);
      await shell.start();
      // What looks like a request of its own is input, too.
      piped.write(`printf '${'x'.repeat(5000)}' | wc -c\n`);
      piped.write('GET / HTTP/1.1\r\n\r\n');
      piped.write('exit\n');
      await shell.wait();
      await until(() => printed().includes('5000\n') && printed().includes('GET: not found'), 10_000, 'both answers');
      assert.ok(!printed().includes('HTTP/1.1 4'), printed());
      await Promise.all([counted.remove(), shell.remove()]);
    },
    'exec: output, exit code, environment, user': async ({ client }) => {
      const container = await running(client);
      const exec = await container.exec({
        Cmd: ['sh', '-c', 'echo $WHO; id -u; pwd; echo no >&2; exit 3'],
        Env: ['WHO=me'],
        User: 'nobody',
        WorkingDir: '/tmp',
        AttachStdout: true,
        AttachStderr: true,
      });
      const stream = await exec.start({});
      assert.deepEqual(await demuxed(client, stream), ['me\n65534\n/tmp\n', 'no\n']);
      const { ExitCode, Running, ContainerID, ProcessConfig } = await exec.inspect();
      assert.deepEqual([ExitCode, Running, ContainerID], [3, false, container.id]);
      assert.equal((ProcessConfig as { entrypoint: string }).entrypoint, 'sh');
      const absent = await container.exec({ Cmd: ['/nothing'], AttachStdout: true });
      assert.match(await textOf(await absent.start({})), /no such file or directory/);
      assert.equal((await absent.inspect()).ExitCode, 127);
      await container.remove({ force: true });
    },
    'exec: input over a hijacked connection and without': async ({ client }) => {
      const container = await running(client);
      const options = { Cmd: ['cat'], AttachStdin: true, AttachStdout: true };
      const sample = 'echo\nall\nof\nme\n';
      const hijacked = await (await container.exec(options)).start({ hijack: true, stdin: true });
      assert.ok(hijacked instanceof Socket);
      hijacked.end(sample);
      assert.equal(await textOf(hijacked), `\x01\0\0\0\0\0\0\x0f${sample}`);

      const plain = await (await container.exec({ ...options, Cmd: ['head', '-n2'] })).start({ stdin: true });
      const printed = gathered(plain);
      plain.write('one\ntwo\n');
      await until(() => printed().endsWith('one\ntwo\n'), 10_000, 'the lines');
      await container.remove({ force: true });
    },
    'exec: a terminal and its size': async ({ client }) => {
      const container = await running(client);
      const exec = await container.exec({ Cmd: ['sh'], Tty: true, AttachStdin: true, AttachStdout: true });
      const stream: Duplex = await exec.start({ hijack: true, stdin: true, Tty: true });
      const shown = gathered(stream);
      await exec.resize({ h: 24, w: 100 });
      stream.write('stty size; exit 5\n');
      await until(() => shown().includes('24 100'), 10_000, `the size, not ${shown()}`);
      await until(async () => !(await exec.inspect()).Running);
      assert.equal((await exec.inspect()).ExitCode, 5);
      await container.remove({ force: true });
    },
    'logs: at once, followed, since, tail, timestamps': async ({ client }) => {
      const script = 'echo one; echo two >&2; until [ -e /go ]; do usleep 10000; done; echo three';
      const container = await running(client, { Cmd: ['sh', '-c', script] });
      const options = { stdout: true, stderr: true } as const;
      const follow = demuxed(client, await container.logs({ ...options, follow: true }));
      const now = async (more: Docker.ContainerLogsOptions & { follow?: false }): Promise<string> =>
        (await container.logs(more)).toString('latin1');
      await until(async () => (await now(options)).includes('two'), 10_000, 'both lines');
      assert.equal(await now({ stdout: true }), '\x01\0\0\0\0\0\0\x04one\n');
      assert.equal(await now({ ...options, tail: 1 }), '\x02\0\0\0\0\0\0\x04two\n');
      assert.match(await now({ stderr: true, timestamps: true }), /\d{4}-\d\d-\d\dT[\d:.]+Z two\n$/);
      assert.equal(await now({ ...options, since: Math.floor(Date.now() / 1000) + 100 }), '');
      await (await container.exec({ Cmd: ['touch', '/go'] })).start({ Detach: true });
      assert.deepEqual(await follow, ['one\nthree\n', 'two\n']);
      await container.wait();
      await container.remove();
    },
    'run: streams, options, the events of its emitter': async ({ client }) => {
      const [out, err] = [new PassThrough(), new PassThrough()];
      const [data, container] = (await client.run(
        'busybox',
        ['sh', '-c', 'echo out; echo err >&2; exit 4'],
        [out, err],
        {
          Tty: false,
        },
      )) as [{ StatusCode: number }, Docker.Container];
      out.end();
      err.end();
      assert.deepEqual([data.StatusCode, await textOf(out), await textOf(err)], [4, 'out\n', 'err\n']);
      await container.remove();
      const seen: string[] = [];
      const sink = new PassThrough();
      await new Promise<void>((resolve, reject) => {
        const emitter = client.run(
          'busybox',
          ['uname'],
          sink,
          { name: 'ran', HostConfig: { AutoRemove: true } },
          {},
          (error: Error | null) => (error === null ? resolve() : reject(error)),
        );
        for (const name of ['container', 'stream', 'start', 'data']) emitter.on(name, () => seen.push(name));
      });
      sink.end();
      assert.equal(await textOf(sink), 'Linux\r\n');
      assert.deepEqual(seen, ['container', 'stream', 'start', 'data']);
      await until(async () => (await client.listContainers({ all: true })).every(({ Names }) => Names[0] !== '/ran'));
    },
    'wait, logs, attach and events given up by an abort signal': async ({ client }) => {
      const container = await running(client);
      const aborted = async (start: (abortSignal: AbortSignal) => Promise<unknown>): Promise<void> => {
        const abort = new AbortController();
        const result = start(abort.signal);
        setTimeout(() => abort.abort(), 50);
        // A stream may have no more to say of it than its end.
        await result.catch((error: unknown) => assert.match(String(error), /abort/i));
        assert.ok(abort.signal.aborted);
      };
      const read = async (stream: NodeJS.ReadableStream): Promise<void> => void (await textOf(stream));
      await aborted((abortSignal) => container.wait({ abortSignal }));
      await aborted(async (abortSignal) =>
        read(await container.logs({ stdout: true, follow: true, abortSignal } as { stdout: true; follow: true })),
      );
      await aborted(async (abortSignal) => read(await container.attach({ stream: true, stdout: true, abortSignal })));
      await aborted(async (abortSignal) => read(await client.getEvents({ abortSignal })));
      assert.equal((await container.inspect()).State.Running, true);
      await container.remove({ force: true });
    },
    top: async ({ client }) => {
      const container = await running(client);
      const top = async (): Promise<{ Titles: string[]; Processes: string[][] }> =>
        (await container.top({ ps_args: '-o pid,args' })) as { Titles: string[]; Processes: string[][] };
      assert.deepEqual((await top()).Titles, ['PID', 'COMMAND']);
      // A process that was started may not yet have become the program.
      await until(async () => (await top()).Processes.map(([, args]) => args).join() === 'sleep 1000', 15_000, 'sleep');
      await container.remove({ force: true });
    },
    'prune of containers': async ({ client }) => {
      const container = await client.createContainer({ ...IDLE, Labels: { prune: 'me' } });
      const pruned = await client.pruneContainers({ filters: { label: ['prune=me'] } });
      assert.deepEqual(pruned.ContainersDeleted, [container.id]);
    },
  },
);
