/**
 * Tests of a client that are rows of docs/compatibility.md. A row says what the last run showed, so there is none without a run.
 *
 *     scenario({ client: 'dockerode 5', name: 'networks with static addresses' }, async (host) => { … });
 *
 *     scenarios({ client: 'docker-compose 1.29', outside: true }, async (host) => ({ host, daemon: await host.startDaemon() }), {
 *       'up -d, ps, down': async ({ host, daemon }) => { … },
 *       build: async ({ daemon }) => ({ refused: (await daemon.docker('build', '.')).stderr }),
 *     });
 *
 * Each is a test on a throw-away host (see ../support/host.ts for the options); those of one `scenarios` share theirs, run in the order in
 * which they stand, and each begins whatever became of the one before. Names are short, in a user's words, and one client has each but once.
 *
 * With COMPATIBILITY=DIRECTORY every process appends its rows to a file there, and `compatibility.ts` puts them into the page:
 *
 *     COMPATIBILITY=/tmp/rows sh scripts/test.sh clients
 *     sh scripts/node.sh test/compatibility/compatibility.ts /tmp/rows
 *
 * So that a test can find all scenarios without running them, test files register them when they are loaded, whatever is installed:
 * what may be missing is imported inside the body, and told by `skip`.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getCallSites } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { hostTest, type Host, type HostOptions } from '../support/host.ts';

/** In the order of the page. */
export const CLIENTS = [
  'berth',
  'docker 28',
  'docker 20.10',
  'docker-compose 1.29',
  'dockerode 5',
  'testcontainers 12',
  'Python docker 5',
  'Buildah',
  'applications',
  'hostile clients',
] as const;
export type Client = (typeof CLIENTS)[number];

/** What a body may say; nothing is the same as `{}`. A refusal that is well-formed and expected is a success of the test. */
export interface Outcome {
  /** Why the client is refused what it asks for: the words that the user sees. */
  refused?: string;
  /** What a reader must know of how it works. */
  note?: string;
}

type Body<T> = (shared: T) => Promise<Outcome | void>;

interface Common extends HostOptions {
  client: Client;
  /** Why it cannot run here. */
  skip?: string | false;
}

export interface Row {
  client: Client;
  name: string;
  /** Of the test, from the root of the repository. */
  file: string;
  /** `registered`: by COMPATIBILITY_LIST, which runs nothing. */
  outcome: 'works' | 'refused' | 'skipped' | 'fails' | 'registered';
  /** Why it is refused or skipped, how it fails, or what must be known. */
  note: string;
}

export function scenario(about: Common & { name: string }, body: Body<Host>): void {
  register(about, async (host) => host, { [about.name]: body }, about.name);
}

/** `prepare` fails them all; what it gives is disposed of after them, when it is an AsyncDisposable. */
export function scenarios<T>(
  about: Common,
  prepare: (host: Host) => Promise<T>,
  bodies: Readonly<Record<string, Body<T>>>,
): void {
  register(about, prepare, bodies, Object.keys(bodies).join(' · '));
}

function register<T>(
  about: Common,
  prepare: (host: Host) => Promise<T>,
  bodies: Readonly<Record<string, Body<T>>>,
  title: string,
): void {
  const names = Object.keys(bodies);
  const row = { client: about.client, file: callersFile() };
  if (process.env.COMPATIBILITY_LIST !== undefined) {
    for (const name of names) record({ ...row, name, outcome: 'registered', note: '' });
    return;
  }
  const skip = about.skip ?? false;
  if (skip !== false) for (const name of names) record({ ...row, name, outcome: 'skipped', note: skip });
  hostTest(`${about.client}: ${title}`, about, async (host) => {
    const failures: string[] = [];
    const fail = (name: string, error: unknown): void => {
      record({ ...row, name, outcome: 'fails', note: messageOf(error).split('\n', 1)[0] ?? '' });
      failures.push(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}`);
    };
    try {
      const shared = await prepare(host);
      // The host itself is the test's, which looks at what is left before it lets it go.
      await using _held = shared === (host as unknown) ? undefined : disposable(shared);
      for (const [name, body] of Object.entries(bodies)) {
        await body(shared).then(
          (outcome) => record({ ...row, name, ...judged(outcome ?? {}) }),
          (error: unknown) => fail(name, error),
        );
      }
    } catch (error) {
      for (const name of names) fail(name, error);
    }
    if (failures.length > 0) throw new Error(failures.join('\n\n'));
  });
}

const disposable = (shared: unknown): AsyncDisposable | undefined =>
  typeof shared === 'object' && shared !== null && Symbol.asyncDispose in shared
    ? (shared as AsyncDisposable)
    : undefined;

function judged({ refused, note }: Outcome): Pick<Row, 'outcome' | 'note'> {
  if (refused !== undefined) return { outcome: 'refused', note: refused.trim().replace(/\s+/g, ' ') };
  return { outcome: 'works', note: note ?? '' };
}

function record(row: Row): void {
  const directory = process.env.COMPATIBILITY ?? process.env.COMPATIBILITY_LIST;
  if (directory === undefined || directory === '') return;
  mkdirSync(directory, { recursive: true });
  appendFileSync(join(directory, `${process.pid}.jsonl`), `${JSON.stringify(row)}\n`);
}

/** The first file of the stack that is not this one. */
function callersFile(): string {
  const repository = fileURLToPath(new URL('../..', import.meta.url));
  const site = getCallSites().find(({ scriptName }) => scriptName !== import.meta.url);
  return relative(repository, fileURLToPath(site?.scriptName ?? import.meta.url));
}
