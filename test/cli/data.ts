/** What the stand-in daemon says. */
const DAY = 86_400;
const now = Math.floor(Date.now() / 1000);
export const ID = '0123456789abcdef'.repeat(4);
const OTHER = 'fedcba9876543210'.repeat(4);

export const containers = [
  {
    Id: ID,
    Names: ['/web', '/other/alias'],
    Image: 'busybox',
    ImageID: `sha256:${OTHER}`,
    Command: "sh -c 'sleep 100000000000000000'",
    Created: now - 7200,
    Ports: [
      { PrivatePort: 80, Type: 'tcp' },
      { PrivatePort: 81, Type: 'tcp' },
      { IP: '0.0.0.0', PrivatePort: 443, PublicPort: 8443, Type: 'tcp' },
      { IP: '::', PrivatePort: 443, PublicPort: 8443, Type: 'tcp' },
      { IP: '127.0.0.1', PrivatePort: 53, PublicPort: 53, Type: 'udp' },
    ],
    Labels: { a: '1', 'com.example.rack-number': '2' },
    State: 'running',
    Status: 'Up 2 hours',
    HostConfig: { NetworkMode: 'default' },
    // One only: the stock client lists several in the random order of Go's maps.
    NetworkSettings: { Networks: { bridge: {} } },
    Mounts: [
      { Type: 'bind', Source: '/very/long/path/to/some', Destination: '/x' },
      { Type: 'volume', Driver: 'local', Name: 'v', Source: '/v', Destination: '/v' },
    ],
    SizeRw: 1234,
    SizeRootFs: 4_567_890,
  },
  {
    Id: OTHER,
    Names: ['/db'],
    Image: `sha256:${ID}`,
    ImageID: `sha256:${ID}`,
    Command: '',
    Created: now - 40 * DAY,
    Ports: [],
    Labels: {},
    State: 'exited',
    Status: 'Exited (0) 5 weeks ago',
    HostConfig: { NetworkMode: 'none' },
    NetworkSettings: { Networks: { none: {} } },
    Mounts: [],
  },
];

export const networks = ['net10', 'net2', 'bridge'].map((Name, index) => ({
  Name,
  Id: `${index}${ID.slice(1)}`,
  Created: '2026-11-26T16:00:00.123456789Z',
  Scope: 'local',
  Driver: 'bridge',
  EnableIPv4: true,
  EnableIPv6: index === 1,
  Internal: index === 2,
  IPAM: { Driver: 'default', Options: null, Config: [{ Subnet: '172.17.0.0/16', Gateway: '172.17.0.1' }] },
  Containers: {},
  Options: { 'a<b': 'c' },
  Labels: { x: 'y' },
}));

export const images = [
  {
    Id: `sha256:${ID}`,
    ParentId: '',
    RepoTags: ['busybox:latest', 'busybox:1'],
    RepoDigests: [`busybox@sha256:${OTHER}`],
    Created: now - 3 * DAY,
    Size: 4_261_550,
    SharedSize: -1,
    Containers: 2,
    Labels: null,
  },
  {
    Id: `sha256:${OTHER}`,
    ParentId: '',
    RepoTags: [],
    RepoDigests: [],
    Created: now - 100,
    Size: 12_345_678,
    SharedSize: 1000,
    Containers: -1,
    Labels: { a: 'b' },
  },
];

export const history = [
  {
    Id: `sha256:${ID}`,
    Created: now - 60,
    CreatedBy: `CMD ["sh"] ${'long '.repeat(20)}`,
    Tags: [],
    Size: 0,
    Comment: '',
  },
  { Id: '<missing>', Created: now - 90 * DAY, CreatedBy: 'ADD\tfile', Tags: null, Size: 4_261_550, Comment: 'c' },
];

export const container = {
  Id: ID,
  Name: '/web',
  State: { Status: 'running', Running: true },
  Config: { Labels: { a: '<1>' }, Env: ['A=b'] },
  NetworkSettings: {
    Ports: {
      '443/tcp': [
        { HostIp: '0.0.0.0', HostPort: '8443' },
        { HostIp: '::', HostPort: '8443' },
      ],
      '53/udp': [{ HostIp: '127.0.0.1', HostPort: '53' }],
      '90/tcp': null,
    },
    Networks: { bridge: { IPAddress: '172.17.0.2', Gateway: '172.17.0.1' } },
  },
};

