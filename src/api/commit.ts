/** POST /commit. */
import type { ContainerFiles } from '../engine/files/port.ts';
import { containerConfig } from './decode/container.ts';
import { optional } from './decode/kit.ts';
import type { Route } from './router.ts';

const body = optional(containerConfig);

export function commitRoutes(files: ContainerFiles): Route[] {
  return [
    {
      method: 'POST',
      path: '/commit',
      async handle(x) {
        // The stock client sends 'null', the word for "as the container is", or nothing.
        const config = await x.body((value, path) => (value === null ? undefined : body(value, path)), 'Config');
        const id = await files.commit(
          x.query.string('container'),
          {
            repository: x.query.string('repo'),
            tag: x.query.string('tag'),
            author: x.query.string('author'),
            comment: x.query.string('comment'),
            pause: x.query.bool('pause', true),
            changes: x.query.strings('changes'),
            config,
          },
          x.signal,
        );
        x.json(201, { Id: id });
      },
    },
  ];
}
