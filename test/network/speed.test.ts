/** The two-hundredth container attaches as fast as the first. Figures are printed; the limits leave room for a busy machine. */
import assert from 'node:assert/strict';
import { hostTest } from '../support/host.ts';
import { startNetwork } from './support.ts';

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

hostTest('attach and detach at 1 and at 200 sandboxes', {}, async (host) => {
  await using network = await startNetwork(host);
  await network.restore();
  const rounds = async (count: number): Promise<{ open: number; close: number }> => {
    const open: number[] = [];
    const close: number[] = [];
    for (let i = 0; i < count; i++) {
      open.push((await network.open('probe')).ms);
      close.push(await network.close('probe'));
    }
    return { open: median(open), close: median(close) };
  };
  await rounds(5);
  const alone = await rounds(15);
  for (let i = 0; i < 200; i++) await network.open(`c${i}`);
  const among = await rounds(15);
  const text = ({ open, close }: { open: number; close: number }): string =>
    `open ${open.toFixed(2)} ms, close ${close.toFixed(2)} ms`;
  process.stdout.write(`# alone: ${text(alone)}; among 200: ${text(among)}\n`);
  for (let i = 0; i < 200; i++) await network.close(`c${i}`);
  await network.shutdown(false);
  assert.ok(among.open < Math.max(alone.open * 3, 15), `open: ${text(alone)}, then ${text(among)}`);
  assert.ok(among.close < Math.max(alone.close * 3, 10), `close: ${text(alone)}, then ${text(among)}`);
});
