import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DetachScanner, parseDetachKeys } from './detach-keys.ts';
import type { RestartPolicy } from '../model/container.ts';
import { goDuration, humanDuration } from './duration.ts';
import { parseLogLine } from './logs.ts';
import { commandOf, mergeConfig, mergeEnv, mergeMacAddress } from './merge.ts';
import { checkName, makeName } from './names.ts';
import { createFailed, explainRuntimeError } from './process/runtime-errors.ts';
import { timestamp } from './record.ts';
import { planRestart, startsWithDaemon } from './restart-policy.ts';
import { parseSignal } from './signals.ts';
import { parsePs } from './top.ts';
import { lookUpUser } from './users.ts';
import { sampleConfig } from './testing-samples.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

void test('durations as Go prints them', () => {
  const texts = [0, 0.001, 0.5, 100, 1500, 30_000, 90_000, 3_600_000, 3_661_500].map(goDuration);
  assert.deepEqual(texts, ['0s', '1µs', '500µs', '100ms', '1.5s', '30s', '1m30s', '1h0m0s', '1h1m1.5s']);
});

void describe('durations', () => {
  for (const [milliseconds, text] of [
    [900, 'Less than a second'],
    [1500, '1 second'],
    [59 * second, '59 seconds'],
    [61 * second, 'About a minute'],
    [46 * minute, '46 minutes'],
    [61 * minute, 'About an hour'],
    [47 * hour, '47 hours'],
    [3 * day, '3 days'],
    [15 * day, '2 weeks'],
    [90 * day, '3 months'],
    [800 * day, '2 years'],
  ] as const) {
    void test(text, () => assert.equal(humanDuration(milliseconds), text));
  }
});

void describe('detach keys', () => {
  void test('notations', () => {
    assert.deepEqual([...parseDetachKeys('')], [16, 17]);
    assert.deepEqual([...parseDetachKeys('a,ctrl-c,ctrl-@')], [97, 3, 0]);
    assert.throws(() => parseDetachKeys('ctrl-1'), /Invalid detach keys/);
  });
  const typed = (scanner: DetachScanner, ...pieces: string[]): { text: string; detached: boolean } => {
    let text = '';
    for (const piece of pieces) {
      const { pass, detached } = scanner.scan(Buffer.from(piece));
      text += Buffer.from(pass).toString();
      if (detached) return { text, detached };
    }
    return { text, detached: false };
  };
  void test('a beginning that comes to nothing is passed on', () => {
    const scanner = (): DetachScanner => new DetachScanner(parseDetachKeys(''));
    assert.deepEqual(typed(scanner(), 'a\x10', 'b'), { text: 'a\x10b', detached: false });
    assert.deepEqual(typed(scanner(), 'a\x10', '\x11b'), { text: 'a', detached: true });
    assert.deepEqual(typed(scanner(), '\x10\x10\x11'), { text: '\x10', detached: true });
  });
  void test('however input is cut, the same arrives', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('\x10', '\x11', 'a'), { maxLength: 12 }), (keys) => {
        const text = keys.join('');
        const keysOf = parseDetachKeys('');
        assert.deepEqual(typed(new DetachScanner(keysOf), ...keys), typed(new DetachScanner(keysOf), text));
        const whole = typed(new DetachScanner(keysOf), text);
        assert.equal(whole.detached, text.includes('\x10\x11'));
      }),
    );
  });
});

void describe('names', () => {
  void test('the rule', () => {
    for (const good of ['ab', 'A.b-c_9', '0a']) checkName(good);
    for (const bad of ['', 'a', '-a', '.x', 'a/b', 'a b', 'é1', 'ab\n'])
      assert.throws(() => checkName(bad), /Invalid container name/);
  });
  void test('made-up ones follow it and avoid those taken', () => {
    const taken = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const name = makeName(
        (text) => taken.has(text),
        () => 0,
      );
      checkName(name);
      assert.ok(!taken.has(name));
      if (taken.size < 1) taken.add(name);
      else break;
    }
  });
});

void test('signals by name, number and offset', () => {
  assert.deepEqual(
    ['SIGTERM', 'term', '15', 'KILL', 'rtmin+3', 'SIGRTMAX-1', 'usr1'].map(parseSignal),
    [15, 15, 15, 9, 37, 63, 10],
  );
  for (const bad of ['', '0', '65', 'NOPE', 'RTMIN+40', '-9'])
    assert.throws(() => parseSignal(bad), /^BerthError: invalid signal: /);
});