const event = (Type: string, Action: string, time: number, nano: string, Attributes: object): string =>
  `{"Type":"${Type}","Action":"${Action}","Actor":{"ID":"${ID}","Attributes":${JSON.stringify(Attributes)}},"scope":"local","time":${time},"timeNano":${time}${nano}}`;

export const events = [
  event('container', 'start', 1_764_000_000, '123456789', { image: 'busybox', name: 'web' }),
  event('network', 'connect', 1_764_000_001, '000000000', {}),
].join('\n');

const message = (text: string): readonly [number, string] => [404, JSON.stringify({ message: text })];
const json = JSON.stringify;

const volume = (Name: string, Labels: object | null): object => ({
  CreatedAt: '2025-12-01T10:00:00Z',
  Driver: 'local',
  Labels,
  Mountpoint: `/var/lib/berth/volumes/${Name}/_data`,
  Name,
  Options: null,
  Scope: 'local',
});

const volumes = [volume('data10', { a: 'b' }), volume('data2', null), volume(ID, { 'com.example.anonymous': '' })];

const lists: Readonly<Record<string, unknown>> = { containers, images, networks };

/** Things named web, busybox and bridge are there; `gone…` is not. */
export function answer(method: string, whole: string, body = ''): string | readonly [number, string] | undefined {
  const [path = ''] = whole.split('?');
  const [, kind = '', name = '', verb = ''] = path.split('/');
  const missing: Readonly<Record<string, string>> = {
    containers: `No such container: ${name}`,
    images: `No such image: ${name}`,
    networks: `network ${name} not found`,
    volumes: `get ${name}: no such volume`,
  };
  const there: Readonly<Record<string, readonly string[]>> = {
    containers: ['web', 'web2'],
    images: ['busybox', 'b'],
    networks: ['bridge', 'net2'],
    volumes: ['data2', 'data10'],
  };
  if (path === '/version') return json({ Version: '0.1.0', ApiVersion: '1.52', MinAPIVersion: '1.24' });
  if (path === '/events') return `${events}\n`;
  if (path === '/volumes') return json({ Volumes: volumes, Warnings: null });
  if (path === '/networks' || name === 'json') return json(lists[kind]);
  if (name === 'prune') {
    return json({
      ContainersDeleted: [ID, 'b'],
      ImagesDeleted: [{ Untagged: 'a:b' }, { Deleted: `sha256:${ID}` }],
      NetworksDeleted: ['a', 'b'],
      VolumesDeleted: ['data2', ID],
      CachesDeleted: null,
      SpaceReclaimed: 12_345_678,
    });
  }
  if (path === '/volumes/create') return [201, json(volume('made', null))];
  if (path === '/networks/create') return [201, json({ Id: ID, Warning: '' })];
  if (there[kind]?.includes(name) !== true) return message(missing[kind] ?? 'page not found');
  if (method === 'DELETE') {
    return kind === 'images' ? json([{ Untagged: `${name}:latest` }, { Deleted: `sha256:${ID}` }]) : [204, ''];
  }
  if (verb === 'ports') {
    if (body.includes('9999')) {
      return [409, json({ message: 'Bind for 0.0.0.0:9999 failed: port is already allocated' })];
    }
    return json({
      Ports: { '443/tcp': container.NetworkSettings.Ports['443/tcp'], '80/tcp': [{ HostIp: '::1', HostPort: '8080' }] },
    });
  }
  if (method === 'POST') return json({});
  if (verb === 'history') return json(history);
  if (verb === 'top')
    return json({
      Titles: ['UID', 'PID', 'CMD'],
      Processes: [
        ['root', '1234', 'sleep 1'],
        ['me', '1', 'a'],
      ],
    });
  if (kind === 'containers') return json(container);
  if (kind === 'volumes') return json(volume(name, { a: 'b' }));
  if (kind === 'networks') return json(networks.find((network) => network.Name === name));
  return json({ Id: `sha256:${ID}`, RepoTags: [`${name}:latest`], Size: 1.0 });
}
