/** The `linux.seccomp` part: the default profile for a set of capabilities, or a profile that the user gave. Pure. */
import { invalidParameter } from '../../errors.ts';
import type { OciSeccomp, OciSeccompRule } from './oci.ts';
import {
  AF_VSOCK,
  ALWAYS,
  NAMESPACE_FLAGS,
  OF_ARCHITECTURE,
  PERSONALITIES,
  WITH_CAPABILITY,
} from './seccomp-profile.ts';

const EPERM = 1;
const ENOSYS = 38;
const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
};
const allow = (names: readonly string[], args?: OciSeccompRule['args']): OciSeccompRule => ({
  names: [...names],
  action: 'SCMP_ACT_ALLOW',
  ...(args === undefined ? {} : { args }),
});

/** `architecture` as Node names it. */
export function defaultSeccomp(capabilities: readonly string[], architecture: string): OciSeccomp {
  const has = new Set(capabilities);
  const names = new Set([...ALWAYS, ...(OF_ARCHITECTURE[architecture] ?? [])]);
  for (const [capability, calls] of Object.entries(WITH_CAPABILITY)) {
    if (has.has(capability)) for (const call of calls) names.add(call);
  }
  const syscalls = [
    allow([...names]),
    allow(['socket'], [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }]),
    ...PERSONALITIES.map((value) => allow(['personality'], [{ index: 0, value, op: 'SCMP_CMP_EQ' }])),
  ];
  if (!has.has('CAP_SYS_ADMIN')) {
    syscalls.push(
      allow(['clone'], [{ index: 0, value: NAMESPACE_FLAGS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }]),
      // Its flags are behind a pointer, where no filter sees them: libc falls back to clone on ENOSYS.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
    );
  }
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures: [...(ARCHITECTURES[architecture] ?? [])],
    syscalls,
  };
}

interface Condition {
  caps?: string[];
  arches?: string[];
  minKernel?: string;
}
interface ProfileRule extends Omit<OciSeccompRule, 'names'> {
  name?: string;
  names?: string[];
  includes?: Condition;
  excludes?: Condition;
}
interface Profile {
  defaultAction?: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  archMap?: { architecture: string; subArchitectures?: string[] }[];
  syscalls?: ProfileRule[];
}

/** Docker's profile format: OCI's with `archMap`, `includes` and `excludes`. */
export function customSeccomp(text: string, capabilities: readonly string[], architecture: string): OciSeccomp {
  let profile: Profile;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) throw new SyntaxError('not an object');
    profile = value;
  } catch (error) {
    throw invalidParameter(
      `Decoding seccomp profile failed: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (profile.defaultAction === undefined) throw invalidParameter('Decoding seccomp profile failed: no defaultAction');
  const goArch = architecture === 'x64' ? 'amd64' : architecture;
  const own = ARCHITECTURES[architecture] ?? [];
  const mapped = profile.archMap?.find((entry) => entry.architecture === own[0]);
  const meets = (condition: Condition | undefined, all: boolean): boolean => {
    const caps = condition?.caps ?? [];
    const arches = condition?.arches ?? [];
    if (all) {
      return caps.every((cap) => capabilities.includes(cap)) && (arches.length === 0 || arches.includes(goArch));
    }
    return caps.some((cap) => capabilities.includes(cap)) || arches.includes(goArch);
  };
  const syscalls = (profile.syscalls ?? []).flatMap((rule) => {
    if (!meets(rule.includes, true) || meets(rule.excludes, false)) return [];
    const names = rule.names ?? (rule.name === undefined ? [] : [rule.name]);
    return names.length === 0
      ? []
      : [
          {
            names,
            action: rule.action,
            ...(rule.errnoRet === undefined ? {} : { errnoRet: rule.errnoRet }),
            ...(rule.args ? { args: rule.args } : {}),
          },
        ];
  });
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures:
      profile.architectures ?? (mapped ? [mapped.architecture, ...(mapped.subArchitectures ?? [])] : [...own]),
    syscalls,
  };
}
