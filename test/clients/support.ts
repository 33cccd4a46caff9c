/** What the tests of client libraries share. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Daemon } from '../support/daemon.ts';
import type { Host } from '../support/host.ts';

/** An image of one file, /content; resolves with its ID. */
export async function importImage(daemon: Daemon, host: Host, name: string, content: string): Promise<string> {
  const directory = join(host.root, `import-${name.replaceAll(/\W/g, '-')}`);
  mkdirSync(directory);
  writeFileSync(join(directory, 'content'), content);
  const archive = `${directory}.tar`;
  await host.run('tar', '-C', directory, '-cf', archive, 'content');
  return daemon.dockerOk('import', archive, name);
}

/** All that comes until the end, as text. */
export async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as Readable) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks).toString();
}
