import { eventsOf, filters, get, post, remove, type Story } from '../call.ts';

const SLEEP = { Image: 'busybox', Cmd: ['sleep', '1000'] };
const IPAM = (subnet: string, more: object = {}): object => ({ IPAM: { Config: [{ Subnet: subnet, ...more }] } });

const LIFE: Story = {
  name: 'a network from create to rm',
  calls: [
    get('/networks/bridge'),
    get('/networks/host'),
    get('/networks/none'),
    post('/networks/create', { Name: 'front', CheckDuplicate: true, Labels: { l: '1' } }, { as: 'front' }),
    get('/networks/front'),
    get('/networks/{front}?verbose=1'),
    post('/networks/create', { Name: 'front', CheckDuplicate: true }),
    post(
      '/networks/create',
      {
        Name: 'back',
        Internal: true,
        Attachable: true,
        Options: { 'com.docker.network.bridge.name': 'br-back' },
        ...IPAM('10.9.0.0/24', {
          IPRange: '10.9.0.128/25',
          Gateway: '10.9.0.254',
          AuxiliaryAddresses: { a: '10.9.0.130' },
        }),
      },
      { as: 'back' },
    ),
    get('/networks/back'),
    post('/networks/create', { Name: 'six', EnableIPv6: true, ...IPAM('fd00:9::/64') }, { as: 'six' }),
    get('/networks/six'),
    ...[
      {},
      { name: ['front'] },
      { name: ['ront'] },
      { driver: ['host'] },
      { label: ['l'] },
      { label: ['l=2'] },
      { type: ['builtin'] },
      { type: ['custom'] },
      { scope: ['local'], name: ['back'] },
      { dangling: ['true'] },
      { type: ['odd'] },
      { odd: ['x'] },
    ].map((of) => get(`/networks?${filters(of)}`)),
    get('/networks/nothing'),
    remove('/networks/six'),
    remove('/networks/six'),
    remove('/networks/bridge'),
    post(`/networks/prune?${filters({ label: ['l=1'] })}`),
    remove('/networks/back'),
  ],
};

const JOINED: Story = {
  name: 'containers on networks',
  calls: [
    post('/networks/create', { Name: 'n1', ...IPAM('10.8.0.0/24') }, { as: 'n1' }),
    post('/networks/create', { Name: 'n2', ...IPAM('10.7.0.0/24') }, { as: 'n2' }),
    post(
      '/containers/create?name=w1',
      {
        ...SLEEP,
        HostConfig: { NetworkMode: 'n1' },
        NetworkingConfig: {
          EndpointsConfig: { n1: { Aliases: ['web'], IPAMConfig: { IPv4Address: '10.8.0.77' } } },
        },
      },
      { as: 'w1' },
    ),
    get('/containers/w1/json'),
    post('/containers/w1/start'),
    get('/containers/w1/json'),
    get('/networks/n1'),
    post('/networks/n2/connect', {
      Container: 'w1',
      EndpointConfig: { Aliases: ['db'], IPAMConfig: { IPv4Address: '10.7.0.9' } },
    }),
    get('/containers/w1/json'),
    post('/networks/n2/connect', { Container: 'w1' }),
    get('/networks/n2'),
    get(`/containers/json?${filters({ network: ['n2'] })}`),
    remove('/networks/n2'),
    post('/networks/n2/disconnect', { Container: 'w1' }),
    post('/networks/n2/disconnect', { Container: 'w1' }),
    post('/networks/n2/disconnect', { Container: 'w1', Force: true }),
    post('/containers/create?name=w2', { ...SLEEP, HostConfig: { NetworkMode: 'container:w1' } }, { as: 'w2' }),
    post('/containers/w2/start'),
    get('/containers/w2/json'),
    post('/networks/n2/connect', { Container: 'w2' }),
    post('/networks/host/connect', { Container: 'w1' }),
    post('/networks/nothing/connect', { Container: 'w1' }),
    post('/networks/n2/connect', { Container: 'nobody' }),
    post('/networks/n2/connect', {}),
    post('/networks/bridge/connect', {
      Container: 'w1',
      EndpointConfig: { IPAMConfig: { IPv4Address: '172.17.0.50' } },
    }),
    post('/networks/n2/connect', { Container: 'w1', EndpointConfig: { IPAMConfig: { IPv4Address: '10.99.0.9' } } }),
    post('/containers/create?name=w3', { ...SLEEP, HostConfig: { NetworkMode: 'host' } }, { as: 'w3' }),
    post('/containers/w3/start'),
    get('/containers/w3/json'),
    post('/containers/create?name=w4', { ...SLEEP, HostConfig: { NetworkMode: 'none' } }, { as: 'w4' }),
    post('/containers/w4/start'),
    get('/containers/w4/json'),
    post('/containers/create?name=w5', { ...SLEEP, HostConfig: { NetworkMode: 'nowhere' } }, { as: 'w5' }),
    post('/containers/w5/start'),
    ...['w2', 'w1', 'w3', 'w4', 'w5'].map((name) => remove(`/containers/${name}?force=1`)),
    remove('/networks/n1'),
    remove('/networks/n2'),
    eventsOf({ container: ['w1'] }),
    eventsOf({ network: ['n2'] }),
  ],
};

