/** What the tour shows: the steps of docs/guide.md. Pure data. */

export interface Step {
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
}

/** Addresses for documentation (RFC 5737): no machine's own. */
export const WORLD = { host: '198.51.100.2', outside: '198.51.100.1', prefix: 24 } as const;
export const BRIDGE_IP = '172.17.0.1/20';

const shell = (text: string): string[] => text.split(' ');
const show = (...commands: string[]): StepCommand[] => commands.map((text) => ({ argv: shell(text) }));

export const steps: readonly Step[] = [
  {
    title: 'The networks that every host has',
    explanation: 'Three, each by another driver: a bridge, the host itself, and nothing at all.',
    commands: show('berth network ls'),
  },
  {
    title: 'No network',
    explanation: 'A namespace of its own with nothing in it but the loopback interface.',
    commands: show('berth run --rm --network none busybox ifconfig -a'),
  },
  {
    title: 'The network of the host',
    explanation: 'No namespace of its own: it sees the uplink eth0 and the bridge docker0, as the host does.',
    commands: show('berth run --rm --network host busybox ifconfig'),
  },
  {
    title: 'The default bridge',
    explanation:
      'An eth0 of its own, with an address of the subnet of docker0 (berthd was started with --bip 172.17.0.1/20).',
    commands: show('berth run --rm busybox ifconfig'),
  },
  {
    title: 'Two containers on the bridge',
    explanation: 'Each has one end of a veth pair; the other ends are ports of docker0.',
    commands: show(
      'berth run -d --name one busybox sleep 3600',
      'berth run -d --name two busybox sleep 3600',
      'brctl show',
      'berth exec two ping -c 1 172.17.0.2',
    ),
  },
  {
    title: 'A container in the network of another',
    explanation: 'The same interface, the same MAC and IP address: they share one namespace.',
    commands: show('berth exec one ifconfig eth0', 'berth run --rm --network container:one busybox ifconfig eth0'),
  },
  {
    title: 'To the outside',
    explanation: `On the host's uplink the source is not the container's address but the host's own, ${WORLD.host}: it was rewritten.`,
    commands: [
      { argv: shell('tcpdump -n -t -l -i eth0 -c 2 icmp'), watches: true },
      { argv: shell(`berth exec one ping -c 1 ${WORLD.outside}`) },
    ],
  },
  {
    title: 'The rule that does it',
    explanation: 'What comes from the subnet and leaves by another interface than the bridge is masqueraded.',
    commands: show('iptables -t nat -S POSTROUTING', 'ip route'),
  },
];
