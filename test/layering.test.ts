/**
 * The arrows of the house, and why each is there. A rule says where files of a folder may import from; what is
 * imported as a type only is erased, so it binds nothing at run time and is judged by `types` where that is given.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, test } from 'node:test';

const source = new URL('../src/', import.meta.url).pathname;

interface Import {
  file: string;
  /** Path below src/, or a bare specifier ('node:fs', 'koffi'). */
  target: string;
  typeOnly: boolean;
  /** import(…): not before it is called. */
  later: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(source, file), 'utf8');
  const statement = /^(?:import|export)\s+(type\s)?(?:([^'"`;]*?)\s+from\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;
  return [...text.matchAll(statement)].map(([, type, names = '', from, dynamic]) => {
    const specifier = from ?? dynamic ?? '';
    const target = specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier;
    const inner = /^\{(.*)\}$/s.exec(names.trim())?.[1];
    const allTypes = inner?.split(',').every((name) => name.trim() === '' || /^type\s/.test(name.trim())) ?? false;
    return { file, target, typeOnly: type !== undefined || allTypes, later: dynamic !== undefined };
  });
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .map((file) => relative('.', file))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  // Fakes, fixtures and other helpers of unit tests.
  .filter((file) => !/(^|\/)(fake|testing|fixture)[^/]*(\/|\.ts$)/.test(file));
const imports = files.flatMap(importsOf);

interface Rule {
  name: string;
  why: string;
  files: RegExp;
  /** The import breaks the rule when this says false. */
  allows(target: string, file: string): boolean;
  /** Judge imports of types too. */
  types?: boolean;
}

const startsWith =
  (...prefixes: string[]) =>
  (target: string): boolean =>
    prefixes.some((prefix) => target === prefix || target.startsWith(prefix));
const shared = ['errors.ts', 'log.ts', 'model/'] as const;

const rules: readonly Rule[] = [
  {
    name: 'only linux/ loads native code',
    why: 'koffi calls the kernel without a net: one folder is reviewed with that in mind, all others cannot crash the process',
    files: /^(?!linux\/)/,
    allows: (target) => target !== 'koffi',
  },
  {
    name: 'linux/ knows nobody above it',
    why: 'it carries plans out; a kernel call that knows what a container is could not be tested or reused alone',
    files: /^linux\//,
    // Of ipam only the arithmetic of addresses, which is pure.
    allows: startsWith('linux/', 'node:', 'koffi', 'errors.ts', 'log.ts', 'ipam/address.ts'),
  },
  {
    name: 'the pure core touches nothing but its arguments',
    why: 'the same desired state feeds kernel, self-healing, inspect and explanation; its tests need no kernel and take milliseconds',
    files:
      /^(network\/|cluster\/(?!compose|secure-host)[^/]+\.ts|ipam\/|drivers\/|model\/|tar\/|dns\/(answers|cache|codec|zone)|dhcp\/(?!packet-wire|service)|ports\/(spec|wanted|allocator|acquire|rules)\.ts)/,
    allows: (target) => !startsWith('node:', 'linux/', 'koffi')(target),
  },
  {
    name: 'drivers/ do not know each other, nor the controller',
    why: 'a newcomer adds one by copying a folder',
    files: /^drivers\//,
    allows: (target, file) => {
      const own = file.split('/').slice(0, 2).join('/');
      const other = /^drivers\/[^/]+\//.test(target) && !target.startsWith(`${own}/`);
      return !other && !startsWith('network/controller', 'engine/', 'api/', 'store/')(target);
    },
  },
  {
    name: 'model/ stands on itself',
    why: 'everyone imports it; what it imported, everyone would depend on',
    files: /^model\//,
    allows: startsWith('model/', 'errors.ts'),
    types: true,
  },
  {
    name: 'store/ keeps values and knows no kinds of them',
    why: 'the owner of a record decides its shape',
    files: /^store\//,
    allows: startsWith('store/', 'errors.ts', 'node:'),
    types: true,
  },
  {
    name: 'api/ sees ports, not what is behind them',
    why: 'it decodes hostile input and maps errors to status codes; the work is done by whoever owns it',
    files: /^api\//,
    allows: (target) => startsWith('api/', ...shared, 'node:')(target) || target.endsWith('/port.ts'),
    types: true,
  },
  {
    name: 'cli/ is a client like any other',
    why: 'it talks to any Docker-compatible daemon, and its start-up stays below the stock client’s',
    files: /^cli\//,
    allows: startsWith('cli/', ...shared, 'tar/', 'node:'),
    types: true,
  },
  {
    name: 'cluster/ knows hosts, networks and endpoints, not who uses them',
    why: 'what all hosts must agree on is the same whatever a driver makes of it',
    files: /^cluster\//,
    allows: (target) =>
      !startsWith('engine/', 'api/', 'cli/', 'firewall/', 'dns/', 'ports/', 'netd/')(target) &&
      !/^(drivers\/[^/]+\/|network\/(?!cluster|records|secure|kernel))/.test(target),
    types: true,
  },
  {
    name: 'engine/ sees the network by its port',
    why: 'nothing above the controller knows a driver',
    files: /^engine\//,
    allows: (target) =>
      !startsWith('network/', 'drivers/', 'firewall/', 'ipam/', 'api/', 'cli/')(target) || target === 'network/port.ts',
    types: true,
  },
  {
    name: 'of daemon/ others see the settings only',
    why: 'flags and files are its business; what they mean is data',
    files: /^(?!daemon\/|berthd\.ts|berth-netd\.ts)/,
    allows: (target) => !target.startsWith('daemon/') || target === 'daemon/settings.ts',
    types: true,
  },
  {
    name: 'nobody imports a composition root',
    why: 'they know every part: whoever imported one would, too',
    files: /./,
    allows: (target) => !['berthd.ts', 'berth.ts', 'berth-netd.ts', 'berth-files.ts'].includes(target),
    types: true,
  },
  {
    name: 'no process is spawned on the network path',
    why: 'spawning anything costs 8–10 ms, `ip` 18–38 ms, `nft` 50–65 ms; only the iptables backend has no other way',
    files: /^(network|ipam|drivers|dns|dhcp|ports|linux|firewall\/(?!iptables\/))/,
    allows: (target) => target !== 'node:child_process' && target !== 'node:worker_threads',
  },
  {
    name: 'no dependency but the chosen ones',
    why: 'each one stands in docs/decisions with what it saves',
    files: /./,
    allows: (target) => target.endsWith('.ts') || startsWith('node:', 'koffi')(target),
  },
];

void describe('the house', () => {
  for (const rule of rules) {
    void test(`${rule.name} (${rule.why})`, () => {
      const broken = imports
        .filter(({ file, typeOnly }) => rule.files.test(file) && (rule.types || !typeOnly))
        .filter(({ target, file }) => !rule.allows(target, file))
        .map(({ file, target }) => `src/${file} imports ${target}`);
      assert.deepEqual(broken, []);
    });
  }

  void test('a daemon without a cluster does not load HTTP/2 (30 ms and 6 MB of every start)', () => {
    const atStart = new Set(['berthd.ts']);
    for (const one of atStart) {
      const loaded = imports.filter(({ file, typeOnly, later }) => file === one && !typeOnly && !later);
      for (const { target } of loaded) atStart.add(target);
    }
    assert.ok(atStart.has('cluster/compose.ts') && !atStart.has('node:http2'));
  });

  void test('there is something to judge, and the parser sees it', () => {
    assert.ok(imports.some(({ file, target }) => file === 'linux/libc.ts' && target === 'koffi'));
    assert.ok(
      imports.some(({ file, target, typeOnly }) => file.startsWith('api/') && target === 'engine/port.ts' && typeOnly),
    );
  });
});
