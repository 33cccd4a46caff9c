import { relative } from 'node:path';

/** A reporter of Node's test runner: the test files that failed, one a line. */
export default async function* failedFiles(events) {
  for await (const { type, data } of events) {
    if (type === 'test:summary' && data.file !== undefined && !data.success) yield `${relative('.', data.file)}\n`;
  }
}
