/** A further process of a container, as the runtime wants it told (config.md, "Process"). */
import type { ExecConfig } from '../model/container.ts';
import type { Context } from './context.ts';
import type { Container } from './registry.ts';
import { identityIn } from './rootfs.ts';
import type { OciProcess } from './spec/oci.ts';
import { capabilitySets, environment, rlimitsOf, securityOptions } from './spec/spec.ts';

export function execProcess(
  context: Context,
  { record }: Container,
  config: ExecConfig,
  size: [height: number, width: number] | undefined,
): OciProcess {
  const host = record.hostConfig;
  // Its own view of the root: what is mounted over /etc/passwd counts.
  const root = `/proc/${record.state.Pid}/root`;
  const identity = identityIn(root, config.User || record.config.User, host.GroupAdd ?? []);
  const capabilities = capabilitySets(
    { add: host.CapAdd ?? [], drop: host.CapDrop ?? [], privileged: host.Privileged || config.Privileged },
    context.capabilities,
    identity.uid,
  );
  const security = securityOptions(host.SecurityOpt ?? []);
  const own = { ...record.config, Env: [...record.config.Env, ...config.Env] };
  const consoleSize = config.ConsoleSize ?? size;
  return {
    terminal: config.Tty,
    ...(config.Tty && consoleSize !== undefined && consoleSize[0] > 0
      ? { consoleSize: { height: consoleSize[0], width: consoleSize[1] } }
      : {}),
    user: {
      uid: identity.uid,
      gid: identity.gid,
      ...(identity.additionalGids.length > 0 ? { additionalGids: identity.additionalGids } : {}),
    },
    args: config.Cmd,
    env: environment(own, identity.home, record.config.Hostname, config.Tty),
    cwd: config.WorkingDir || record.config.WorkingDir || '/',
    capabilities: capabilities.sets,
    ...rlimitsOf(host.Ulimits ?? context.settings.defaultUlimits),
    noNewPrivileges: security.noNewPrivileges ?? context.settings.noNewPrivileges,
  };
}