void describe('what an image brings', () => {
  const image = {
    Env: ['A=1', 'B=2'],
    Cmd: ['sh'],
    Entrypoint: ['/init'],
    User: 'u',
    WorkingDir: '/w',
    Labels: { x: '1' },
  };
  void test('everything that is not said', () => {
    const merged = mergeConfig(sampleConfig(), image);
    assert.deepEqual(commandOf(merged), ['/init', 'sh']);
    assert.deepEqual([merged.User, merged.WorkingDir, merged.Labels], ['u', '/w', { x: '1' }]);
  });
  void test('a command replaces the image’s, an entry point both', () => {
    assert.deepEqual(commandOf(mergeConfig(sampleConfig({ Cmd: ['ls'] }), image)), ['/init', 'ls']);
    assert.deepEqual(commandOf(mergeConfig(sampleConfig({ Entrypoint: ['/e'] }), image)), ['/e']);
    assert.throws(() => commandOf(mergeConfig(sampleConfig({ Entrypoint: [''] }), image)), /no command specified/);
    assert.deepEqual(commandOf(mergeConfig(sampleConfig({ Entrypoint: [''], Cmd: ['x'] }), image)), ['x']);
  });
  void test('variables', () => assert.deepEqual(mergeEnv(['A=1', 'B=2'], ['B=3', 'A']), ['B=3', 'A']));
});

void describe('the container-wide MAC address', () => {
  const MacAddress = '02:42:00:00:00:01';
  const endpoint = { IPAMConfig: null, Links: null, Aliases: ['a'], MacAddress: '', DriverOpts: null, GwPriority: 0 };
  const merge = (mode: string, endpoints: Parameters<typeof mergeMacAddress>[2]['EndpointsConfig']): unknown =>
    Object.entries(
      mergeMacAddress(sampleConfig({ MacAddress }), mode, { EndpointsConfig: endpoints }).EndpointsConfig,
    ).map(([name, settings]) => [name, settings.MacAddress, settings.Aliases]);
  void test('is that of the endpoint on the network of the mode', () => {
    assert.deepEqual(merge('default', {}), [['bridge', MacAddress, null]]);
    assert.deepEqual(merge('default', { default: endpoint }), [['default', MacAddress, ['a']]]);
    assert.deepEqual(merge('net', { net: endpoint }), [['net', MacAddress, ['a']]]);
    assert.deepEqual(merge('bridge', { bridge: { ...endpoint, MacAddress } }), [['bridge', MacAddress, ['a']]]);
    assert.deepEqual(merge('container:x', {}), []);
  });
  void test('is refused beside another one of that endpoint', () =>
    assert.throws(
      () => merge('net', { net: { ...endpoint, MacAddress: '02:42:00:00:00:02' } }),
      /^BerthError: the container-wide MAC address must match the endpoint-specific MAC address for the main network/,
    ));
  void test('nothing said, nothing changed', () => {
    const networking = { EndpointsConfig: {} };
    assert.equal(mergeMacAddress(sampleConfig(), 'default', networking), networking);
  });
});

void describe('users', () => {
  const passwd = 'root:x:0:0::/root:/bin/sh\nann:x:1000:1001::/home/ann:/bin/sh\n1000x:x:7:7::/:\n';
  const group = 'root:x:0:\nann:x:1001:\nstaff:x:50:ann,bob\n';
  const look = (user: string, groups: string[] = []): unknown[] => {
    const { uid, gid, additionalGids, home } = lookUpUser(user, groups, passwd, group);
    return [uid, gid, additionalGids, home];
  };
  void test('by name, number, with group', () => {
    assert.deepEqual(look(''), [0, 0, [], '/root']);
    assert.deepEqual(look('ann'), [1000, 1001, [50], '/home/ann']);
    assert.deepEqual(look('1000'), [1000, 1001, [50], '/home/ann']);
    assert.deepEqual(look('ann:staff'), [1000, 50, [], '/home/ann']);
    assert.deepEqual(look('4242:4243', ['staff', '9']), [4242, 4243, [50, 9], '/']);
  });
  void test('unknown names', () => {
    assert.throws(() => look('eve'), /unable to find user eve: no matching entries in passwd file/);
    assert.throws(() => look('ann:wheel'), /unable to find group wheel: no matching entries in group file/);
    assert.throws(() => look('-1'), /must be in range/);
    assert.throws(() => look('ann', ['']), /unable to find group : no matching/);
  });
  void test('lines without numbers are none', () => {
    const broken = (user: string, groups: string[]): unknown =>
      lookUpUser(user, groups, 'eve\neve:x::7::/\nodd:x:9:y::/odd', 'wheel\nwheel:x:\nwheel:x:a:');
    assert.throws(() => broken('eve', []), /unable to find user eve/);
    assert.throws(() => broken('odd', ['wheel']), /unable to find group wheel/);
    assert.deepEqual(broken('odd', []), { uid: 9, gid: 0, additionalGids: [], home: '/odd' });
  });
});

void describe('log lines', () => {
  void test('whole, partial, with offset, foreign', () => {
    const parse = (text: string): unknown[] => {
      const frame = parseLogLine(Buffer.from(text));
      return frame === undefined ? [] : [frame.time, frame.stream, frame.data.toString()];
    };
    assert.deepEqual(parse('2024-05-01T10:00:00.123456789+00:00 stdout F a b'), [
      '2024-05-01T10:00:00.123456789Z',
      1,
      'a b\n',
    ]);
    assert.deepEqual(parse('2024-05-01T10:00:00.123456789+02:00 stderr P x'), [
      '2024-05-01T08:00:00.123456789Z',
      2,
      'x',
    ]);
    assert.deepEqual(parse('rubbish'), []);
    assert.deepEqual(parse('a b c d'), []);
  });
  void test('arbitrary bytes never throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void parseLogLine(Buffer.from(bytes))));
  });
});

