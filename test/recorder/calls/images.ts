import { ociArchive, tarOf } from '../../images/support.ts';
import { eventsOf, filters, get, post, remove, type Story } from '../call.ts';

const TAR = { headers: { 'Content-Type': 'application/x-tar' } };

export const IMAGES: readonly Story[] = [
  {
    name: 'images',
    calls: [
      get('/images/json'),
      get('/images/json?all=1&digests=1'),
      get('/images/busybox/json'),
      get('/images/docker.io%2Flibrary%2Fbusybox:latest/json'),
      get('/images/busybox/history'),
      post('/images/busybox/tag?repo=mine&tag=1'),
      post('/images/busybox/tag?repo=UPPER'),
      post('/images/busybox/tag?repo=mine&tag=.bad'),
      post('/images/nothing/tag?repo=x'),
      get('/images/mine:1/json'),
      ...[
        { reference: ['mine'] },
        { reference: ['*:1'] },
        { dangling: ['true'] },
        { label: ['x'] },
        { before: ['nothing'] },
        { odd: ['x'] },
      ].map((of) => get(`/images/json?${filters(of)}`)),
      get('/images/nothing/json'),
      get('/images/nothing/history'),
      get('/images/nothing/get'),
      get('/images/UPPER/json'),
      remove('/images/mine:1'),
      remove('/images/mine:1'),
      eventsOf({ type: ['image'], event: ['tag', 'untag'] }),
      post('/containers/create?name=user', { Image: 'busybox', Cmd: ['true'] }, { as: 'user' }),
      remove('/images/busybox'),
      remove('/containers/user'),
      post('/images/prune'),
      post(`/images/prune?${filters({ odd: ['x'] })}`),
    ],
  },
  {
    name: 'images that come as archives, and those made of a container',
    calls: [
      post(
        '/images/create?fromSrc=-&repo=imported&tag=1&changes=CMD%20echo%20hello',
        tarOf([{ name: 'file', body: 'content\n' }]),
        TAR,
      ),
      get('/images/imported:1/json'),
      get('/images/imported:1/history'),
      remove('/images/imported:1'),
      post('/images/load', 'no archive', TAR),
      post('/images/load?quiet=1', ociArchive([], {}).archive.subarray(0, 0), TAR),
      post(
        '/containers/create?name=source',
        { Image: 'busybox', Cmd: ['sh', '-c', 'echo x >/file'], Labels: { a: 'b' } },
        { as: 'source' },
      ),
      post('/containers/source/start'),
      post('/containers/source/wait'),
      get('/containers/source/changes'),
      post('/commit?container=source&repo=made&tag=1&author=me&comment=why&changes=ENV%20A%3D1', {
        Cmd: ['echo', 'made'],
      }),
      get('/images/made:1/json'),
      get('/images/made:1/history'),
      post('/commit?container=nobody'),
      post('/commit?container=source&repo=BAD'),
      get(`/containers/json?all=1&${filters({ ancestor: ['made:1'] })}`),
      remove('/images/made:1'),
      remove('/containers/source'),
    ],
  },
];
