/** How the etcd of a member of a managed cluster is started: its files and its command line. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { unavailable } from '../../errors.ts';
import { identify, isAlive } from '../../linux/pidfd.ts';
import type { ProcessId } from '../../linux/pidfd.ts';
import { shortenLog } from './etcd-log.ts';

/** etcd's own, registered with IANA: for clients, and between members. */
export const CLIENT_PORT = 2379;
export const PEER_PORT = 2380;

/** All below one directory that only root may enter. */
export const filesIn = (directory: string) =>
  ({
    authority: `${directory}/ca.pem`,
    certificate: `${directory}/host.pem`,
    key: `${directory}/host-key.pem`,
    data: `${directory}/etcd`,
    /** There as long as this host is in the cluster, so that a store that was lost is told from one that never knew. */
    entered: `${directory}/entered`,
    pid: `${directory}/etcd.pid`,
    log: `${directory}/etcd.log`,
  }) as const;

export interface MemberSettings {
  /** Of the host in the cluster. */
  name: string;
  /** The one address that it listens at. */
  address: string;
  clusterId: string;
  /** 'NAME=PEERURL,…' of all members, this one among them; read by etcd at its first start only. */
  initialCluster: string;
  state: 'new' | 'existing';
}

const urlOf = (address: string, port: number): string =>
  `https://${address.includes(':') ? `[${address}]` : address}:${port}`;

export const clientUrl = (address: string): string => urlOf(address, CLIENT_PORT);
export const peerUrl = (address: string): string => urlOf(address, PEER_PORT);

/** etcd 3.4 and later (etcd --help). Both sides of every connection show a certificate of the cluster's authority. */
export function etcdArguments(directory: string, settings: MemberSettings): string[] {
  const files = filesIn(directory);
  const tls = { 'trusted-ca-file': files.authority, 'cert-file': files.certificate, 'key-file': files.key };
  const options: Record<string, string> = {
    name: settings.name,
    'data-dir': files.data,
    'listen-client-urls': clientUrl(settings.address),
    'advertise-client-urls': clientUrl(settings.address),
    'listen-peer-urls': peerUrl(settings.address),
    'initial-advertise-peer-urls': peerUrl(settings.address),
    'initial-cluster': settings.initialCluster,
    'initial-cluster-state': settings.state,
    'initial-cluster-token': settings.clusterId,
    ...tls,
    'client-cert-auth': 'true',
    ...Object.fromEntries(Object.entries(tls).map(([name, file]) => [`peer-${name}`, file])),
    'peer-client-cert-auth': 'true',
    // Revisions of the last hour: a watch that was away for longer begins anew.
    'auto-compaction-mode': 'periodic',
    'auto-compaction-retention': '1h',
    logger: 'zap',
    'log-outputs': 'stderr',
    'log-level': 'warn',
  };
  return Object.entries(options).map(([name, value]) => `--${name}=${value}`);
}

/**
 * A session of its own: it outlives berthd, as containers do. The shell, whose process etcd becomes, writes down which one that is
 * before there is an etcd: proc(5), stat; so a berthd that is killed here finds it again.
 */
export async function spawnEtcd(program: string, directory: string, settings: MemberSettings): Promise<ProcessId> {
  const { pid, log } = filesIn(directory);
  await shortenLog(log);
  const output = openSync(log, 'a', 0o600);
  try {
    const script = 'umask 077; cat /proc/$$/stat >"$0" && exec "$@"';
    const child = spawn('sh', ['-c', script, pid, program, ...etcdArguments(directory, settings)], {
      detached: true,
      cwd: '/',
      // Settings of etcd may stand in the environment, too: berthd's is not for it. 3.4 wants to be asked twice on arm64.
      env: { PATH: process.env.PATH ?? '', ...(process.arch === 'arm64' ? { ETCD_UNSUPPORTED_ARCH: 'arm64' } : {}) },
      stdio: ['ignore', output, output],
    });
    child.unref();
    await once(child, 'spawn');
    const found = child.pid === undefined ? undefined : identify(child.pid);
    if (!found) throw unavailable(`etcd ended at once; ${log} may say why`);
    return found;
  } finally {
    closeSync(output);
  }
}

/** The process that was started last; undefined when none was, or when it has ended. */
export function startedEtcd(directory: string): ProcessId | undefined {
  const { pid: file, data } = filesIn(directory);
  try {
    const text = readFileSync(file, 'latin1');
    const startTime = text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    const found = { pid: Number.parseInt(text, 10), startTime };
    // After a reboot the two numbers may, by an unlikely chance, be another's: what it was called with is not.
    const ours = readFileSync(`/proc/${found.pid}/cmdline`, 'latin1').split('\0').includes(`--data-dir=${data}`);
    return ours && isAlive(found) ? found : undefined;
  } catch {
    return undefined;
  }
}
