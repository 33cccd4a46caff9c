/** Some bodies that are almost right, the same at each run; see mutations.ts. */
import { scenarios } from '../compatibility/scenarios.ts';
import { mutate } from './mutations.ts';

scenarios({ client: 'hostile clients' }, async (host) => ({ daemon: await host.startDaemon() }), {
  'bodies that are almost right': async ({ daemon }) => mutate(daemon, 60, 5),
});
