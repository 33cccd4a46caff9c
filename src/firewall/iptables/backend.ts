/**
 * The firewall by iptables (--firewall-backend=iptables), for hosts whose administrator allows nothing else. It spawns
 * iptables-restore: 20–30 ms a change.
 */
import { messageOf, unavailable } from '../../errors.ts';
import type { Firewall } from '../firewall.ts';
import { chainNames, restoreText } from './rules.ts';

export type RunProgram = (
  argv: readonly [string, ...string[]],
  input?: string,
) => Promise<{ code: number; stderr: string }>;

/** Wait for the lock of another iptables (xtables.lock) rather than fail. */
const WAIT = '-w';

export function createIptablesFirewall(run: RunProgram, instance: string): Firewall {
  const chains = chainNames(instance);
  const jumps = [
    { table: 'nat', from: 'POSTROUTING', to: chains.postrouting },
    { table: 'filter', from: 'FORWARD', to: chains.forward },
  ];
  const must = async (argv: readonly [string, ...string[]], input?: string): Promise<void> => {
    const { code, stderr } = await run(argv, input).catch((error: unknown) => {
      throw unavailable(`${argv[0]} cannot be run: ${messageOf(error)}. Install iptables, or use nftables`, error);
    });
    if (code !== 0) throw unavailable(`the firewall rules could not be made (${argv.join(' ')}): ${stderr.trim()}`);
  };
  const commands = [
    { family: 4, program: 'iptables' },
    { family: 6, program: 'ip6tables' },
  ] as const;

  const succeeds = async (argv: readonly [string, ...string[]]): Promise<boolean> =>
    run(argv).then(
      ({ code }) => code === 0,
      () => false,
    );
  const removeFrom = async (program: string): Promise<void> => {
    for (const { table, from, to } of jumps) {
      // Each fails when there is nothing to remove.
      await succeeds([program, WAIT, '-t', table, '-D', from, '-j', to]);
      await succeeds([program, WAIT, '-t', table, '-F', to]);
      await succeeds([program, WAIT, '-t', table, '-X', to]);
    }
  };

  return {
    async set(networks) {
      for (const { family, program } of commands) {
        if (family === 6 && !networks.some(({ subnets }) => subnets.some((subnet) => subnet.includes(':')))) {
          // Not even the chains, where nobody uses IPv6; but an earlier run may have.
          if (await succeeds([program, WAIT, '-t', 'filter', '-S', chains.forward])) await removeFrom(program);
          continue;
        }
        await must([`${program}-restore`, '--noflush', WAIT], restoreText(networks, chains, family));
        for (const { table, from, to } of jumps) {
          const present = await succeeds([program, WAIT, '-t', table, '-C', from, '-j', to]);
          if (!present) await must([program, WAIT, '-t', table, '-I', from, '-j', to]);
        }
      }
    },
    async remove() {
      for (const { program } of commands) await removeFrom(program);
    },
  };
}
