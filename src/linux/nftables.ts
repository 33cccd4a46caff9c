/**
 * libnftables in the process (libnftables(3)): 0.1 ms for a transaction, where spawning `nft` takes 50.
 * The context opens its netlink socket when it is made, in the namespace of that moment. It is used by one call at a time.
 */
import { readdirSync } from 'node:fs';
import koffi from 'koffi';
import { libc, SysError } from './libc.ts';

interface Library {
  run(script: string): number;
  runInPool(script: string): Promise<number>;
  errorText(): string;
}

let library: Library | undefined;

/** Debian's libnftables1 holds it; it comes with nftables. */
function load(): Library {
  const file = koffi.load('libnftables.so.1');
  const createContext = file.func('void *nft_ctx_new(uint32_t flags)');
  const bufferOutput = file.func('int nft_ctx_buffer_output(void *context)');
  const bufferError = file.func('int nft_ctx_buffer_error(void *context)');
  const run = file.func('int nft_run_cmd_from_buffer(void *context, const char *script)');
  const errorText = file.func('const char *nft_ctx_get_error_buffer(void *context)');
  const context: unknown = createContext(0);
  if (context === null) throw new Error('nft_ctx_new failed');
  keepFromChildren();
  bufferOutput(context);
  bufferError(context);
  return {
    run: (script) => Number(run(context, script)),
    async runInPool(script) {
      return new Promise((resolve, reject) => {
        run.async(context, script, (error: unknown, result: unknown) => {
          if (error === null || error === undefined) resolve(Number(result));
          else reject(new Error('nft_run_cmd_from_buffer failed', { cause: error }));
        });
      });
    },
    errorText: () => String(errorText(context)),
  };
}

/** The library makes its socket inheritable: conmon would have it as long as its container runs. All else of ours is not anyway. */
function keepFromChildren(): void {
  for (const fd of readdirSync('/proc/self/fd').filter((name) => Number(name) > 2)) {
    try {
      libc.closeOnExec(Number(fd));
    } catch (error) {
      // The descriptor by which the directory was read.
      if (!(error instanceof SysError && error.code === 'EBADF')) throw error;
    }
  }
}

/** nft's grammar takes 1 ms for some 20 kB: what is longer is worked on by a thread of the pool. */
const LONG = 20_000;

/**
 * Carries out a script in nft's language, as one transaction; rejects with nft's own text. A short one is done when the call
 * returns. Not to be called again before the Promise is settled.
 */
export async function runNft(script: string): Promise<void> {
  library ??= load();
  const code = script.length > LONG ? await library.runInPool(script) : library.run(script);
  if (code !== 0) throw new Error(library.errorText().trim());
}
