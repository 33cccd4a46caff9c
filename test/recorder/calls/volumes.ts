import { eventsOf, filters, get, post, remove, type Story } from '../call.ts';

export const VOLUMES: readonly Story[] = [
  {
    name: 'volumes',
    calls: [
      get('/volumes'),
      post('/volumes/create', { Name: 'v1', Labels: { l: '1' } }),
      post('/volumes/create', { Name: 'v1' }),
      post('/volumes/create', {
        Name: 'v2',
        Driver: 'local',
        DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' },
      }),
      get('/volumes/v1'),
      get('/volumes/v2'),
      ...[{}, { name: ['v1'] }, { label: ['l'] }, { driver: ['local'] }, { dangling: ['true'] }, { odd: ['x'] }].map(
        (of) => get(`/volumes?${filters(of)}`),
      ),
      post(
        '/containers/create?name=holder',
        {
          Image: 'busybox',
          Cmd: ['sleep', '1000'],
          HostConfig: {
            Binds: ['v1:/data'],
            Mounts: [
              { Type: 'volume', Source: 'v2', Target: '/more', ReadOnly: true },
              { Type: 'bind', Source: '/etc', Target: '/etc2' },
            ],
          },
        },
        { as: 'holder' },
      ),
      get('/containers/holder/json'),
      post('/containers/holder/start'),
      get('/containers/holder/json'),
      get(`/containers/json?${filters({ volume: ['v1'] })}`),
      get(`/volumes?${filters({ dangling: ['false'] })}`),
      remove('/volumes/v1'),
      remove('/volumes/v1?force=1'),
      remove('/containers/holder?force=1'),
      remove('/volumes/v1'),
      remove('/volumes/v1'),
      remove('/volumes/v1?force=1'),
      get('/volumes/v1'),
      eventsOf({ volume: ['v1'] }),
      post('/volumes/prune'),
      post('/volumes/create', {}, { as: 'anonymous' }),
      post('/volumes/create', { Name: '../up' }),
      post('/volumes/create', { Name: 'v3', DriverOpts: { odd: 'x' } }),
      post('/volumes/create'),
      post('/volumes/prune'),
    ],
  },
];
