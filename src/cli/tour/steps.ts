/** What the tour shows, and what docs/tutorial.md is made from. Pure data. */

export interface Step {
  /** By which the tutorial finds it. */
  id: string;
  title: string;
  /** One line: what to look for in the output. */
  explanation: string;
  commands: readonly StepCommand[];
}

export interface StepCommand {
  /** As it is printed; the first word decides what runs: 'berth' is this program, everything else is the host's. */
  argv: readonly string[];
  /** Printed, and its output awaited, only after the commands that follow it: something that watches them. */
  watches?: boolean;
  /** Shown because it is refused. */
  fails?: boolean;
  /** On the second host. */
  on?: HostName;
}

/** Each has its own berthd. */
export type HostName = 'a' | 'b';

/** Stands for what `berth cluster init` says others need to join. */
export const TOKEN = '<token>';

/** Addresses for documentation (RFC 5737): no machine's own. */
export const WORLD = { host: '198.51.100.2', second: '198.51.100.3', outside: '198.51.100.1', prefix: 24 } as const;
export const BRIDGE_IP = '172.17.0.1/20';

/** Splits at spaces, but not within single quotes. */
const shell = (text: string): string[] =>
  [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
const show = (...commands: string[]): StepCommand[] => commands.map((text) => ({ argv: shell(text) }));
const refused = (text: string): StepCommand => ({ argv: shell(text), fails: true });
const onB = (...commands: string[]): StepCommand[] => commands.map((text) => ({ argv: shell(text), on: 'b' }));
const watch = (text: string): StepCommand => ({ argv: shell(text), watches: true });

export const steps: readonly Step[] = [
  {
    id: 'ls',
    title: 'The networks that every host has',
    explanation: 'Three, each by another driver: a bridge, the host itself, and nothing at all.',
    commands: show('berth network ls'),
  },
  {
    id: 'none',
    title: 'No network',
    explanation: 'A namespace of its own with nothing in it but the loopback interface.',
    commands: show('berth run --rm --network none busybox ifconfig -a'),
  },
  {
    id: 'host',
    title: 'The network of the host',
    explanation: 'No namespace of its own: it sees the uplink eth0 and the bridge docker0, as the host does.',
    commands: show('berth run --rm --network host busybox ifconfig'),
  },
  {
    id: 'bridge',
    title: 'The default bridge',
    explanation: `An eth0 of its own, with an address of the subnet of docker0 (berthd was started with --bip ${BRIDGE_IP}).`,
    commands: show('berth run --rm busybox ifconfig', 'berth run --rm busybox ip route'),
  },
  {
    id: 'ports',
    title: 'Two containers on the bridge',
    explanation: 'Each has one end of a veth pair; the other ends are ports of docker0.',
    commands: show(
      'berth run -d --name one busybox sleep 3600',
      'berth run -d --name two busybox sleep 3600',
      'brctl show docker0',
      'berth exec two ping -c 1 172.17.0.2',
    ),
  },
  {
    id: 'custom',
    title: 'Networks of your own',
    explanation: 'Each is a bridge with a subnet: the next one that is free, or the one that is asked for.',
    commands: [
      ...show('berth network create --driver bridge bridge1'),
      refused('berth network create --driver bridge --subnet 172.17.16.0/24 --dateway 172.17.16.1 bridge2'),
      ...show('berth network create --driver bridge --subnet 172.17.16.0/24 --gateway 172.17.16.1 bridge2'),
      refused('berth network create --driver bridge --subnet 172.17.8.0/24 bridge3'),
      ...show(
        'berth network ls',
        'ip -br -4 addr',
        'berth run --rm --network=bridge2 --ip=172.17.16.3 busybox ifconfig eth0',
      ),
    ],
  },
  {
    id: 'address',
    title: 'By address',
    explanation: 'On one network every container reaches every other; from another network nothing comes through.',
    commands: [
      ...show(
        'berth run -d --name web --hostname web --network bridge1 -p 8080:80 busybox httpd -f -h /etc',
        'berth run -d --name three --network bridge1 busybox sleep 3600',
        'berth exec three ping -c 1 172.18.0.2',
      ),
      refused('berth exec two ping -c 1 -W 1 172.18.0.2'),
      ...show('berth network connect bridge1 two', 'berth exec two ip route', 'berth exec two ping -c 1 172.18.0.2'),
    ],
  },
  {
    id: 'name',
    title: 'By name',
    explanation: 'On networks of your own a resolver at 127.0.0.11 knows the containers; the default bridge has none.',
    commands: [
      ...show(
        'berth exec three cat /etc/resolv.conf',
        'berth exec three ping -c 1 web',
        'berth exec three nslookup web',
      ),
      refused('berth exec one ping -c 1 two'),
    ],
  },
  {
    id: 'joined',
    title: 'A container in the network of another',
    explanation: 'The same interface, the same addresses, the same 127.0.0.1: they share one namespace.',
    commands: show(
      'berth exec web ifconfig eth0',
      'berth run --rm --network container:web busybox ifconfig eth0',
      'berth run --rm --network container:web busybox wget -qO- http://127.0.0.1/hostname',
    ),
  },
  {
    id: 'out',
    title: 'The way out',
    explanation: `On eth0 the source is not the container's address but the host's own, ${WORLD.host}; the answer comes back to the container. (tcpdump was started first.)`,
    commands: [watch('tcpdump -n -t -l -i any -c 6 icmp'), ...show(`berth exec one ping -c 1 ${WORLD.outside}`)],
  },
  {
    id: 'masquerade',
    title: 'The rule that does it',
    explanation: 'What comes from a subnet and leaves by another interface than its bridge is masqueraded.',
    commands: show('iptables -t nat -S POSTROUTING', 'ip route'),
  },
  {
    id: 'in',
    title: 'The way in',
    explanation: `Somebody outside asks ${WORLD.host}:8080; on the bridge the packet goes to the container's port 80, its source unchanged. (tcpdump was started first.)`,
    commands: [
      ...show('berth port web', 'nft list map inet berth any-address4'),
      watch("tcpdump -n -t -q -l -i any -c 6 'tcp[tcpflags] & tcp-syn != 0'"),
      ...show(`ip netns exec outside busybox wget -qO- http://${WORLD.host}:8080/hostname`),
    ],
  },
  {
    id: 'publish',
    title: 'Another way in, while it runs',
    explanation: 'Ports of a running container come and go; the host itself reaches them, too.',
    commands: [
      ...show(
        'berth port web --add 127.0.0.1:9090:80',
        'busybox wget -qO- http://127.0.0.1:9090/hostname',
        'berth port web --rm 80/tcp',
      ),
      refused('busybox wget -qO- http://127.0.0.1:9090/hostname'),
    ],
  },
  {
    id: 'macvlan',
    title: 'On the wire itself',
    explanation: `With macvlan a container is a machine of its own on the wire of eth0: no bridge, no NAT. Everybody there reaches it, but for its own host.`,
    commands: [
      ...show(
        `berth network create -d macvlan --subnet 198.51.100.0/24 --gateway ${WORLD.outside} --ip-range 198.51.100.128/25 -o parent=eth0 lan`,
        'berth run -d --name printer --network lan busybox sleep 3600',
        'berth exec printer ip -o -4 addr show eth0',
        `berth exec printer ping -c 1 ${WORLD.outside}`,
        'ip netns exec outside busybox ping -c 1 198.51.100.128',
      ),
      refused('busybox ping -c 1 -W 1 198.51.100.128'),
    ],
  },
  {
    id: 'cluster',
    title: 'A second host',
    explanation: `Host b is ${WORLD.second} on the same wire. What both must know is in an etcd, which the first host starts; the token lets the second in.`,
    commands: [
      ...show(`berth cluster init --advertise-addr ${WORLD.host}`),
      ...onB(`berth cluster join --advertise-addr ${WORLD.second} ${TOKEN}`),
      ...show('berth cluster status'),
    ],
  },
  {
    id: 'overlay',
    title: 'One network on both',
    explanation:
      'Made on one host it is there on the other; addresses are given once, and names are found across hosts.',
    commands: [
      ...show('berth network create -d overlay --subnet 10.0.9.0/24 wide'),
      ...onB('berth network ls --filter driver=overlay', 'berth run -d --name right --network wide busybox sleep 3600'),
      ...show('berth run -d --name left --network wide busybox sleep 3600', 'berth exec left ping -c 1 right'),
      ...onB('berth exec right ping -c 1 left'),
    ],
  },
  {
    id: 'wire',
    title: 'What goes over the wire',
    explanation:
      'Whole frames of the containers, in UDP packets from host to host (VXLAN), to the one host that has the container; nobody is asked who has an address.',
    commands: [
      watch("tcpdump -n -t -l -i eth0 -c 2 'udp port 4789'"),
      ...show('berth exec left ping -c 1 right', 'ip -br link show type vxlan'),
    ],
  },
];
