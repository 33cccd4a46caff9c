import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '../command.ts';
import { outputOf } from '../streams/output.ts';
import { stepText, type StepResult, tour } from '../tour/tour.ts';
import { makeWorld } from '../tour/world.ts';

/** Program → Debian's package. */
const PROGRAMS = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  ip: 'iproute2',
  brctl: 'bridge-utils',
  busybox: 'busybox-static',
  etcd: 'etcd-server',
  iptables: 'iptables',
  nft: 'nftables',
  tcpdump: 'tcpdump',
} as const;

function missingPackages(path: string): string[] {
  const exists = (program: string): boolean =>
    path.split(':').some((directory) => {
      try {
        accessSync(join(directory, program), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
  const missing = Object.entries(PROGRAMS).filter(([program]) => !exists(program));
  return [...new Set(missing.map(([, name]) => name))];
}

const INTERRUPTED = 130;

export const command: Command = {
  path: 'tour',
  usage: '[OPTIONS]',
  summary: 'Show how the networks work, step by step, in a throw-away host',
  flags: [
    { name: 'format', type: 'string', help: 'Print the steps as data ("json")', complete: ['json'] },
    { name: 'yes', short: 'y', type: 'bool', help: 'Ask nothing (the tour never does)', hidden: true },
  ],
  args: { min: 0, max: 0 },
  async run({ stdout, env }, values) {
    const format = values.string('format');
    if (!['', 'json'].includes(format))
      throw new Error(`invalid format ${JSON.stringify(format)}: only "json" is known`);
    if (process.getuid?.() !== 0) {
      throw new Error('berth tour makes network namespaces and starts containers in them: run it as root');
    }
    const missing = missingPackages(`${env['PATH'] ?? ''}:/usr/sbin:/sbin`);
    if (missing.length > 0) throw new Error(`programs are missing: apt-get install ${missing.join(' ')}`);
    const output = outputOf(stdout);
    const results: StepResult[] = [];
    await using world = await makeWorld();
    // The exit waits for the world's end; without this a signal would leave that to the keeper alone.
    const interrupt = (): void => {
      void world[Symbol.asyncDispose]().then(() => process.exit(INTERRUPTED));
    };
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('SIGHUP', interrupt);
    if (format === '') {
      await output.write('In a host of its own, with a berthd of its own; nothing of this machine is touched.\n\n');
    }
    for await (const result of tour(world)) {
      results.push(result);
      if (format === '') await output.write(stepText(result, results.length, stdout.isTTY));
    }
    if (format === 'json') await output.write(`${JSON.stringify(results, undefined, 2)}\n`);
    else await output.write('That was the tour. Everything it made goes with it.\n');
    return results.every(({ commands }) => commands.every(({ exitCode, refused }) => (exitCode !== 0) === refused))
      ? 0
      : 1;
  },
};
