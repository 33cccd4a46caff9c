import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Health, HealthResult, Healthcheck } from '../../model/container.ts';
import { sampleConfig } from '../testing-samples.ts';
import { ProbeOutput } from './output.ts';
import { type HealthPlan, afterProbe, begun, delayBefore, planOf, unwatched } from './state.ts';

const plan = (own: Partial<HealthPlan> = {}): HealthPlan => ({
  command: ['true'],
  interval: 30_000,
  timeout: 30_000,
  startPeriod: 0,
  startInterval: 5000,
  retries: 3,
  ...own,
});
const result = (ExitCode: number): HealthResult => ({ Start: '', End: '', ExitCode, Output: '' });
const planned = (Healthcheck?: Healthcheck, Shell?: string[]): HealthPlan | undefined =>
  planOf(sampleConfig({ ...(Healthcheck && { Healthcheck }), ...(Shell && { Shell }) }));

void describe('what is asked', () => {
  void test('nothing', () => {
    for (const Test of [undefined, [], ['NONE'], ['CMD'], ['OTHER', 'x']]) {
      assert.equal(planned(Test === undefined ? undefined : { Test }), undefined);
    }
  });
  void test('a program, or the line of a shell', () => {
    assert.deepEqual(planned({ Test: ['CMD', 'a', 'b c'] })?.command, ['a', 'b c']);
    assert.deepEqual(planned({ Test: ['CMD-SHELL', 'a || b'] })?.command, ['/bin/sh', '-c', 'a || b']);
    assert.deepEqual(planned({ Test: ['CMD-SHELL', 'a'] }, ['/bin/ash', '-ec'])?.command, ['/bin/ash', '-ec', 'a']);
  });
  void test('0 and nothing are the defaults; nanoseconds', () => {
    const usual = plan({ command: ['x'] });
    assert.deepEqual(planned({ Test: ['CMD', 'x'] }), usual);
    assert.deepEqual(planned({ Test: ['CMD', 'x'], Interval: 0, Retries: 0, Timeout: 0, StartInterval: 0 }), usual);
    assert.equal(planned({ Test: ['CMD', 'x'], Interval: 1_500_000 })?.interval, 1.5);
  });
});

void test('the start period: failures do not count, a success ends it', () => {
  const patient = plan({ startPeriod: 1000, retries: 2 });
  let health = begun(undefined);
  for (let i = 0; i < 5; i++) health = afterProbe(patient, health, result(1), 999);
  assert.deepEqual([health.Status, health.FailingStreak], ['starting', 0]);
  assert.equal(delayBefore(patient, health.Status, 999), 5000);
  assert.equal(delayBefore(patient, health.Status, 1000), 30_000);
  health = afterProbe(patient, health, result(0), 500);
  assert.equal(health.Status, 'healthy');
  assert.equal(delayBefore(patient, health.Status, 500), 30_000);
  health = afterProbe(patient, health, result(1), 600);
  assert.deepEqual([health.Status, health.FailingStreak], ['healthy', 1]);
  health = afterProbe(patient, health, result(-1), 700);
  assert.deepEqual([health.Status, health.FailingStreak], ['unhealthy', 2]);
});

void test('the log of the run before stays; a delay no timer can hold is cut', () => {
  const health = afterProbe(plan(), begun(undefined), result(0), 0);
  assert.deepEqual(begun(unwatched(health)), { Status: 'starting', FailingStreak: 0, Log: [result(0)] });
  assert.equal(unwatched(health).Status, 'unhealthy');
  assert.ok(delayBefore(plan({ interval: 1e15 }), 'healthy', 0) < 2 ** 31);
});

void test('after any probes: the streak is that of the last failures, and the state follows from it', () => {
  const probe = fc.record({ code: fc.constantFrom(0, 1, 2, -1, 137), at: fc.nat(2000) });
  const plans = fc.record({ retries: fc.integer({ min: 1, max: 5 }), startPeriod: fc.constantFrom(0, 1000) });
  fc.assert(
    fc.property(plans, fc.array(probe, { maxLength: 30 }), (own, probes) => {
      const checked = plan(own);
      let health: Health = begun(undefined);
      let everGood = false;
      for (const { code, at } of probes.toSorted((a, b) => a.at - b.at)) {
        const before = health;
        health = afterProbe(checked, before, result(code), at);
        const forgiven = before.Status === 'starting' && at < own.startPeriod;
        everGood ||= code === 0;
        assert.equal(health.FailingStreak, code === 0 ? 0 : before.FailingStreak + (forgiven ? 0 : 1));
        assert.equal(health.Status === 'unhealthy', health.FailingStreak >= own.retries);
        assert.equal(health.Status === 'starting' && everGood, false);
        assert.ok(health.Log.length <= 5);
        assert.equal(health.Log.at(-1)?.ExitCode, code);
      }
    }),
  );
});

void test('of the output 4,096 bytes are kept, whatever its parts', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3000), { maxLength: 8 }), (sizes) => {
      const output = new ProbeOutput();
      for (const size of sizes) output.add(Buffer.alloc(size, 'x'));
      const all = sizes.reduce((sum, size) => sum + size, 0);
      assert.equal(output.text, 'x'.repeat(Math.min(all, 4096)) + (all > 4096 ? '...' : ''));
    }),
  );
});
