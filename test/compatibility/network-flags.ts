/** Every flag of `docker network …`. */
import { words, type Case } from './cases.ts';

const of = (command: string, names: string, line: string, prints: Case['prints'], more: Partial<Case> = {}): Case => ({
  flags: words(names).map((name) => `${command} ${name}`),
  line,
  prints,
  ...more,
});

/** Creates network %n ($OWN.0/24 is free for it) with `flags`, prints what `show` says and removes it. */
const create = (names: string, flags: string, show: string, prints: Case['prints'], more: Partial<Case> = {}): Case =>
  of(
    'create',
    names,
    `docker network create ${flags} %n >/dev/null && ${show}; docker network rm %n >/dev/null`,
    prints,
    more,
  );
const inspect = (format: string): string => `docker network inspect -f '${format}' %n`;

const CREATE: readonly Case[] = [
  create(
    'subnet gateway ip-range aux-address',
    '--subnet $OWN.0/24 --gateway $OWN.254 --ip-range $OWN.128/25 --aux-address a=$OWN.128',
    'docker run --rm --network %n busybox sh -c "ip -4 -o addr show eth0; ip route"',
    /\.129\/24[^]*default via [\d.]+\.254 /,
  ),
  create('internal', '--internal', 'docker run --rm --network %n busybox ip route', /^(?!default)/),
  create('ipv6', '--ipv6', 'docker run --rm --network %n busybox ip -6 -o addr show eth0 scope global', /inet6 fd/),
  create(
    'ipv4',
    '--ipv4=false --ipv6',
    'docker run --rm --network %n busybox sh -c "ip -4 -o addr show eth0 | wc -l"',
    '0',
  ),
  create('label', '--label a=b', inspect('{{.Labels.a}}'), 'b'),
  create(
    'opt',
    '-o com.docker.network.driver.mtu=1400',
    'docker run --rm --network %n busybox cat /sys/class/net/eth0/mtu',
    '1400',
  ),
  create('driver', '-d bridge', inspect('{{.Driver}}'), 'bridge'),
  create('attachable', '--attachable', inspect('{{.Attachable}}'), 'true'),
  create('scope', '--scope local', inspect('{{.Scope}}'), 'local', {
    note: 'of overlay networks `global`, of others `local`',
  }),
  of('create', 'scope', 'docker network create --scope swarm %n', /swarm/, { refused: true }),
  create('config-only', '--config-only --subnet $OWN.0/24', inspect('{{.ConfigOnly}}'), 'true'),
  of(
    'create',
    'config-from',
    'docker network create --config-only --label a=b --subnet $OWN.0/24 %c >/dev/null; docker network create --config-from %c %n >/dev/null; docker network inspect -f "{{(index .IPAM.Config 0).Subnet}}" %n; docker network rm %n %c >/dev/null',
    /\.0\/24$/,
  ),
  create('ipam-driver', '--ipam-driver default', inspect('{{.IPAM.Driver}}'), 'default', {
    note: '`default`, and `dhcp` for macvlan networks; plugins are refused',
  }),
  create('ipam-opt', '--ipam-opt a=b', inspect('{{.IPAM.Options.a}}'), 'b'),
  of('create', 'ingress', 'docker network create --ingress %n', /./, { refused: true }),
];

/** On network %net, which is there; container %box runs on the default bridge. */
const connect = (names: string, flags: string, show: string, prints: Case['prints'], more: Partial<Case> = {}): Case =>
  of(
    'connect',
    names,
    `docker network connect ${flags} %net %box && ${show}; docker network disconnect %net %box`,
    prints,
    more,
  );
const inBox = (command: string): string => `docker exec %box ${command}`;

const CONNECT: readonly Case[] = [
  connect('ip', '--ip $SUBNET.55', inBox('ip -4 -o addr show eth1'), /\.55\//),
  of(
    'connect',
    'ip6',
    'docker network connect --ip6 $SUBNET6::55 %six %box && docker exec %box ip -6 -o addr show eth1; docker network disconnect %six %box',
    /::55\/64/,
  ),
  connect(
    'alias',
    '--alias other',
    'docker run --rm --network %net busybox ping -c1 -W5 other | grep -c "1 packets received"',
    '1',
  ),
  connect('link', '--link %other:db', inBox('ping -c1 -W5 db | grep -c "1 packets received"'), '1'),
  connect('link-local-ip', '--link-local-ip 169.254.9.9', inBox('ip -4 -o addr show eth1'), /169\.254\.9\.9/),
  connect('driver-opt', '--driver-opt com.docker.network.endpoint.ifname=front0', inBox('ls /sys/class/net'), /front0/),
  connect('gw-priority', '--gw-priority 5', inBox('ip route'), /default via \S+ dev eth1/),
];

const OTHERS: readonly Case[] = [
  of(
    'disconnect',
    'force',
    'docker network connect %net %box; docker network disconnect -f %net %box; docker inspect -f "{{len .NetworkSettings.Networks}}" %box',
    '1',
  ),
  of('inspect', 'format', 'docker network inspect -f "{{.Name}}" %net', /net$/),
  of('inspect', 'verbose', 'docker network inspect -v %net', /"Name": "\w*net"/, {
    note: 'there are no services of a swarm to show',
  }),
  of('ls', 'filter quiet no-trunc', 'docker network ls -q --no-trunc --filter name=%net', /^[0-9a-f]{64}$/),
  of('ls', 'format', 'docker network ls --filter name=%net --format "{{.Name}} {{.Driver}}"', /net bridge$/),
  of(
    'prune',
    'force filter',
    'docker network create --label of=% %pr >/dev/null; docker network prune -f --filter label=of=%',
    /Deleted Networks:\n\w+pr$/,
  ),
  of('rm', 'force', 'docker network rm -f %nothing; echo $?', /0$/, { client: true }),
];

export const NETWORK_FLAGS: readonly Case[] = [...CREATE, ...CONNECT, ...OTHERS];