const PORTS: Story = {
  name: 'published ports',
  calls: [
    post(
      '/containers/create?name=p1',
      {
        ...SLEEP,
        ExposedPorts: { '80/tcp': {}, '53/udp': {} },
        HostConfig: {
          PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }], '53/udp': [{ HostPort: '5353' }] },
        },
      },
      { as: 'p1' },
    ),
    post('/containers/p1/start'),
    get('/containers/p1/json'),
    get(`/containers/json?${filters({ name: ['p1'] })}`),
    post(
      '/containers/create?name=p2',
      { ...SLEEP, ExposedPorts: { '80/tcp': {} }, HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8080' }] } } },
      { as: 'p2' },
    ),
    post('/containers/p2/start'),
    get('/containers/p2/json'),
    ...[
      { '80/tcp': [{ HostPort: 'x' }] },
      { '80/odd': [{ HostPort: '1' }] },
      { '70000/tcp': [{}] },
      { '80/tcp': [{ HostIp: 'x' }] },
    ].map((PortBindings) => post('/containers/create', { ...SLEEP, HostConfig: { PortBindings } })),
    remove('/containers/p1?force=1'),
    remove('/containers/p2?force=1'),
    post('/containers/prune'),
  ],
};

const REFUSED: Story = {
  name: 'networks that are refused',
  calls: [
    ...[
      {},
      { Name: '' },
      { Name: 'a b' },
      { Name: 'bridge' },
      { Name: 'x', Driver: 'host' },
      { Name: 'x', Driver: 'null' },
      { Name: 'x', ...IPAM('10.300.0.0/24') },
      { Name: 'x', ...IPAM('10.1.0.1/24') },
      { Name: 'x', ...IPAM('10.1.0.0/24', { Gateway: '10.2.0.1' }) },
      { Name: 'x', ...IPAM('10.1.0.0/24', { IPRange: '10.2.0.0/25' }) },
      { Name: 'x', ...IPAM('172.17.0.0/16') },
      { Name: 'x', Options: { 'com.docker.network.bridge.enable_icc': 'perhaps' } },
      { Name: 'x', Ingress: true },
      { Name: 'x', ConfigFrom: { Network: 'nothing' } },
      { Name: 'x', Scope: 'odd' },
      { Name: 5 },
    ].flatMap((body) => [post('/networks/create', body), remove('/networks/x')]),
    post('/networks/create'),
    post('/networks/create', '{"Name":', { headers: { 'Content-Type': 'application/json' } }),
  ],
};

export const NETWORKS: readonly Story[] = [LIFE, JOINED, PORTS, REFUSED];
