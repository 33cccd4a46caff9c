/** Capabilities (capabilities(7)) of a container: Docker's default set, --cap-add and --cap-drop. Pure. */
import { invalidParameter } from '../../errors.ts';

/** By number. */
const ALL = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
)
  .split(' ')
  .map((name) => `CAP_${name}`);

export const DEFAULT_CAPABILITIES: readonly string[] = (
  'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL ' +
  'AUDIT_WRITE'
)
  .split(' ')
  .map((name) => `CAP_${name}`);

/** Upper case with CAP_; 'ALL' stays. `field` is the one of the request that an error names. */
export function normalizeCapability(text: string, field: 'CapAdd' | 'CapDrop'): string {
  const upper = text.toUpperCase();
  if (upper === 'ALL' || upper === 'CAP_ALL') return 'ALL';
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (!ALL.includes(name)) throw invalidParameter(`invalid ${field}: unknown capability: ${JSON.stringify(name)}`);
  return name;
}

/** `available`: the bit mask of those that the daemon can hand on (CapBnd of /proc/self/status). */
export function capabilitiesOf(
  options: { add: readonly string[]; drop: readonly string[]; privileged: boolean },
  available: bigint,
): string[] {
  const there = ALL.filter((_, bit) => (available >> BigInt(bit)) & 1n);
  if (options.privileged) return there;
  const add = options.add.map((name) => normalizeCapability(name, 'CapAdd'));
  const drop = new Set(options.drop.map((name) => normalizeCapability(name, 'CapDrop')));
  const base = add.includes('ALL') ? there : drop.has('ALL') ? [] : DEFAULT_CAPABILITIES;
  const wanted = new Set([...base.filter((name) => !drop.has(name)), ...add.filter((name) => name !== 'ALL')]);
  for (const name of add) {
    if (name !== 'ALL' && !there.includes(name)) {
      throw invalidParameter(
        `capability ${name} cannot be given to a container: this machine does not give it to berthd itself`,
      );
    }
  }
  return there.filter((name) => wanted.has(name));
}
