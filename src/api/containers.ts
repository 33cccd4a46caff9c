/** /containers: lifecycle and questions. The streams (logs, attach, wait) are in container-streams.ts. */
import { invalidParameter, notFound } from '../errors.ts';
import type { Containers } from '../engine/port.ts';
import { byVersion } from './create-versions.ts';
import { createRequest } from './decode/container.ts';
import { containerUpdate, updateFor } from './decode/update.ts';
import { portChange } from './decode/ports.ts';
import type { Exchange } from './exchange.ts';
import type { Route } from './router.ts';
import { containerShape, inspectShape } from './shapes.ts';
import { checkPorts, checkRestartPolicy, validateCreate } from './validate.ts';

const LIST_FILTERS = new Set([
  'ancestor',
  'before',
  'exited',
  'expose',
  'health',
  'id',
  'is-task',
  'isolation',
  'label',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
]);
const PRUNE_FILTERS = new Set(['label', 'label!', 'until']);

export function dimension(exchange: Exchange, name: 'h' | 'w'): number {
  const text = exchange.query.string(name);
  const size = Number(text);
  if (!/^\d{1,10}$/.test(text) || size > 0xffffffff) {
    const word = name === 'h' ? 'height' : 'width';
    throw invalidParameter(`invalid resize ${word} ${JSON.stringify(text)}: must be a whole number`);
  }
  return size;
}

function stopOptions(exchange: Exchange): { signal?: string; timeout?: number } {
  const signal = exchange.query.string('signal');
  const timeout = exchange.query.integer('t');
  return { ...(signal === '' ? {} : { signal }), ...(timeout === undefined ? {} : { timeout }) };
}

export function containerRoutes(containers: Containers): Route[] {
  return [
    {
      method: 'GET',
      path: '/containers/json',
      async handle(x) {
        const limit = x.query.integer('limit') ?? 0;
        const options = { all: x.query.bool('all'), limit: Math.max(limit, 0), size: x.query.bool('size') };
        const found = await containers.list({ ...options, filters: x.query.filters(LIST_FILTERS) });
        x.json(
          200,
          found.map((container) => containerShape(container, x.version)),
        );
      },
    },
    {
      method: 'POST',
      path: '/containers/create',
      async handle(x) {
        const request = await x.body(createRequest, 'CreateRequest');
        validateCreate(request, x.version);
        const { parts, warnings } = byVersion(request, x.version);
        const name = x.query.string('name').replace(/^\//, '');
        // A new client's variable of the environment must not trouble it with an older API.
        const platform = x.version >= 41 ? x.query.string('platform') : '';
        const { Id, Warnings } = await containers.create({
          name: name === '' ? undefined : name,
          ...parts,
          ...(platform === '' ? {} : { platform }),
        });
        x.json(201, { Id, Warnings: [...Warnings, ...warnings] });
      },
    },
    {
      method: 'POST',
      path: '/containers/prune',
      async handle(x) {
        x.json(200, await containers.prune(x.query.filters(PRUNE_FILTERS)));
      },
    },
    {
      method: 'GET',
      path: '/containers/{id}/json',
      async handle(x) {
        const container = await containers.inspect(x.param('id'), { size: x.query.bool('size') });
        x.json(200, inspectShape(container, x.version));
      },
    },
    {
      method: 'GET',
      path: '/containers/{id}/top',
      async handle(x) {
        x.json(200, await containers.top(x.param('id'), x.query.string('ps_args') || '-ef'));
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/start',
      async handle(x) {
        await containers.start(x.param('id'));
        x.empty(204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/stop',
      async handle(x) {
        await containers.stop(x.param('id'), stopOptions(x));
        x.empty(204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/restart',
      async handle(x) {
        await containers.restart(x.param('id'), stopOptions(x));
        x.empty(204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/kill',
      async handle(x) {
        await containers.kill(x.param('id'), x.query.string('signal') || 'SIGKILL');
        x.empty(204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/pause',
      async handle(x) {
        await containers.pause(x.param('id'));
        x.empty(204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/unpause',
      async handle(x) {
        await containers.unpause(x.param('id'));
        x.empty(204);
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/update',
      async handle(x) {
        const change = await x.body(containerUpdate, 'UpdateConfig');
        checkRestartPolicy(change.RestartPolicy);
        x.json(200, await containers.update(x.param('id'), updateFor(change, x.version)));
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/rename',
      async handle(x) {
        const name = x.query.string('name').replace(/^\//, '');
        if (name === '') throw invalidParameter('Neither old nor new names may be empty');
        await containers.rename(x.param('id'), name);
        x.empty(204);
      },
    },
    {
      // Not Docker's: the published ports of a container that exists.
      method: 'POST',
      path: '/containers/{id}/ports',
      async handle(x) {
        const { Add, Remove } = await x.body(portChange, 'PortChange');
        checkPorts(Add);
        checkPorts(Remove);
        x.json(200, await containers.publish(x.param('id'), { add: Add, remove: Remove }));
      },
    },
    {
      method: 'POST',
      path: '/containers/{id}/resize',
      async handle(x) {
        await containers.resize(x.param('id'), dimension(x, 'h'), dimension(x, 'w'));
        x.empty(200);
      },
    },
    {
      // A link's name: `docker rm --link web/db`.
      method: 'DELETE',
      path: '/containers/{parent}/{alias}',
      async handle(x) {
        const name = `${x.param('parent')}/${x.param('alias')}`;
        if (!x.query.bool('link')) throw notFound(`No such container: ${name}`);
        await containers.remove(name, { force: false, volumes: false, link: true });
        x.empty(204);
      },
    },
    {
      method: 'DELETE',
      path: '/containers/{id}',
      async handle(x) {
        const options = { force: x.query.bool('force'), volumes: x.query.bool('v'), link: x.query.bool('link') };
        await containers.remove(x.param('id'), options);
        x.empty(204);
      },
    },
  ];
}
