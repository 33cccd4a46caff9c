/**
 * libnftables in the process (libnftables(3)): 0.1 ms for a transaction, where spawning `nft` takes 50.
 * The context opens its netlink socket when it is made, in the namespace of that moment.
 */
import koffi from 'koffi';

interface Library {
  context: unknown;
  run(context: unknown, script: string): number;
  errorText(context: unknown): string;
}

let library: Library | undefined;

/** Debian's libnftables1 holds it; it comes with nftables. */
function load(): Library {
  const file = koffi.load('libnftables.so.1');
  const createContext = file.func('void *nft_ctx_new(uint32_t flags)');
  const bufferOutput = file.func('int nft_ctx_buffer_output(void *context)');
  const bufferError = file.func('int nft_ctx_buffer_error(void *context)');
  const context: unknown = createContext(0);
  if (context === null) throw new Error('nft_ctx_new failed');
  bufferOutput(context);
  bufferError(context);
  return {
    context,
    run: file.func('int nft_run_cmd_from_buffer(void *context, const char *script)'),
    errorText: file.func('const char *nft_ctx_get_error_buffer(void *context)'),
  };
}

/** Carries out a script in nft's language, as one transaction; throws nft's own text. */
export function runNft(script: string): void {
  library ??= load();
  if (library.run(library.context, script) !== 0) throw new Error(library.errorText(library.context).trim());
}
