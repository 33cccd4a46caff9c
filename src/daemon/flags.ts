/**
 * Every flag of berthd, one row each: parsing, daemon.json, --help and docs/reference are derived from this table.
 * It holds all flags of dockerd 20.10 to 29, so that a script written for dockerd starts berthd as well; what concerns
 * a part that Berth does not have is `ignored` and says so in the log.
 */
export type FlagType =
  | 'bool'
  | 'int'
  | 'string'
  | 'bytes'
  /** One address. */
  | 'ip'
  /** May be given several times, order kept. */
  | 'list'
  /** NAME=SOFT[:HARD], several times; in daemon.json an object NAME → {Name, Soft, Hard}. */
  | 'ulimit'
  /** base=CIDR,size=BITS, several times; in daemon.json an array of {base, size}. */
  | 'pool-options'
  /** KEY=VALUE, several times; in daemon.json an object. */
  | 'map'
  /** ROOT=KEY=VALUE, several times; in daemon.json an object of objects. */
  | 'map-map';

export interface DaemonFlag {
  name: string;
  short?: string;
  type: FlagType;
  /** Placeholder in --help where it is not the type's name. */
  placeholder?: string;
  /** Key in daemon.json: the flag's name unless said otherwise; null for none. */
  key?: string | null;
  default?: boolean | number | string;
  help: string;
  /** Set when the flag has no effect: the end of the sentence 'Berth has no …'. */
  ignored?: string;
  /** Not in --help: withdrawn by Docker, or never a flag but a key of daemon.json. */
  hidden?: boolean;
}

const containerd = 'containerd: conmon and crun or runc run the containers';
const swarm = 'swarm';
const plugins = 'plugins';
const proxies = 'proxy setting of its own: the environment variables of berthd apply to image pulls';
const perContainer = 'default for this: set it for each container';
const daemonWide = 'limit on concurrent transfers';

