/** Every command of the stock docker CLI, of today and of Debian 12: the rows of docker-cli-table.ts. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import type { Daemon } from '../support/daemon.ts';
import { scenarios, type Outcome } from '../compatibility/scenarios.ts';
import type { ExecResult, Host } from '../support/host.ts';
import { noJudge } from '../support/stock-client.ts';
import { containerRows, imageRows, otherRows, refusedRows, type Row } from './docker-cli-table.ts';

const OLD = '/usr/bin/docker';

interface Client {
  name: string;
  version: number;
  run: (line: string) => Promise<ExecResult>;
}

const versionOf = (path: string): number => {
  try {
    return Number(/version (\d+)\./.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[1] ?? 0);
  } catch {
    return 0;
  }
};

/** `docker` in a line is the client; what it keeps, and the line's own files, are below the host's root. */
function clientOf(host: Host, daemon: Daemon, path: string, letter: string): Client {
  const own = `${host.root}/client-${letter}`;
  mkdirSync(`${own}/bin`, { recursive: true });
  symlinkSync(path, `${own}/bin/docker`);
  const env = {
    ...daemon.clientEnv,
    DOCKER_CONFIG: `${own}/config`,
    PATH: `${own}/bin:${process.env['PATH']}`,
    TMP: own,
  };
  return {
    name: `${path} ${versionOf(path)}`,
    version: versionOf(path),
    run: async (line) => host.exec(['sh', '-c', line.replaceAll('%', `cli${letter}`)], { env, timeout: 60_000 }),
  };
}

function differences({ code = 0, stdout, stderr }: Row, got: ExecResult): string[] {
  const wrong: string[] = [];
  const compare = (what: string, wanted: string | RegExp | undefined, text: string): void => {
    if (wanted === undefined) return;
    if (typeof wanted === 'string' ? text !== wanted : !wanted.test(text)) wrong.push(`${what}: not ${String(wanted)}`);
  };
  if (got.code !== code) wrong.push(`exit code ${got.code}, not ${code}`);
  compare('stdout', stdout, got.stdout);
  compare('stderr', stderr, got.stderr);
  return wrong;
}

/** Rows do not depend on each other, but for those of contexts, which stand in order in one list. */
async function runRows(client: Client, rows: readonly Row[], parallel: number): Promise<string[]> {
  const failures: string[] = [];
  const queue = rows.filter(({ since }) => since === undefined || client.version >= since);
  const work = async (): Promise<void> => {
    for (let row = queue.shift(); row !== undefined; row = queue.shift()) {
      const got = await client.run(row.line);
      const wrong = differences(row, got);
      if (wrong.length > 0) {
        failures.push(`${client.name}: ${row.line}\n  ${wrong.join('\n  ')}\n  said: ${got.stdout}${got.stderr}`);
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return failures;
}

async function prepare(daemon: Daemon): Promise<void> {
  await daemon.dockerOk('network', 'create', 'net1');
  const flags = ['--network', 'net1', '-p', '127.0.0.1:8080:80', '-p', '53/udp', '--label', 'x=y', '-v', 'vol:/data'];
  const script = 'echo out; sleep 0.1; echo err >&2; exec sleep 1000';
  await daemon.dockerOk('run', '-d', '--name', 'box', ...flags, 'busybox', 'sh', '-c', script);
  assert.equal((await daemon.docker('run', '--name', 'done', 'busybox', 'sh', '-c', 'exit 3')).code, 3);
  await daemon.dockerOk('create', '--name', 'idle', '--expose', '99', 'busybox');
}

/** How many lines were typed is what a reader learns. */
const typed = async (client: Client, rows: readonly Row[], parallel: number): Promise<Outcome> => {
  const failures = await runRows(client, rows, parallel);
  assert.equal(failures.join('\n\n'), '');
  return { note: `${rows.filter(({ since }) => since === undefined || client.version >= since).length} command lines` };
};

interface Stock {
  client: 'docker 28' | 'docker 20.10';
  path: string;
  skip: string | false;
}

const first = execFileSync('sh', ['-c', 'command -v docker'], { encoding: 'utf8' }).trim();
const CLIENTS: readonly Stock[] = [
  { client: 'docker 28', path: first, skip: noJudge },
  { client: 'docker 20.10', path: OLD, skip: versionOf(OLD) === 20 ? false : `needs docker 20.10 at ${OLD}` },
];

for (const { client, path, skip } of CLIENTS) {
  scenarios(
    { client, skip, outside: true },
    async (host) => {
      const daemon = await host.startDaemon();
      await prepare(daemon);
      return clientOf(host, daemon, path, client === 'docker 28' ? 'n' : 'o');
    },
    {
      // First: the daemon remembers its last 256 events only.
      'networks, volumes, events, system, contexts': (stock) => typed(stock, otherRows, 1),
      containers: (stock) => typed(stock, containerRows, 2),
      images: (stock) => typed(stock, imageRows, 1),
      'build, swarm, services, plugins … are refused, and why': (stock) => typed(stock, refusedRows, 2),
    },
  );
}
