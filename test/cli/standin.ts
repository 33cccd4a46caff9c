/** A stand-in for the daemon on a unix socket, and both clients against it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { programArgv } from '../support/daemon.ts';

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Seen {
  method: string;
  /** Decoded, without version. */
  path: string;
  body: string;
}

export interface StandIn {
  readonly socket: string;
  /** Requests so far, without the ping. */
  readonly seen: Seen[];
  docker: (...args: string[]) => Promise<Result>;
  berth: (...args: string[]) => Promise<Result>;
  /** With something on stdin. */
  berthWith: (input: string, ...args: string[]) => Promise<Result>;
  close: () => Promise<void>;
}

/** Status and JSON text; a text alone is 200, undefined is docker's 404. */
export type Answer = string | readonly [status: number, text: string] | undefined;

export function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv, input = ''): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(file, args, { env, timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
    child.stdin?.on('error', () => undefined).end(input);
  });
}

export async function startStandIn(answer: (method: string, path: string, body: string) => Answer): Promise<StandIn> {
  const directory = mkdtempSync('/tmp/b-cli-');
  const socket = `${directory}/s`;
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      let body = '';
      for await (const part of request) body += String(part);
      response.setHeader('Api-Version', '1.50');
      response.setHeader('Ostype', 'linux');
      if (request.url === '/_ping') return response.end('OK');
      const path = decodeURIComponent((request.url ?? '').replace(/^\/v1\.\d+/, '').replaceAll('+', ' '));
      const method = request.method ?? '';
      seen.push({ method, path, body });
      const found = answer(method, path, body) ?? [404, JSON.stringify({ message: 'page not found' })];
      const [status, text] = typeof found === 'string' ? [200, found] : found;
      response.setHeader('Content-Type', 'application/json');
      response.statusCode = status;
      return response.end(text);
    })();
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const env = { PATH: process.env['PATH'], HOME: directory, TZ: 'UTC' };
  const [file = '', ...before] = programArgv('berth');
  const berthWith = (input: string, ...args: string[]): Promise<Result> =>
    run(file, [...before, ...args], { ...env, BERTH_HOST: `unix://${socket}` }, input);
  return {
    socket,
    seen,
    berthWith,
    berth: (...args) => berthWith('', ...args),
    docker: (...args) => run('docker', args, { ...env, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: directory }),
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      rmSync(directory, { recursive: true });
    },
  };
}
