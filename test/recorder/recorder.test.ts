/**
 * The same calls to Berth and to a real dockerd, answers compared field by field. What differs and is not accepted fails, and so does what is
 * accepted and does not differ. docs/compatibility.md shows the reasons.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSection } from '../compatibility/page.ts';
import type { Daemon } from '../support/daemon.ts';
import { noDockerd20, startDockerd, type Dockerd } from '../support/dockerd.ts';
import { createHost } from '../support/host.ts';
import { BUILT_OTHERWISE, NEWER } from './accepted.ts';
import { STORIES } from './calls/index.ts';
import { compare, judge, type Accepted, type Difference } from './compare.ts';
import { record, type Recorded, type Subject } from './record.ts';

const subjectOf = ({ socket, dataRoot, execRoot }: Daemon | Dockerd): Subject => ({
  socket,
  directories: { '<data>': dataRoot, '<run>': execRoot },
});

/** Both at once. */
async function recordings(): Promise<[berth: Recorded[], dockerd: Recorded[]]> {
  await using ours = await createHost({ outside: true });
  await using theirs = await createHost({ outside: true, leavesContainers: true });
  const [daemon, dockerd] = await Promise.all([ours.startDaemon(), startDockerd(theirs)]);
  await using _ = dockerd;
  const archive = `${theirs.root}/busybox.tar`;
  await daemon.dockerOk('save', '-o', archive, 'busybox');
  await theirs.run('docker', '--host', `unix://${dockerd.socket}`, 'load', '--quiet', '--input', archive);
  return await Promise.all([record(subjectOf(daemon), STORIES), record(subjectOf(dockerd), STORIES)]);
}

const sentence = ({ call, path, berth, dockerd }: Difference): string =>
  `${call}\n    ${path}\n      Berth:   ${berth}\n      dockerd: ${dockerd}`;

void test('Berth answers as dockerd does, but for what is accepted', { skip: noDockerd20 }, async () => {
  const [berth, dockerd] = await recordings();
  const { open, unused } = judge(compare(berth, dockerd), [...NEWER, ...BUILT_OTHERWISE]);
  assert.equal(open.map(sentence).join('\n'), '', 'differences that nobody accepted');
  assert.deepEqual(unused, [], 'accepted, and there is no such difference');
});

const list = (accepted: readonly Accepted[]): string => accepted.map(({ reason }) => `- ${reason}`).join('\n');

void test('docs/compatibility.md shows what is accepted', () => {
  const calls = STORIES.reduce((sum, story) => sum + story.calls.length, 0);
  checkSection(
    'dockerd',
    `${calls} calls are compared: ${STORIES.map(({ name }) => name).join('; ')}.

### Docker Engine 28 is the reference, and 20.10 differs from it

${list(NEWER)}

### Built otherwise

${list(BUILT_OTHERWISE)}`,
  );
});
