/** The network's text files (network/kernel.ts) on disk. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { TextFiles } from '../network/kernel.ts';

export const textFiles: TextFiles = {
  read(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  },
  write: (path, text) => writeFileSync(path, text, { mode: 0o644 }),
};