void describe('what runtimes say', () => {
  for (const [said, command, detail, code] of [
    [
      '2024-01-01T00:00:00.000000Z: executable file `nope` not found in $PATH: No such file or directory',
      'nope',
      'exec: "nope": executable file not found in $PATH',
      127,
    ],
    ['open executable: Operation not permitted', '/etc', 'exec: "/etc": is a directory: permission denied', 126],
    ['open executable: Permission denied', '/x/y', 'exec: "/x/y": permission denied', 126],
    [
      'exec: "/x/y": stat /x/y: no such file or directory',
      '/x/y',
      'exec: "/x/y": stat /x/y: no such file or directory',
      127,
    ],
    [
      'time="2026-01-01T00:00:00Z" level=error msg="runc create failed: unable to start container process: exec: \\"/a b\\": stat /a b: no such file or directory"',
      '/a b',
      'exec: "/a b": stat /a b: no such file or directory',
      127,
    ],
    // The same reasons for what is not the command.
    ['open `/x/y`: Permission denied', '/x/y', 'open `/x/y`: Permission denied', 128],
    [
      'mount `/dev/mqueue` to `dev/mqueue`: No such file or directory',
      'true',
      'mount `/dev/mqueue` to `dev/mqueue`: No such file or directory',
      128,
    ],
    ['mount `/a` to `etc/hosts`: Not a directory', 'true', 'mount `/a` to `etc/hosts`: Not a directory', 128],
    ['cannot mount: Invalid argument', 'sh', 'cannot mount: Invalid argument', 128],
    ['setrlimit `RLIMIT_NOFILE`: Operation not permitted', 'sh', '', 128],
  ] as const) {
    void test(said, () => {
      const failure = explainRuntimeError(said, command);
      assert.equal(failure.exitCode, code);
      if (detail !== '') assert.equal(failure.detail, detail);
      else assert.match(failure.detail, /needs CAP_SYS_RESOURCE/);
    });
  }
  void test('in Docker’s words', () =>
    assert.match(createFailed('x'), /^failed to create task for container: .*: x: unknown$/));
});

void test('restart policies', () => {
  const plan = (own: Partial<Parameters<typeof planRestart>[0]>): number | undefined =>
    planRestart({
      policy: { Name: 'always', MaximumRetryCount: 0 },
      exitCode: 1,
      restarts: 0,
      stoppedByHand: false,
      ran: 5,
      lastDelay: 0,
      ...own,
    })?.delay;
  assert.equal(plan({}), 100);
  assert.equal(plan({ lastDelay: 400 }), 800);
  assert.equal(plan({ lastDelay: 50_000 }), 60_000);
  assert.equal(plan({ lastDelay: 400, ran: 20_000 }), 100);
  assert.equal(plan({ stoppedByHand: true }), undefined);
  assert.equal(plan({ policy: { Name: 'on-failure', MaximumRetryCount: 2 }, restarts: 2 }), undefined);
  assert.equal(plan({ policy: { Name: 'on-failure', MaximumRetryCount: 0 }, exitCode: 0 }), undefined);
  assert.equal(plan({ policy: { Name: 'no', MaximumRetryCount: 0 } }), undefined);
  const starts = (Name: RestartPolicy['Name'], own: Partial<Parameters<typeof startsWithDaemon>[0]> = {}): boolean =>
    startsWithDaemon({
      policy: { Name, MaximumRetryCount: Name === 'on-failure' ? 3 : 0 },
      stoppedByHand: false,
      exitCode: 1,
      restarts: 0,
      ...own,
    });
  assert.equal(starts('always', { stoppedByHand: true }), true);
  assert.equal(starts('unless-stopped', { stoppedByHand: true }), false);
  assert.equal(starts('unless-stopped', { exitCode: 0 }), true);
  assert.equal(starts('on-failure'), true);
  assert.equal(starts('on-failure', { exitCode: 0 }), false);
  assert.equal(starts('on-failure', { restarts: 3 }), false);
  assert.equal(starts('no'), false);
});

void test('ps cut down to some processes', () => {
  const text = 'UID  PID CMD\nroot   1 init now\nann   22 sh -c x y\n';
  assert.deepEqual(parsePs(text, new Set([22])), {
    Titles: ['UID', 'PID', 'CMD'],
    Processes: [['ann', '22', 'sh -c x y']],
  });
  assert.throws(() => parsePs('UID CMD\n', new Set()), /Couldn't find PID field/);
});

void test('timestamps have nine digits', () => {
  assert.equal(timestamp(1_700_000_000_123.456), '2023-11-14T22:13:20.123456000Z');
});
