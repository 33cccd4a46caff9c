/** Creates a container for `run` and `create`: pulls the image when it is missing, writes the cidfile. */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { ApiError } from '../client.ts';
import type { Context, Values } from '../command.ts';
import { pullImage } from '../images/pull.ts';
import { familiarReference } from '../images/reference.ts';
import { outputOf } from '../streams/output.ts';
import type { CreateRequest, Surroundings } from './body.ts';

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
};

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what = code === 'EISDIR' ? `invalid env file (${path}): read` : 'open';
    throw new Error(`${what} ${path}: ${WORDS[code ?? ''] ?? message}`, { cause: error });
  }
}

export function surroundings({ env, stdout }: Context): Surroundings {
  const size: [number, number] = stdout.isTTY ? [stdout.rows, stdout.columns] : [0, 0];
  return { env, read, absolute: (path) => resolve(path), size };
}

/** Reserves the file before anything is created, so that a container never lacks the file that was asked for. */
class CidFile implements Disposable {
  readonly #path: string;
  readonly #fd: number | undefined;
  #written = false;

  constructor(path: string) {
    this.#path = path;
    if (path === '') return;
    try {
      this.#fd = openSync(path, 'wx', 0o644);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new Error(
        code === 'EEXIST'
          ? `container ID file found, make sure the other container isn't running or delete ${path}`
          : `failed to create the container ID file: open ${path}: ${WORDS[code ?? ''] ?? message}`,
        { cause: error },
      );
    }
  }

  write(id: string): void {
    if (this.#fd === undefined) return;
    writeSync(this.#fd, id);
    this.#written = true;
  }

  [Symbol.dispose](): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    if (!this.#written) rmSync(this.#path, { force: true });
  }
}

/** Resolves with the container's ID. Warnings of the daemon go to stderr. */
export async function createContainer(context: Context, values: Values, request: CreateRequest): Promise<string> {
  const { client, stderr } = context;
  const image = String(request.body['Image']);
  const platform = values.string('platform');
  const policy = values.string('pull');
  using cidfile = new CidFile(values.string('cidfile'));
  const pull = (): Promise<void> =>
    pullImage(context, image, { platform, quiet: values.bool('quiet'), out: context.stderr });
  const create = async (): Promise<{ Id: string; Warnings?: string[] | null }> =>
    client.json('POST', '/containers/create', {
      query: { name: values.string('name') || undefined, platform: platform || undefined },
      body: request.body,
    });
  if (policy === 'always') await pull();
  let created: Awaited<ReturnType<typeof create>>;
  try {
    created = await create();
  } catch (error) {
    const missing = error instanceof ApiError && error.status === 404 && /no such image/i.test(error.message);
    if (!missing || policy !== 'missing') throw error;
    if (!values.bool('quiet')) {
      await outputOf(stderr).write(`Unable to find image '${familiarReference(image)}' locally\n`);
    }
    await pull();
    created = await create();
  }
  for (const warning of created.Warnings ?? []) await outputOf(stderr).write(`WARNING: ${warning}\n`);
  cidfile.write(created.Id);
  return created.Id;
}
