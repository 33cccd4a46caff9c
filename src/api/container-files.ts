/** The files of containers: archive, export, changes. */
import { invalidParameter } from '../errors.ts';
import type { ContainerFiles, PathStat } from '../engine/files/port.ts';
import type { Exchange } from './exchange.ts';
import type { Route } from './router.ts';
import { sendStream } from './send-stream.ts';

function pathParameter(x: Exchange): string {
  const path = x.query.string('path');
  if (path === '') throw invalidParameter('bad parameter: path cannot be empty');
  return path;
}

const statHeader = ({ name, size, mode, mtime, linkTarget }: PathStat): Record<string, string> => ({
  'X-Docker-Container-Path-Stat': Buffer.from(JSON.stringify({ name, size, mode, mtime, linkTarget })).toString(
    'base64',
  ),
});

export function containerFileRoutes(files: ContainerFiles): Route[] {
  return [
    {
      method: 'HEAD',
      path: '/containers/{id}/archive',
      async handle(x) {
        x.empty(200, statHeader(await files.stat(x.param('id'), pathParameter(x), x.signal)));
      },
    },
    {
      method: 'GET',
      path: '/containers/{id}/archive',
      async handle(x) {
        const { stat, archive } = await files.read(x.param('id'), pathParameter(x), x.signal);
        await sendStream(x, archive, 'application/x-tar', statHeader(stat));
      },
    },
    {
      method: 'PUT',
      path: '/containers/{id}/archive',
      async handle(x) {
        const options = {
          noOverwriteDirNonDir: x.query.bool('noOverwriteDirNonDir'),
          copyUIDGID: x.query.bool('copyUIDGID'),
        };
        await files.write(x.param('id'), pathParameter(x), x.request, options, x.signal);
        x.empty(200);
      },
    },
    {
      method: 'GET',
      path: '/containers/{id}/export',
      async handle(x) {
        await sendStream(x, await files.export(x.param('id'), x.signal), 'application/octet-stream');
      },
    },
    {
      method: 'GET',
      path: '/containers/{id}/changes',
      async handle(x) {
        await sendStream(x, await files.changes(x.param('id'), x.signal), 'application/json');
      },
    },
  ];
}
