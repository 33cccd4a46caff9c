import { NO_SETTINGS, type Health } from '../../model/container.ts';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { notFound } from '../../errors.ts';
import type { SandboxView } from '../../network/port.ts';
import { applyFilters, checkFilters } from '../filters.ts';
import { NEVER, type ContainerRecord } from '../record.ts';
import { sampleConfig, sampleHost } from '../testing-samples.ts';
import { idleNetworks, inspectView } from './inspect.ts';
import { listView, portViews } from './list.ts';
import { statusText } from './status.ts';

const idOf = (): string => 'f00d';
const NOW = Date.parse('2024-05-01T12:00:00Z');

const record = (
  own: Partial<ContainerRecord> = {},
  state: Partial<ContainerRecord['state']> = {},
): ContainerRecord => ({
  id: 'a'.repeat(64),
  name: 'web',
  created: '2024-05-01T11:00:00.000000000Z',
  path: 'sh',
  args: ['-c', 'echo a b'],
  imageId: 'sha256:i',
  lowerDirs: ['/l1', '/l2'],
  config: sampleConfig({ Labels: { tier: 'front' }, ExposedPorts: { '80/tcp': {} } }),
  hostConfig: sampleHost({ NetworkMode: 'default' }),
  networks: { bridge: { ...NO_SETTINGS } },
  state: {
    Status: 'created',
    Running: false,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 0,
    ExitCode: 0,
    Error: '',
    StartedAt: NEVER,
    FinishedAt: NEVER,
    ...state,
  },
  mounts: [],
  restartCount: 0,
  stoppedByHand: false,
  ...own,
});

void describe('status', () => {
  const running = { Status: 'running', Running: true, StartedAt: '2024-05-01T11:59:57Z' } as const;
  const exited = {
    Status: 'exited',
    ExitCode: 3,
    StartedAt: NEVER.replace('0001', '2024'),
    FinishedAt: '2024-05-01T11:58:00Z',
  } as const;
  const health = (Status: Health['Status']): Health => ({ Status, FailingStreak: 0, Log: [] });
  for (const [state, text] of [
    [{}, 'Created'],
    [running, 'Up 3 seconds'],
    [{ ...running, Paused: true }, 'Up 3 seconds (Paused)'],
    [exited, 'Exited (3) 2 minutes ago'],
    [{ ...exited, Restarting: true, Status: 'restarting' }, 'Restarting (3) 2 minutes ago'],
    [{ ...running, Health: health('starting') }, 'Up 3 seconds (health: starting)'],
    [{ ...running, Health: health('healthy') }, 'Up 3 seconds (healthy)'],
    [{ Status: 'removing', Dead: true }, 'Removal In Progress'],
    [{ Status: 'dead', Dead: true }, 'Dead'],
  ] as const) {
    void test(text, () => assert.equal(statusText(record({}, state).state, NOW), text));
  }
});

void describe('the list', () => {
  void test('quotes arguments with spaces and names the default network', () => {
    const view = listView({ record: record(), sandbox: undefined, idOf, linkNames: [], size: undefined, now: NOW });
    assert.equal(view['Command'], "sh -c 'echo a b'");
    assert.deepEqual(view['Names'], ['/web']);
    assert.deepEqual(Object.keys((view['NetworkSettings'] as { Networks: object }).Networks), ['bridge']);
    assert.equal('SizeRw' in view, false);
  });
  void test('ports: exposed while it runs, bound with their address', () => {
    const running = record({}, { Running: true });
    assert.deepEqual(portViews(record(), undefined), []);
    const on = (network: string, Ports: SandboxView['Ports'] = {}): SandboxView => ({
      SandboxID: '',
      SandboxKey: '',
      Networks: idleNetworks(record({ networks: { [network]: NO_SETTINGS } }), idOf),
      Ports,
    });
    assert.deepEqual(portViews(running, on('bridge')), [{ PrivatePort: 80, Type: 'tcp' }]);
    assert.deepEqual(portViews(running, on('host')), []);
    const sandbox = on('bridge', { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] });
    assert.deepEqual(portViews(running, sandbox), [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }]);
  });
});

void test('inspect has Docker’s parts and nothing internal', () => {
  const volume = {
    Type: 'volume',
    Name: 'v',
    Source: '/s',
    Destination: '/d',
    Driver: 'local',
    Mode: 'z',
    RW: true,
    Propagation: '',
    recursive: true,
    copyUp: true,
    anonymous: true,
  } as const;
  const view = inspectView({
    record: record({ mounts: [volume] }),
    sandbox: undefined,
    idOf,
    links: [],
    execIds: [],
    paths: { log: '/log', files: '/files', upper: '/u', work: '/w', merged: '/m' },
    size: undefined,
  });
  assert.deepEqual(view['Mounts'], [
    {
      Type: 'volume',
      Name: 'v',
      Source: '/s',
      Destination: '/d',
      Driver: 'local',
      Mode: 'z',
      RW: true,
      Propagation: '',
    },
  ]);
  assert.equal(view['ExecIDs'], null);
  assert.equal(view['Name'], '/web');
  for (const part of ['State', 'HostConfig', 'Config', 'NetworkSettings', 'GraphDriver'])
    assert.equal(typeof view[part], 'object');
});

void describe('filters', () => {
  const old = record(
    { id: 'b'.repeat(64), name: 'old', created: '2024-05-01T10:00:00Z', imageId: 'sha256:j' },
    { Status: 'exited', ExitCode: 3 },
  );
  const all = [record(), old].map((one) => ({ record: one, sandbox: undefined }));
  const names = (filters: Record<string, string[]>): string[] =>
    applyFilters(all, new Map(Object.entries(filters)), {
      createdOf(ref) {
        const found = all.find((one) => one.record.name === ref);
        if (found === undefined) throw notFound(`No such container: ${ref}`);
        return found.record.created;
      },
      ancestors: new Set(['sha256:j']),
      networkId: idOf,
    }).map((one) => one.record.name);
  for (const [filters, expected] of [
    [{}, ['web', 'old']],
    [{ id: ['aaa'] }, ['web']],
    [{ name: ['^/o', 'nothing'] }, ['old']],
    [{ name: ['('] }, []],
    [{ name: ['(?=w)web', '(w)eb\\1'] }, []],
    [{ label: ['constructor'] }, []],
    [{ label: ['tier'] }, ['web', 'old']],
    [{ label: ['tier=front', 'x'] }, []],
    [{ status: ['exited', 'running'] }, ['old']],
    [{ exited: ['3'] }, ['old']],
    [{ ancestor: ['any'] }, ['old']],
    [{ before: ['web'] }, ['old']],
    [{ since: ['old'] }, ['web']],
    [{ network: ['bridge'] }, ['web', 'old']],
    [{ network: ['none'] }, []],
    [{ expose: ['79-81/tcp'] }, ['web', 'old']],
    [{ publish: ['80'] }, []],
    [{ 'is-task': ['false'] }, ['web', 'old']],
    [{ health: ['healthy'] }, []],
  ] as const) {
    void test(JSON.stringify(filters), () =>
      assert.deepEqual(names(filters as unknown as Record<string, string[]>), expected),
    );
  }
  void test('bad values', () => {
    assert.throws(() => names({ before: ['who'] }), /No such container: who/);
    assert.throws(() => checkFilters(new Map([['status', ['up']]])), /invalid filter 'status=up'/);
    assert.throws(() => checkFilters(new Map([['exited', ['x']]])), /invalid filter 'exited=x'/);
  });
});
