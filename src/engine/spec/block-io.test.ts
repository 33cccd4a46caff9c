import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostConfig } from '../../model/container.ts';
import { blockIoOf } from './block-io.ts';

const of = (host: Partial<HostConfig>): ReturnType<typeof blockIoOf> =>
  blockIoOf(host as HostConfig, (path) => ({ major: 8, minor: path.length }));

void test('weights and limits by the numbers of the devices', () => {
  assert.equal(of({}), undefined);
  assert.equal(of({ BlkioWeight: 0, BlkioDeviceReadBps: [] }), undefined);
  assert.deepEqual(
    of({
      BlkioWeight: 300,
      BlkioWeightDevice: [{ Path: '/dev/a', Weight: 200 }],
      BlkioDeviceReadBps: [{ Path: '/dev/a', Rate: 1024 }],
      BlkioDeviceWriteIOps: [{ Path: '/dev/ab', Rate: 10 }],
    }),
    {
      weight: 300,
      weightDevice: [{ major: 8, minor: 6, weight: 200 }],
      throttleReadBpsDevice: [{ major: 8, minor: 6, rate: 1024 }],
      throttleWriteIOPSDevice: [{ major: 8, minor: 7, rate: 10 }],
    },
  );
});
