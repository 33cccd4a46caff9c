/**
 * What a runtime says into Docker's words: the CLIs take exit code 127 from 'executable file not found' and 126 from
 * 'permission denied' (docker/cli, container run). Pure.
 */
export interface RuntimeFailure {
  /** After 'unable to start container process: ' in Docker's text. */
  detail: string;
  /** Of the container's State: 127, 126, or 128 for what is not the command's fault. */
  exitCode: number;
}

/**
 * conmon passes the runtime's standard error on: crun's lines have a time before them; runc's are logrus' text, the
 * message quoted, with what runc itself was doing before it.
 */
function clean(text: string): string {
  const lines = text
    .split('\n')
    .map((line) =>
      unquoted(
        line
          .trim()
          .replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z?:\s*/, '')
          .replace(/^(\[conmon:\w\]|time=\S+ level=\w+ msg=)\s*/, ''),
      ).replace(
        /^(?:runc \w+ failed|exec failed|container_linux\.go:\d+): (?:unable to start container process: )?/,
        '',
      ),
    )
    .filter((line) => line !== '');
  return lines.at(-1) ?? 'the runtime gave no reason';
}

const unquoted = (text: string): string =>
  /^".*"$/.test(text) ? text.slice(1, -1).replaceAll(/\\(["\\])/g, '$1') : text;

/**
 * Words of a message about the command itself: crun 1.8 'executable file `x` not found in $PATH', 'open executable: …',
 * 'exec container process `x`: …'; runc 1.1 'exec: "x": …', 'exec x: …'. The same reasons after anything else (a mount,
 * a directory) are not the command's.
 */
const ABOUT_COMMAND = /open executable|executable (?:file|path)|\bexec(?: container process(?: \([^)]*\))?)?:? ["`/]/i;

export function explainRuntimeError(text: string, command: string): RuntimeFailure {
  const message = clean(text);
  const quoted = JSON.stringify(command);
  if (/rlimit/i.test(message)) {
    return {
      detail:
        `error setting rlimits: ${message}: raising a limit above berthd's own needs CAP_SYS_RESOURCE, which it does ` +
        'not have here; ask for a lower --ulimit',
      exitCode: 128,
    };
  }
  if (!ABOUT_COMMAND.test(message)) return { detail: message, exitCode: 128 };
  const missing = /executable file .*not found|no such file or directory/i.test(message);
  if (missing && command.includes('/')) {
    return { detail: `exec: ${quoted}: stat ${command}: no such file or directory`, exitCode: 127 };
  }
  if (missing) return { detail: `exec: ${quoted}: executable file not found in $PATH`, exitCode: 127 };
  if (/permission denied/i.test(message)) return { detail: `exec: ${quoted}: permission denied`, exitCode: 126 };
  if (/exec format error/i.test(message)) return { detail: `exec ${command}: exec format error`, exitCode: 126 };
  // What crun says when it opens a directory to execute it.
  if (/is a directory|open executable.*operation not permitted/i.test(message))
    return { detail: `exec: ${quoted}: is a directory: permission denied`, exitCode: 126 };
  if (/not a directory/i.test(message)) return { detail: `exec: ${quoted}: not a directory`, exitCode: 126 };
  return { detail: message, exitCode: 128 };
}

export const createFailed = (detail: string): string =>
  'failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: ' +
  `unable to start container process: ${detail}: unknown`;

export const execFailed = (detail: string): string =>
  `OCI runtime exec failed: exec failed: unable to start container process: ${detail}: unknown`;
