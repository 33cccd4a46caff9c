/** Runs skopeo(1). Its output is plain lines; its last word on a failure is a logrus line with level=fatal. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { system, unavailable } from '../../errors.ts';
import { assertPipes } from '../process/pipes.ts';
import type { RegistryAuth } from './port.ts';

/** What skopeo said when it failed. Never sent to a client as it is: see registry-errors. */
export class SkopeoError extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'SkopeoError';
  }
}

export interface SkopeoRun {
  /** A private directory for its temporary files. */
  scratch: string;
  signal?: AbortSignal;
  /** 'os/arch[/variant]', '' for the machine's own. */
  platform?: string;
  onLine?: (line: string) => void;
  /** Lines of its log; asked for in detail only then. */
  onLog?: (line: string) => void;
  /** Its process, as soon as there is one. */
  onStart?: (pid: number) => void;
}

/** Bytes of output kept: registries' manifests have at most 4 MiB. */
const LARGEST_OUTPUT = 16 << 20;
/**
 * containers/storage binds <root>/overlay to itself and leaves that mount behind. In a mount namespace of skopeo's own
 * it ends with the process (1 ms), and so does a layer's mount that a kill would leave.
 */
const OWN_MOUNTS = ['--mount', '--propagation', 'slave'];
const POLICY = '/etc/containers/policy.json';
const PASSED_ON = [
  'PATH',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
];

/** 'time="…" level=fatal msg="…"' → the message. */
export function fatalText(stderr: string): string {
  const line =
    stderr
      .trim()
      .split('\n')
      .findLast((l) => l.includes('level=fatal')) ??
    stderr.trim().split('\n').at(-1) ??
    '';
  const quoted = /msg=("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
  if (quoted === undefined) return /msg=(\S+)/.exec(line)?.[1] ?? line;
  try {
    return String(JSON.parse(quoted));
  } catch {
    // Go's quoting has escapes (\x00, \a) that JSON lacks.
    return quoted.slice(1, -1);
  }
}

function globalFlags(run: SkopeoRun): string[] {
  const [os, arch, variant] = (run.platform ?? '').split('/');
  return [
    '--tmpdir',
    run.scratch,
    ...(run.onLog === undefined ? [] : ['--debug']),
    ...(existsSync(POLICY) ? [] : ['--insecure-policy']),
    ...(os ? ['--override-os', os] : []),
    ...(arch ? ['--override-arch', arch] : []),
    ...(variant ? ['--override-variant', variant] : []),
  ];
}

const missing = (cause: unknown): Error =>
  unavailable("skopeo is not installed, and images come and go through it: run 'apt-get install skopeo'", cause);

/** Resolves with its standard output. An abort kills it with its children; then it rejects with the signal's reason. */
export async function skopeo(args: readonly string[], run: SkopeoRun): Promise<Buffer> {
  run.signal?.throwIfAborted();
  const env: NodeJS.ProcessEnv = { HOME: '/root', TMPDIR: run.scratch };
  for (const name of PASSED_ON) if (process.env[name] !== undefined) env[name] = process.env[name];
  // A group of its own: skopeo unpacks layers in a child, which must not outlive it.
  const child = spawn('unshare', [...OWN_MOUNTS, 'skopeo', ...globalFlags(run), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  assertPipes(child, 'skopeo');
  // unshare becomes skopeo: the number stays.
  if (child.pid !== undefined) run.onStart?.(child.pid);
  const ended = Promise.withResolvers<number | null>();
  child.once('error', ended.reject);
  child.once('close', ended.resolve);
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= LARGEST_OUTPUT) chunks.push(chunk);
  });
  if (run.onLine !== undefined) createInterface({ input: child.stdout }).on('line', run.onLine);
  if (run.onLog !== undefined) createInterface({ input: child.stderr }).on('line', run.onLog);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-65_536);
  });
  const kill = (): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      child.kill('SIGKILL');
    }
  };
  run.signal?.addEventListener('abort', kill);
  try {
    const code = await ended.promise;
    run.signal?.throwIfAborted();
    if (stderr.startsWith('unshare: failed to execute skopeo')) throw missing(stderr);
    if (code !== 0) throw new SkopeoError(fatalText(stderr) || `skopeo ended with status ${code}`);
    if (size > LARGEST_OUTPUT) throw new SkopeoError('skopeo printed more than a manifest may have');
    return Buffer.concat(chunks);
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'ENOENT' ? missing(error) : error;
  } finally {
    run.signal?.removeEventListener('abort', kill);
  }
}

/** A local copy's failure: what went wrong, in plain words. */
export function localFailure(error: unknown, what: string, root: string): unknown {
  if (!(error instanceof SkopeoError)) return error;
  if (/no space left on device|disk quota exceeded/.test(error.message)) {
    return system(`${what}: no space left on device: make room on the file system of ${root}`, error);
  }
  return system(`${what}: ${error.message}`, error);
}

/**
 * The file with a registry's credentials (containers-auth.json(5)), 0600 in the private directory `scratch`. Always
 * given to skopeo, so that it never takes those of the user who started the daemon.
 */
export async function writeAuthFile(scratch: string, domain: string, auth: RegistryAuth | undefined): Promise<string> {
  const path = join(scratch, 'auth.json');
  const entry: Record<string, string> = {};
  if (auth?.username) entry['auth'] = Buffer.from(`${auth.username}:${auth.password ?? ''}`).toString('base64');
  if (auth?.identitytoken) entry['identitytoken'] = auth.identitytoken;
  const auths = Object.keys(entry).length === 0 ? {} : { [domain]: entry };
  await writeFile(path, JSON.stringify({ auths }), { mode: 0o600 });
  return path;
}