export const daemonFlags: readonly DaemonFlag[] = [
  {
    name: 'add-runtime',
    type: 'map',
    placeholder: 'runtime',
    key: 'runtimes',
    help: 'Register an additional OCI compatible runtime',
    ignored: 'table of runtimes: give --default-runtime a path',
  },
  {
    name: 'allow-direct-routing',
    type: 'bool',
    default: false,
    help: 'Allow remote access to published ports on container IP addresses',
  },
  {
    name: 'allow-nondistributable-artifacts',
    type: 'list',
    help: 'Allow push of nondistributable artifacts to registry',
    ignored: 'non-distributable artifacts',
    hidden: true,
  },
  {
    name: 'api-cors-header',
    type: 'string',
    help: 'Set CORS headers in the Engine API',
    ignored: 'CORS headers',
    hidden: true,
  },
  {
    name: 'authorization-plugin',
    type: 'list',
    key: 'authorization-plugins',
    help: 'Authorization plugins to load',
    ignored: plugins,
  },
  { name: 'bip', type: 'string', help: 'IPv4 address for the default bridge' },
  { name: 'bip6', type: 'string', help: 'IPv6 address for the default bridge' },
  { name: 'bridge', short: 'b', type: 'string', help: 'Attach containers to a network bridge' },
  {
    name: 'bridge-accept-fwmark',
    type: 'string',
    help: 'Accept packets with this firewall mark/mask in bridge networks',
  },
  { name: 'builder', type: 'map', help: 'Settings of the builder', ignored: 'builder: use Buildah', hidden: true },
  {
    name: 'cdi-spec-dir',
    type: 'list',
    key: 'cdi-spec-dirs',
    help: 'CDI specification directories to use',
    ignored: 'CDI devices',
  },
  { name: 'cgroup-parent', type: 'string', help: 'Set parent cgroup for all containers' },
  {
    name: 'cluster-advertise',
    type: 'string',
    placeholder: 'address|interface',
    help: 'Address by which other hosts of the cluster reach this one, or the interface that has it',
  },
  {
    name: 'cluster-lease',
    type: 'int',
    default: 30,
    help: 'Seconds after which the cluster takes this host for dead when nothing is heard of it',
  },
  { name: 'cluster-name', type: 'string', help: "Name of this host in the cluster (default: the host's own)" },
  {
    name: 'cluster-store',
    type: 'string',
    placeholder: 'url',
    help: 'The etcd of the cluster: etcd://HOST[:PORT][,HOST[:PORT]...], etcds:// for TLS (see also "berth cluster init")',
  },
  {
    name: 'cluster-store-opt',
    type: 'map',
    key: 'cluster-store-opts',
    help: 'How to reach it: kv.cacertfile, kv.certfile and kv.keyfile (PEM), kv.path (prefix of all keys), user, passwordfile',
  },
  {
    name: 'cluster-timeout',
    type: 'int',
    default: 5,
    help: 'Seconds after which an operation fails that needs the cluster store when that does not answer',
  },
  {
    name: 'cluster-vxlan-port',
    type: 'int',
    default: 4789,
    help: 'UDP port of overlay networks, the same on all hosts',
  },
  {
    name: 'cluster-wireguard-port',
    type: 'int',
    default: 51820,
    help: 'UDP port by which this host is sent what belongs to encrypted overlay networks',
  },
  {
    name: 'config-file',
    type: 'string',
    key: null,
    default: '/etc/berth/daemon.json',
    help: 'Daemon configuration file',
  },
  { name: 'containerd', type: 'string', help: 'containerd grpc address', ignored: containerd },
  { name: 'containerd-namespace', type: 'string', help: 'Containerd namespace to use', ignored: containerd },
  {
    name: 'containerd-plugins-namespace',
    type: 'string',
    key: 'containerd-plugin-namespace',
    help: 'Containerd namespace to use for plugins',
    ignored: containerd,
  },
  {
    name: 'cpu-rt-period',
    type: 'int',
    default: 0,
    help: 'Limit the CPU real-time period in microseconds for the parent cgroup for all containers',
    ignored: 'real-time scheduling',
  },
  {
    name: 'cpu-rt-runtime',
    type: 'int',
    default: 0,
    help: 'Limit the CPU real-time runtime in microseconds for the parent cgroup for all containers',
    ignored: 'real-time scheduling',
  },
  { name: 'cri-containerd', type: 'bool', default: false, help: 'start containerd with cri', ignored: containerd },
  {
    name: 'data-root',
    short: 'g',
    type: 'string',
    default: '/var/lib/berth',
    help: 'Root directory of persistent Berth state',
  },
  { name: 'debug', short: 'D', type: 'bool', default: false, help: 'Enable debug mode' },
  {
    name: 'default-address-pool',
    type: 'pool-options',
    key: 'default-address-pools',
    help: 'Default address pools for node specific local networks',
  },
  {
    name: 'default-cgroupns-mode',
    type: 'string',
    help: 'Default mode for containers cgroup namespace ("host" | "private")',
    ignored: perContainer,
  },
  { name: 'default-gateway', type: 'ip', help: 'Default gateway IPv4 address for the default bridge network' },
  { name: 'default-gateway-v6', type: 'ip', help: 'Default gateway IPv6 address for the default bridge network' },
  {
    name: 'default-ipc-mode',
    type: 'string',
    help: 'Default mode for containers ipc ("shareable" | "private")',
    ignored: perContainer,
  },
  {
    name: 'default-network-opt',
    type: 'map-map',
    placeholder: 'mapmap',
    key: 'default-network-opts',
    help: 'Options that new networks of a driver have when nobody says otherwise: DRIVER=OPTION=VALUE',
  },
  {
    name: 'default-runtime',
    type: 'string',
    default: 'crun',
    help: 'Default OCI runtime for containers ("crun" | "runc" | a path)',
  },
  { name: 'default-shm-size', type: 'bytes', default: '64MiB', help: 'Default shm size for containers' },
  { name: 'default-ulimit', type: 'ulimit', key: 'default-ulimits', help: 'Default ulimits for containers' },
  { name: 'deprecated-key-path', type: 'string', help: 'Path to key file for ID', ignored: 'key files', hidden: true },
  { name: 'dns', type: 'list', help: 'DNS server to use' },
  { name: 'dns-opt', type: 'list', key: 'dns-opts', help: 'DNS options to use' },
  { name: 'dns-search', type: 'list', help: 'DNS search domains to use' },
  {
    name: 'exec-opt',
    type: 'list',
    key: 'exec-opts',
    help: 'Runtime execution options',
    ignored: 'runtime execution options: the cgroup driver is cgroupfs',
  },
  { name: 'exec-root', type: 'string', default: '/run/berth', help: 'Root directory for execution state files' },
  {
    name: 'experimental',
    type: 'bool',
    default: false,
    help: 'Enable experimental features',
    ignored: 'experimental features',
  },
  { name: 'feature', type: 'map', key: 'features', help: 'Enable feature in the daemon', ignored: 'optional features' },
  {
    name: 'firewall-backend',
    type: 'string',
    default: 'nftables',
    help: 'Firewall backend to use, iptables or nftables',
  },
  { name: 'fixed-cidr', type: 'string', help: 'IPv4 subnet for the default bridge network' },
  { name: 'fixed-cidr-v6', type: 'string', help: 'IPv6 subnet for the default bridge network' },
  { name: 'graph', type: 'string', help: 'Root of the Docker runtime (now --data-root)', hidden: true },
  { name: 'group', short: 'G', type: 'string', default: 'berth', help: 'Group for the unix socket' },
  { name: 'help', type: 'bool', key: null, help: 'Print usage' },
  { name: 'host', short: 'H', type: 'list', key: 'hosts', help: 'Daemon socket(s) to connect to' },
  {
    name: 'host-gateway-ip',
    type: 'list',
    key: 'host-gateway-ips',
    help: "IP addresses that the special 'host-gateway' string in --add-host resolves to. Defaults to the IP addresses of the default bridge",
  },
  { name: 'http-proxy', type: 'string', help: 'HTTP proxy URL to use for outgoing traffic', ignored: proxies },
  { name: 'https-proxy', type: 'string', help: 'HTTPS proxy URL to use for outgoing traffic', ignored: proxies },
  {
    name: 'icc',
    type: 'bool',
    default: true,
    help: 'Enable inter-container communication for the default bridge network',
  },
  {
    name: 'image-root',
    type: 'string',
    help: 'Directory of the image store (default: the one shared with Podman and Buildah, or below --data-root when that is given)',
  },
  {
    name: 'init',
    type: 'bool',
    default: false,
    help: 'Run an init in the container to forward signals and reap processes',
  },
  { name: 'init-path', type: 'string', default: '/usr/bin/tini', help: 'Path to the init binary' },
  {
    name: 'insecure-registry',
    type: 'list',
    key: 'insecure-registries',
    help: 'Enable insecure registry communication',
  },
  { name: 'ip', type: 'ip', default: '0.0.0.0', help: 'Host IP for port publishing from the default bridge network' },
  { name: 'ip-forward', type: 'bool', default: true, help: 'Enable IP forwarding in system configuration' },
  {
    name: 'ip-forward-no-drop',
    type: 'bool',
    default: false,
    help: 'Do not set the filter-FORWARD policy to DROP when enabling IP forwarding (always so: the policy is the administrator’s)',
  },
  { name: 'ip-masq', type: 'bool', default: true, help: 'Enable IP masquerading for the default bridge network' },
  { name: 'ip6tables', type: 'bool', default: true, help: 'Enable addition of IPv6 firewall rules' },
  { name: 'iptables', type: 'bool', default: true, help: 'Enable addition of IPv4 firewall rules' },
  { name: 'ipv6', type: 'bool', default: false, help: 'Enable IPv6 networking for the default bridge network' },
  { name: 'label', type: 'list', key: 'labels', help: 'Set key=value labels to the daemon' },
  {
    name: 'live-restore',
    type: 'bool',
    default: true,
    help: 'Keep containers running while the daemon is not',
  },
  { name: 'log-driver', type: 'string', default: 'json-file', help: 'Default driver for container logs' },
  { name: 'log-format', type: 'string', default: 'text', help: 'Set the logging format ("text"|"json")' },
  {
    name: 'log-level',
    short: 'l',
    type: 'string',
    default: 'info',
    help: 'Set the logging level ("debug"|"info"|"warn"|"error"|"fatal")',
  },
  {
    name: 'log-opt',
    type: 'map',
    key: 'log-opts',
    help: 'Default log driver options for containers',
    ignored: 'options of log drivers',
  },
  {
    name: 'max-concurrent-downloads',
    type: 'int',
    default: 3,
    help: 'Set the max concurrent downloads',
    ignored: daemonWide,
  },
  {
    name: 'max-concurrent-uploads',
    type: 'int',
    default: 5,
    help: 'Set the max concurrent uploads',
    ignored: daemonWide,
  },
  {
    name: 'max-download-attempts',
    type: 'int',
    default: 5,
    help: 'Set the max download attempts for each pull',
    ignored: daemonWide,
  },
  {
    name: 'metrics-addr',
    type: 'string',
    help: 'Set default address and port to serve the metrics api on',
    ignored: 'metrics endpoint',
  },
  { name: 'mtu', type: 'int', default: 0, help: 'Set the MTU for the default bridge network (0 means 1500)' },
  { name: 'network-control-plane-mtu', type: 'int', default: 1500, help: 'Network Control plane MTU', ignored: swarm },
  {
    name: 'no-new-privileges',
    type: 'bool',
    default: false,
    help: 'Set no-new-privileges by default for new containers',
  },
  {
    name: 'no-proxy',
    type: 'string',
    help: 'Comma-separated list of hosts or IP addresses for which the proxy is skipped',
    ignored: proxies,
  },
  {
    name: 'node-generic-resource',
    type: 'list',
    key: 'node-generic-resources',
    help: 'Advertise user-defined resource',
    ignored: swarm,
  },
  {
    name: 'oom-score-adjust',
    type: 'int',
    default: 0,
    help: 'Set the oom_score_adj for the daemon',
    ignored: 'setting for its own oom_score_adj: set it in the systemd unit',
    hidden: true,
  },
  {
    name: 'pidfile',
    short: 'p',
    type: 'string',
    default: '/run/berth/berth.pid',
    help: 'Path to use for daemon PID file',
  },
  { name: 'proxies', type: 'map', help: 'Proxy settings', ignored: proxies, hidden: true },
  { name: 'raw-logs', type: 'bool', default: false, help: 'Full timestamps without ANSI coloring (always so)' },
  { name: 'registry-mirror', type: 'list', key: 'registry-mirrors', help: 'Preferred registry mirror' },
  {
    name: 'rootless',
    type: 'bool',
    default: false,
    help: 'Enable rootless mode; typically used with RootlessKit',
    ignored: 'rootless mode',
  },
  {
    name: 'seccomp-profile',
    type: 'string',
    default: 'builtin',
    help: 'Path to seccomp profile. Set to "unconfined" to disable the default seccomp profile',
  },
  { name: 'selinux-enabled', type: 'bool', default: false, help: 'Enable selinux support', ignored: 'SELinux support' },
  { name: 'shutdown-timeout', type: 'int', default: 15, help: 'Set the default shutdown timeout' },
  {
    name: 'storage-driver',
    short: 's',
    type: 'string',
    help: 'Storage driver to use',
    ignored: 'choice of storage drivers: it is overlay',
  },
  {
    name: 'storage-opt',
    type: 'list',
    key: 'storage-opts',
    help: 'Storage driver options',
    ignored: 'options of storage drivers',
  },
  {
    name: 'swarm-default-advertise-addr',
    type: 'string',
    help: 'Set default address or interface for swarm advertised address',
    ignored: swarm,
  },
  { name: 'tls', type: 'bool', default: false, help: 'Use TLS; implied by --tlsverify' },
  { name: 'tlscacert', type: 'string', default: '/root/.docker/ca.pem', help: 'Trust certs signed only by this CA' },
  { name: 'tlscert', type: 'string', default: '/root/.docker/cert.pem', help: 'Path to TLS certificate file' },
  { name: 'tlskey', type: 'string', default: '/root/.docker/key.pem', help: 'Path to TLS key file' },
  { name: 'tlsverify', type: 'bool', default: false, help: 'Use TLS and verify the remote' },
  { name: 'userland-proxy', type: 'bool', default: true, help: 'Use userland proxy for loopback traffic' },
  {
    name: 'userland-proxy-path',
    type: 'string',
    help: 'Path to the userland proxy binary',
    ignored: 'separate proxy binary',
  },
  { name: 'userns-remap', type: 'string', help: 'User/Group setting for user namespaces', ignored: 'user namespaces' },
  { name: 'validate', type: 'bool', key: null, help: 'Validate daemon configuration and exit' },
  { name: 'version', short: 'v', type: 'bool', key: null, help: 'Print version information and quit' },
];

export const isRepeatable = (type: FlagType): boolean =>
  type === 'list' || type === 'ulimit' || type === 'pool-options' || type === 'map' || type === 'map-map';

/** Key of the flag in daemon.json, undefined when the file cannot say it. */
export const keyOf = (flag: DaemonFlag): string | undefined =>
  flag.key === null ? undefined : (flag.key ?? flag.name);
