/**
 * Every flag that the stock client's help lists, tried with the stock client and with `berth`. docs/compatibility.md shows what came of it; a flag
 * without a case fails, and so does a case without a flag.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { messageOf } from '../../src/errors.ts';
import type { Daemon } from '../support/daemon.ts';
import { hostTest, type Host } from '../support/host.ts';
import { noJudge } from '../support/stock-client.ts';
import type { Case } from './cases.ts';
import { NETWORK_FLAGS } from './network-flags.ts';
import { checkSection, literal, table } from './page.ts';
import { RUN_FLAGS } from './run-flags.ts';

/** A client with names, ports, addresses and files of its own, so that both can be at work at once. */
interface Lane {
  name: 'docker' | 'berth';
  run(line: string): Promise<{ code: number; said: string }>;
}

function prepareFiles(root: string): void {
  mkdirSync(`${root}/bind`, { recursive: true });
  writeFileSync(`${root}/bind/file`, 'content\n');
  writeFileSync(`${root}/env`, '# a comment\nFROM_FILE=yes it is\n');
  writeFileSync(`${root}/labels`, 'from=file\n');
  const seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }],
  };
  writeFileSync(`${root}/seccomp.json`, JSON.stringify(seccomp));
}

/** A block device of this machine: its numbers are all that matters. */
const disk = execFileSync('sh', ['-c', 'ls /dev/vda /dev/sda /dev/nvme0n1 /dev/loop0 2>/dev/null | head -1'], {
  encoding: 'utf8',
}).trim();

function lane(host: Host, daemon: Daemon, name: Lane['name']): Lane {
  const index = name === 'docker' ? 1 : 2;
  const root = `${host.root}/${name}`;
  prepareFiles(root);
  const argv = name === 'docker' ? daemon.dockerArgv() : daemon.berthArgv();
  const client = `docker() { command ${argv.join(' ')} "$@"; }\n`;
  const env = {
    ...daemon.clientEnv,
    ROOT: root,
    DOCKER: ['env', ...argv].join(' '),
    GROUP: host.cgroupParent,
    DISK: disk,
    SUBNET: `10.8${index}.0`,
    SUBNET6: `fd00:8${index}`,
    OWN: `10.8${index}.1`,
  };
  return {
    name,
    async run(line) {
      const script = client + line.replaceAll('%', name[0] ?? '').replaceAll('PORT', `808${index}`);
      // What a command of a line says goes where the line's own output goes, in the order in which it was said.
      const { code, stdout } = await host.exec(['sh', '-c', `exec 2>&1\n${script}`], {
        env,
        timeout: 60_000,
      });
      return { code, said: stdout.trim().replaceAll('\r', '') };
    },
  };
}

async function cellOf(one: Lane, { line, prints, refused, stockOnly, note, client }: Case): Promise<string> {
  const { code, said } = await one.run(line);
  const words = (): string =>
    literal(said.split('\n', 1)[0]?.replace(/^(docker|berth): |Error response from daemon: /g, '') ?? '');
  if (stockOnly && one.name === 'berth') {
    assert.notEqual(code, 0, `${line}\n${said}`);
    return `refused: ${words()}`;
  }
  if (typeof prints === 'string') assert.equal(said, prints, line);
  else assert.match(said, prints, line);
  if (refused) return `refused: ${words()}`;
  const known = client ? 'the client’s own' : (note ?? '');
  return known === '' ? 'works' : `works: ${known}`;
}

type Cells = Map<string, string[]>;

async function runAll(one: Lane, cases: readonly Case[]): Promise<{ cells: Cells; failures: string[] }> {
  const cells: Cells = new Map();
  const failures: string[] = [];
  for (const each of cases) {
    try {
      const cell = await cellOf(one, each);
      for (const flag of each.flags) cells.set(flag, [...new Set([...(cells.get(flag) ?? []), cell])]);
    } catch (error) {
      failures.push(`${one.name}: ${messageOf(error)}`);
    }
  }
  return { cells, failures };
}

/** Of a help text. */
const flagsOf = (...command: string[]): string[] =>
  [
    ...execFileSync('docker', [...command, '--help'], { encoding: 'utf8' }).matchAll(/^ {2,6}(?:-\w, )?--([\w-]+)/gm),
  ].map(([, flag = '']) => flag);

/** What works in one way and is refused in another is both; 'works' alone adds nothing to a remark. */
function summary(cells: readonly string[] | undefined): string {
  const remarks = (cells ?? []).filter((cell) => cell !== 'works');
  const works = (cells ?? []).includes('works') && remarks.every((cell) => !cell.startsWith('works'));
  return [...(works ? ['works'] : []), ...remarks].join('; ');
}

async function tables(
  lanes: readonly Lane[],
  cases: readonly Case[],
  known: readonly { flag: string; title: string }[],
): Promise<string> {
  const flags = known.map(({ flag }) => flag);
  const tried = new Set(cases.flatMap((each) => each.flags));
  assert.deepEqual(
    flags.filter((flag) => !tried.has(flag)),
    [],
    'flags without a case',
  );
  assert.deepEqual(
    [...tried].filter((flag) => !flags.includes(flag)),
    [],
    'cases without a flag',
  );
  const results = await Promise.all(lanes.map((one) => runAll(one, cases)));
  assert.equal(results.flatMap(({ failures }) => failures).join('\n\n'), '');
  return table(
    ['flag', ...lanes.map(({ name }) => name)],
    known.map(({ flag, title }) => [title, ...results.map(({ cells }) => summary(cells.get(flag)))]),
  );
}

hostTest(
  'every flag of run, create and network is what docs/compatibility.md says',
  { skip: noJudge },
  async (host) => {
    chmodSync(host.root, 0o755);
    const daemon = await host.startDaemon();
    const lanes = [lane(host, daemon, 'docker'), lane(host, daemon, 'berth')];
    for (const one of lanes) {
      const prepared = await one.run(
        [
          'docker network create --subnet $SUBNET.0/24 %net',
          'docker network create --ipv6 --subnet $SUBNET6::/64 %six',
          'docker run -d --name %box busybox sleep 1000',
          'docker run -d --name %other --network %net busybox sleep 1000',
        ].join(' && '),
      );
      assert.equal(prepared.code, 0, prepared.said);
    }
    const create = new Set(flagsOf('create'));
    const runFlags = flagsOf('run').map((flag) => ({
      flag,
      title: `\`--${flag}\`${create.has(flag) ? '' : ' (not of `create`)'}`,
    }));
    assert.deepEqual(
      [...create].filter((flag) => !runFlags.some((each) => each.flag === flag)),
      [],
      '`create` has flags that `run` has not',
    );
    const commands = ['connect', 'create', 'disconnect', 'inspect', 'ls', 'prune', 'rm'];
    const networkFlags = commands.flatMap((command) =>
      flagsOf('network', command).map((flag) => ({
        flag: `${command} ${flag}`,
        title: `\`network ${command} --${flag}\``,
      })),
    );
    const [ofRun, ofNetwork] = [
      await tables(lanes, RUN_FLAGS, runFlags),
      await tables(lanes, NETWORK_FLAGS, networkFlags),
    ];
    checkSection('run-flags', ofRun);
    checkSection('network-flags', ofNetwork);
    assert.equal(
      await daemon.dockerOk('ps', '-aq'),
      await daemon.dockerOk('ps', '-q'),
      'nothing is left but what was prepared',
    );
  },
);
