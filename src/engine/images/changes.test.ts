import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyChanges } from './changes.ts';

void test('every instruction that import takes', () => {
  const config = applyChanges({}, [
    'CMD ["a", "b"]',
    'ENTRYPOINT exec top -b',
    'ENV A=1 B="two words" C=x\\ y',
    'ENV A 2 three',
    'EXPOSE 80 53/udp 8000-8001',
    'LABEL a=b "c d"=e',
    'ONBUILD RUN x',
    'STOPSIGNAL SIGQUIT',
    'USER 1:2',
    'VOLUME /a /b',
    'VOLUME ["/c"]',
    'WORKDIR /x\nWORKDIR y/../z',
    'healthcheck --interval=5s --retries=3 CMD curl localhost',
  ]);
  assert.deepEqual(config, {
    Cmd: ['a', 'b'],
    Entrypoint: ['/bin/sh', '-c', 'exec top -b'],
    Env: ['B=two words', 'C=x y', 'A=2 three'],
    ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8000/tcp': {}, '8001/tcp': {} },
    Labels: { a: 'b', 'c d': 'e' },
    OnBuild: ['RUN x'],
    StopSignal: 'SIGQUIT',
    User: '1:2',
    Volumes: { '/a': {}, '/b': {}, '/c': {} },
    WorkingDir: '/x/z',
    Healthcheck: { Test: ['CMD-SHELL', 'curl localhost'], Interval: 5e9, Retries: 3 },
  });
  assert.deepEqual(applyChanges({}, ['HEALTHCHECK NONE']).Healthcheck, { Test: ['NONE'] });
  assert.deepEqual(applyChanges({}, ['HEALTHCHECK CMD ["x"]']).Healthcheck, { Test: ['CMD', 'x'] });
});

void test('what is wrong is refused', () => {
  const cases: [change: string, text: RegExp][] = [
    ['RUN x', /^RUN is not a valid change command$/],
    ['constructor x', /^constructor is not a valid change command$/],
    ['CMD', /^CMD requires at least one argument$/],
    ['ENV =x', /names can not be blank/],
    ['ENV a=1 b', /Must be of the form: name=value/],
    ['ENV a="x', /double-quote/],
    ['EXPOSE 70000', /^invalid containerPort: 70000$/],
    ['EXPOSE x', /^invalid containerPort: x$/],
    ['HEALTHCHECK --interval=x CMD y', /--interval=x/],
    ['HEALTHCHECK curl', /Unknown type "CURL" in HEALTHCHECK/],
    ['ONBUILD FROM x', /FROM isn't allowed as an ONBUILD trigger/],
  ];
  for (const [change, message] of cases) {
    assert.throws(() => applyChanges({}, [change]), { kind: 'InvalidParameter', message }, change);
  }
});

void test('an entry point of its own ends the command of the base, not one that was given with it', () => {
  const base = { Cmd: ['sh'], Entrypoint: ['/init'] };
  assert.deepEqual(applyChanges(base, ['ENTRYPOINT ["/x"]']), { Cmd: null, Entrypoint: ['/x'] });
  assert.deepEqual(applyChanges(base, ['CMD ["y"]', 'ENTRYPOINT ["/x"]']), { Cmd: ['y'], Entrypoint: ['/x'] });
  assert.deepEqual(applyChanges(base, ['ENTRYPOINT ["/x"]', 'CMD ["y"]']), { Cmd: ['y'], Entrypoint: ['/x'] });
});
