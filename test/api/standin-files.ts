/** Stands in for the files of containers: the API's tests of other nouns need none. */
import type { ContainerFiles } from '../../src/engine/files/port.ts';
import { notImplemented } from '../../src/errors.ts';

const none = async (): Promise<never> => Promise.reject(notImplemented('the stand-in has no files'));

export const standinFiles: ContainerFiles = {
  stat: none,
  read: none,
  write: none,
  export: none,
  changes: none,
  commit: none,
};
