/** `POST /containers/{id}/exec` and `POST /exec/{id}/start`. */
import type { ExecConfig } from '../../model/container.ts';
import { consoleSize } from './container.ts';
import { bool, object, optional, string, stringOrStrings, strings } from './kit.ts';

export const execConfig = object<ExecConfig>('container.ExecOptions', {
  User: string,
  Privileged: bool,
  Tty: bool,
  ConsoleSize: optional(consoleSize),
  AttachStdin: bool,
  AttachStderr: bool,
  AttachStdout: bool,
  DetachKeys: string,
  Env: strings,
  WorkingDir: string,
  Cmd: stringOrStrings,
});

export interface ExecStartBody {
  Detach: boolean;
  Tty: boolean;
  ConsoleSize?: [height: number, width: number];
}

export const execStart = object<ExecStartBody>('container.ExecStartOptions', {
  Detach: bool,
  Tty: bool,
  ConsoleSize: optional(consoleSize),
});
