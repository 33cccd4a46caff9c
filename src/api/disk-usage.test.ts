import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../model/json.ts';
import { detailOf, diskUsage, kindsOf, usersOf } from './disk-usage.ts';

const containers: Json[] = [
  { ImageID: 'a', State: 'running', SizeRw: 3 },
  { ImageID: 'a', State: 'exited', SizeRw: 4 },
];
const parts = {
  images: {
    layersSize: 15,
    images: [
      { Id: 'a', Size: 10, SharedSize: 5 },
      { Id: 'b', Size: 10, SharedSize: 5 },
    ],
  },
  containers,
  volumes: [
    { Name: 'used', UsageData: { RefCount: 2, Size: 7 } },
    { Name: 'free', UsageData: { RefCount: 0, Size: 5 } },
  ],
  buildCache: [],
};
const usage = (detail: 'lists' | 'items' | 'sums', version = 52): Json =>
  diskUsage(parts, usersOf(containers), detail, version);

void test('the sums; what images share is there once', () => {
  assert.deepEqual(usage('sums'), {
    ImageUsage: { ActiveCount: 1, TotalCount: 2, TotalSize: 15, Reclaimable: 10 },
    ContainerUsage: { ActiveCount: 1, TotalCount: 2, TotalSize: 7, Reclaimable: 4 },
    VolumeUsage: { ActiveCount: 1, TotalCount: 2, TotalSize: 12, Reclaimable: 5 },
    BuildCacheUsage: { ActiveCount: 0, TotalCount: 0, TotalSize: 0, Reclaimable: 0 },
  });
});

void test('with their items, and with the lists of older clients', () => {
  const withItems = usage('items');
  assert.deepEqual((withItems['VolumeUsage'] as Json)['Items'], parts.volumes);
  assert.deepEqual((withItems['ImageUsage'] as { Items: Json[] }).Items[0], {
    Id: 'a',
    Size: 10,
    SharedSize: 5,
    Containers: 2,
  });
  assert.equal('Volumes' in withItems, false);
  const lists = usage('lists', 43);
  assert.deepEqual(Object.keys(lists).toSorted(), [
    'BuildCache',
    'BuildCacheUsage',
    'ContainerUsage',
    'Containers',
    'ImageUsage',
    'Images',
    'LayersSize',
    'VolumeUsage',
    'Volumes',
  ]);
  assert.equal((lists['Images'] as Json[])[0]?.['VirtualSize'], 10);
});

void test('what is asked for', () => {
  assert.deepEqual([...kindsOf(['volume', 'image'], 52)], ['volume', 'image']);
  assert.equal(kindsOf(['volume'], 41).size, 4);
  assert.equal(kindsOf([], 52).size, 4);
  assert.throws(() => kindsOf(['x'], 42), { kind: 'InvalidParameter', message: 'unknown object type: x' });
  assert.deepEqual(
    [detailOf('', 52), detailOf('1', 51), detailOf('1', 52), detailOf('false', 52)],
    ['lists', 'lists', 'items', 'sums'],
  );
  assert.throws(() => detailOf('x', 52), { message: 'invalid value for verbose: x' });
  assert.deepEqual(Object.keys(diskUsage({ volumes: [] }, new Map(), 'lists', 52)), ['Volumes', 'VolumeUsage']);
});
