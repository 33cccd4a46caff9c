import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineEvent } from '../model/events.ts';
import { eventMatcher } from './events-filter.ts';

const event = (Type: EngineEvent['Type'], Action: string, ID: string, Attributes = {}): EngineEvent => ({
  Type,
  Action,
  Actor: { ID, Attributes },
  scope: 'local',
  time: 1,
  timeNano: 1e9,
});
const start = event('container', 'start', 'c123', { name: 'web', image: 'busybox:1', tier: 'front' });
const exec = event('container', 'exec_create: sh -c x', 'c123', { name: 'web', image: 'busybox:1' });
const join = event('network', 'connect', 'n1', { name: 'bridge', container: 'c123' });
const pull = event('image', 'pull', 'busybox:1', { name: 'busybox' });

const CASES: [Record<string, string[]>, EngineEvent[]][] = [
  [{}, [start, exec, join, pull]],
  [{ type: ['network', 'image'] }, [join, pull]],
  [{ event: ['exec_create'] }, [exec]],
  [{ event: ['start', 'pull'] }, [start, pull]],
  [{ container: ['web'] }, [start, exec]],
  [{ container: ['c12'] }, [start, exec]],
  [{ container: ['c123'] }, [start, exec, join]],
  [{ network: ['bridge'] }, [join]],
  [{ image: ['busybox'] }, [start, exec, pull]],
  [{ image: ['busybox:1'] }, [start, exec, pull]],
  [{ label: ['tier'] }, [start]],
  [{ label: ['tier=front'] }, [start]],
  [{ label: ['tier=back'] }, []],
  [{ type: ['container'], event: ['die'] }, []],
  [{ toString: ['x'], node: ['y'] }, [start, exec, join, pull]],
];

void test('names narrow, values widen', () => {
  for (const [filters, expected] of CASES) {
    const matches = eventMatcher(new Map(Object.entries(filters)));
    assert.deepEqual([start, exec, join, pull].filter(matches), expected, JSON.stringify(filters));
  }
});
