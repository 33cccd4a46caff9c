/** The stock docker CLI. */
import { execFile } from 'node:child_process';

export interface Target {
  socket: string;
  /** API version to insist on, as an older client would. */
  version?: string;
  /** Directory of its configuration, where login keeps credentials. */
  config?: string;
  stdin?: string | Buffer;
}

export interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/** docker with a configuration of its own, so that nobody's contexts or credentials are used. */
export function docker(x: Target, ...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: '/nonexistent',
      DOCKER_CONFIG: x.config ?? '/nonexistent',
      ...(x.version === undefined ? {} : { DOCKER_API_VERSION: x.version }),
    };
    const child = execFile('docker', ['-H', `unix://${x.socket}`, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
    child.stdin?.end(x.stdin);
  });
}
