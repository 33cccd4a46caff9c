/** Flags of stop and restart. */
import type { Flag, Values } from '../command.ts';

export const stopFlags: readonly Flag[] = [
  { name: 'signal', short: 's', type: 'string', help: 'Signal to send to the container' },
  { name: 'time', type: 'int', help: 'Seconds to wait before killing the container', hidden: true },
  { name: 'timeout', short: 't', type: 'int', help: 'Seconds to wait before killing the container' },
];

export function stopQuery(values: Values): { signal?: string; t?: number } {
  if (values.given('time') && values.given('timeout')) {
    throw new Error('conflicting options: cannot specify both --timeout and --time');
  }
  const flag = (['timeout', 'time'] as const).find((name) => values.given(name));
  return {
    ...(values.string('signal') === '' ? {} : { signal: values.string('signal') }),
    ...(flag === undefined ? {} : { t: values.int(flag) }),
  };
}
