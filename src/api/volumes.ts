/** /volumes. */
import type { Volumes } from '../engine/volumes/port.ts';
import { unavailable } from '../errors.ts';
import type { Filters } from '../model/json.ts';
import { NO_SWARM } from './absent.ts';
import { present } from './decode/kit.ts';
import { volumeCreate } from './decode/volume.ts';
import type { Route } from './router.ts';

const LIST_FILTERS = new Set(['dangling', 'driver', 'label', 'name']);
const PRUNE_FILTERS = new Set(['all', 'label', 'label!']);

/** Until 1.42 every unused volume was meant, since then those that no one named, unless `all` says otherwise. */
const pruneFilters = (filters: Filters, version: number): Filters =>
  version >= 42 ? filters : new Map([...filters, ['all', ['true']]]);

export function volumeRoutes(volumes: Volumes): Route[] {
  return [
    {
      method: 'GET',
      path: '/volumes',
      async handle(x) {
        x.json(200, await volumes.list(x.query.filters(LIST_FILTERS)));
      },
    },
    {
      method: 'POST',
      path: '/volumes/create',
      async handle(x) {
        const { Name, Driver, DriverOpts, Labels, ClusterVolumeSpec } = await x.body(
          present(volumeCreate),
          'CreateOptions',
        );
        if (ClusterVolumeSpec !== null) throw unavailable(NO_SWARM);
        x.json(201, await volumes.create({ name: Name, driver: Driver, driverOpts: DriverOpts, labels: Labels }));
      },
    },
    {
      method: 'POST',
      path: '/volumes/prune',
      async handle(x) {
        x.json(200, await volumes.prune(pruneFilters(x.query.filters(PRUNE_FILTERS), x.version)));
      },
    },
    {
      method: 'GET',
      path: '/volumes/{name}',
      async handle(x) {
        x.json(200, await volumes.inspect(x.param('name')));
      },
    },
    {
      // Of Swarm's volumes only.
      method: 'PUT',
      path: '/volumes/{name}',
      handle() {
        throw unavailable(NO_SWARM);
      },
    },
    {
      method: 'DELETE',
      path: '/volumes/{name}',
      async handle(x) {
        await volumes.remove(x.param('name'), { force: x.query.bool('force') });
        x.empty(204);
      },
    },
  ];
}
