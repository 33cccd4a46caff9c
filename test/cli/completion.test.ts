/** Completion: what is offered, and that bash and zsh take it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { programArgv } from '../support/daemon.ts';
import { answer } from './data.ts';
import { run, type StandIn, startStandIn } from './standin.ts';

let server: StandIn;
before(async () => {
  server = await startStandIn(answer);
});
after(() => server.close());

const offered = async (...words: string[]): Promise<string[]> => {
  const { stdout } = await server.berth('__complete', '--', ...words);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0] ?? '');
};

void describe('what is offered', () => {
  const cases: readonly (readonly [words: string[], offered: string[]])[] = [
    [['net'], ['network']],
    [['network', 'pr'], ['prune']],
    [['container', 'in'], ['inspect']],
    [['ps', '--no'], ['--no-trunc']],
    [
      ['network', 'inspect', ''],
      ['net10', 'net2', 'bridge'],
    ],
    [
      ['network', 'inspect', 'bridge', ''],
      ['net10', 'net2'],
    ],
    [['network', 'connect', 'bridge', 'w'], ['web']],
    [
      ['rm', ''],
      ['web', 'db'],
    ],
    [['rm', '-f', 'd'], ['db']],
    [['run', '--network', 'b'], ['bridge']],
    [['run', '--network=b'], ['--network=bridge']],
    [
      ['run', '-it', '--rm', 'busyb'],
      ['busybox', 'busybox:latest', 'busybox:1'],
    ],
    [['run', 'busybox', ''], [':files']],
    [['run', '--env-file', ''], [':files']],
    [['run', '--pull', 'al'], ['always']],
    [['run', '--name', ''], []],
    [['rename', 'web', ''], ['db']],
    [['version', ''], []],
    [['--host', 'unix:///nonexistent', 'rm', ''], []],
    [['-l', 'd'], ['debug']],
    [['--lo'], ['--log-level']],
    [['help', 'ren'], ['rename']],
    [['nonsense', ''], []],
  ];
  for (const [words, expected] of cases) {
    void test(`berth ${words.join(' ')}▁`, async () => assert.deepEqual(await offered(...words), expected));
  }
  void test('hidden commands and flags are not', async () => {
    const all = await offered('');
    assert.ok(all.includes('run') && all.includes('network') && all.includes('help'));
    assert.ok(!all.includes('__complete'));
    assert.deepEqual(await offered('run', '--isol'), []);
  });
});

void describe('in a shell', () => {
  let directory: string;
  const env = (): NodeJS.ProcessEnv => ({
    PATH: `${directory}:${process.env['PATH']}`,
    HOME: directory,
    BERTH_HOST: `unix://${server.socket}`,
  });
  before(async () => {
    directory = mkdtempSync('/tmp/b-comp-');
    const argv = programArgv('berth').map((word) => `'${word}'`);
    writeFileSync(`${directory}/berth`, `#!/bin/sh\nexec ${argv.join(' ')} "$@"\n`, { mode: 0o755 });
    for (const shell of ['bash', 'zsh']) {
      writeFileSync(`${directory}/${shell}`, (await server.berth('completion', shell)).stdout);
    }
  });
  after(() => rmSync(directory, { recursive: true }));

  const bash = async (line: string): Promise<string[]> => {
    const script = `source ${directory}/bash; COMP_LINE=$1 COMP_POINT=\${#1} _berth; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = await run('bash', ['--norc', '-c', script, 'bash', line], env());
    assert.equal(stderr, '');
    return stdout.split('\n').filter((word) => word !== '');
  };
  void test('bash', async () => {
    assert.deepEqual(await bash('berth netw'), ['network']);
    assert.deepEqual(await bash('berth network inspect '), ['net10', 'net2', 'bridge']);
    assert.deepEqual(await bash('berth run busybox:l'), ['latest'], 'readline replaces what follows the colon');
    assert.deepEqual(await bash('berth run --network=b'), ['bridge']);
  });
  void test('zsh', async () => {
    const { stderr, code } = await run('zsh', ['-n', `${directory}/zsh`], env());
    assert.equal(stderr, '');
    assert.equal(code, 0);
    // _describe is replaced by one that prints what it is given.
    const script = `
      compdef() { : }
      source ${directory}/zsh
      _describe() { print -rl -- "\${(@P)\${@[-1]}}" }
      words=(berth run 'busybox:') CURRENT=3 _berth`;
    const { stdout } = await run('zsh', ['-fc', script], env());
    assert.deepEqual(stdout.trim().split('\n'), ['busybox\\:latest:0123456789ab', 'busybox\\:1:0123456789ab']);
  });
});
