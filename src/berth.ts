/** berth: the command line's process. What it does stands in cli/main.ts. */
import { main } from './cli/main.ts';

void (async () => {
  // An exit rather than the end of all work: a terminal or pipe on stdin would keep the process for as long as it is open.
  process.exit(await main(process.argv.slice(2), process));
})();
