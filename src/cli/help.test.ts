import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from './command.ts';
import { commandHelp, flagLines, groupHelp } from './help.ts';
import { closest } from './suggest.ts';

const command: Command = {
  path: 'paint',
  aliases: ['wall paint'],
  usage: '[OPTIONS] WALL',
  summary: 'Paint a wall',
  flags: [
    { name: 'wet', type: 'bool', default: true, help: 'Do not wait until it is dry' },
    {
      name: 'colour',
      short: 'c',
      type: 'list',
      help: 'Colours, in the order in which they are put on, one over another',
    },
    { name: 'coats', type: 'int', default: 2, help: 'How often' },
    { name: 'brush', type: 'string', default: 'wide', help: "Which one:\n'wide': for walls\n'thin': for corners" },
    { name: 'secret', type: 'bool', help: 'Not shown', hidden: true },
  ],
  args: { min: 1 },
  run: () => Promise.resolve(0),
};

void test('the help of a command', () => {
  assert.equal(
    commandHelp(command, 'wall paint', 60),
    `Usage:  berth wall paint [OPTIONS] WALL

Paint a wall

Aliases:
  berth paint, berth wall paint

Options:
      --brush string   Which one:
                       'wide': for walls
                       'thin': for corners (default "wide")
      --coats int      How often (default 2)
  -c, --colour list    Colours, in the order in which they
                       are put on, one over another
      --wet            Do not wait until it is dry (default
                       true)
`,
  );
});

void test('a narrow terminal gets lines that it breaks itself', () => {
  assert.match(flagLines(command.flags, 30), /Colours, in the order in which they are put on, one over another\n/);
});

void test('the help of a group', () => {
  assert.equal(
    groupHelp('wall', 'Manage walls', [
      { name: 'paint', summary: 'Paint a wall' },
      { name: 'ls', summary: 'List walls' },
    ]),
    `Usage:  berth wall COMMAND

Manage walls

Commands:
  paint   Paint a wall
  ls      List walls

Run 'berth wall COMMAND --help' for more information on a command.
`,
  );
});

void test('the nearest name', () => {
  const names = ['ps', 'pull', 'push', 'inspect', 'network', 'gateway'];
  for (const [word, near] of [
    ['pss', 'ps'],
    ['pul', 'pull'],
    ['inspcet', 'inspect'],
    ['netwrok', 'network'],
    ['dateway', 'gateway'],
    ['xyzzy', undefined],
    ['x', undefined],
    ['', undefined],
    ['p'.repeat(10_000), undefined],
  ] as const) {
    assert.equal(closest(word, names), near, word.slice(0, 20));
  }
});
