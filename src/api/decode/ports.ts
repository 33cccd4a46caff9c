/** Body of `POST /containers/{id}/ports`. */
import type { PortMap } from '../../model/container.ts';
import { portBindings } from './container.ts';
import { object } from './kit.ts';

export const portChange = object<{ Add: PortMap; Remove: PortMap }>('container.PortChange', {
  Add: portBindings,
  Remove: portBindings,
});
