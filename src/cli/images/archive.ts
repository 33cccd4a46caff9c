/** Archives from and to files. */
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BrokenPipe, outputOf } from '../streams/output.ts';

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOSPC: 'no space left on device',
};

const textOf = (path: string, error: unknown): Error => {
  const { code, message } = error as NodeJS.ErrnoException;
  return new Error(`open ${path}: ${WORDS[code ?? ''] ?? message}`, { cause: error });
};

/** Opened before the request is made, so that a wrong name costs none. */
export async function openInput(path: string): Promise<Readable> {
  try {
    const file = await open(path, 'r');
    if ((await file.stat()).isDirectory()) {
      await file.close();
      throw Object.assign(new Error(`${path} is a directory`), { code: 'EISDIR' });
    }
    return file.createReadStream();
  } catch (error) {
    throw textOf(path, error);
  }
}

/** Into a file beside `path` first, so that a broken transfer leaves no half archive; '' is stdout. */
export async function writeOutput(source: Readable, path: string, stdout: NodeJS.WriteStream): Promise<void> {
  if (path === '') {
    const output = outputOf(stdout);
    try {
      for await (const chunk of source as AsyncIterable<Buffer>) await output.write(chunk);
      await output.flush();
    } catch (error) {
      if (!(error instanceof BrokenPipe)) throw error;
    }
    return;
  }
  const part = `${path}.part-${process.pid}`;
  try {
    await pipeline(source, createWriteStream(part, { flags: 'wx', mode: 0o600 }));
    await rename(part, path);
  } catch (error) {
    source.destroy();
    await rm(part, { force: true });
    throw (error as NodeJS.ErrnoException).code === undefined ? error : textOf(path, error);
  }
}
