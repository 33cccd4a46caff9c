import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BerthError } from '../errors.ts';
import { parseArgv } from './argv.ts';
import { loadConfig } from './config.ts';
import { daemonFlags } from './flags.ts';
import { helpText, referencePage } from './help.ts';

const load = (argv: string[], file?: unknown) =>
  loadConfig(argv, () => (file === undefined ? undefined : typeof file === 'string' ? file : JSON.stringify(file)));
const settings = (argv: string[], file?: unknown) => load(argv, file).settings;
const refused = (argv: string[], message: RegExp | string, file?: unknown): void =>
  assert.throws(() => load(argv, file), { name: 'BerthError', kind: 'InvalidParameter', message });

void describe('defaults', () => {
  void test('of roots, socket and images', () => {
    const s = settings([]);
    assert.deepEqual(s.hosts, ['unix:///run/berth/berth.sock']);
    assert.equal(s.pidfile, '/run/berth/berth.pid');
    assert.equal(s.imageRoot, '/var/lib/containers/storage');
    assert.equal(s.imageRunRoot, '/run/containers/storage');
    assert.equal(s.defaultShmSize, 64 * 1024 * 1024);
    assert.equal(s.network.icc, true);
    assert.equal(s.network.firewallBackend, 'nftables');
  });
  void test('follow other roots', () => {
    const s = settings(['--data-root', '/a/d/', '--exec-root=/a/r']);
    assert.deepEqual(s.hosts, ['unix:///a/r/berth.sock']);
    assert.equal(s.pidfile, '/a/r/berth.pid');
    assert.equal(s.imageRoot, '/a/d/storage');
    assert.equal(s.imageRunRoot, '/a/r/storage');
  });
});

void describe('the command line', () => {
  void test('takes what pflag takes', () => {
    assert.deepEqual(
      [...parseArgv(['-DH', 'fd://', '-H=tcp://127.0.0.1:1', '-ldebug', '--icc=false', '--mtu', '1400'])],
      [
        ['debug', true],
        ['host', ['fd://', 'tcp://127.0.0.1:1']],
        ['log-level', 'debug'],
        ['icc', false],
        ['mtu', 1400],
      ],
    );
  });
  void test('refuses the rest with its texts', () => {
    refused(['--nope'], "unknown flag: --nope\nSee 'berthd --help'.");
    refused(['-Dz'], "unknown shorthand flag: 'z' in -Dz\nSee 'berthd --help'.");
    refused(['--bip'], /^flag needs an argument: --bip/);
    refused(['-H'], /^flag needs an argument: 'H' in -H/);
    refused(['--mtu=x'], /^invalid argument "x" for "--mtu" flag: strconv.ParseInt: parsing "x": invalid syntax/);
    refused(['--icc=maybe'], /^invalid argument "maybe" for "--icc" flag: strconv.ParseBool/);
    refused(['run'], /^"berthd" accepts no arguments/);
  });
  void test('any words give settings or an InvalidParameter', () => {
    const word = fc.oneof(
      fc.constantFrom(...daemonFlags.map(({ name }) => `--${name}`)),
      fc.tuple(fc.constantFrom(...daemonFlags.map(({ name }) => name)), fc.string()).map(([n, v]) => `--${n}=${v}`),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 4 }), (argv) => {
        try {
          load(argv, {});
        } catch (error) {
          assert.ok(error instanceof BerthError && error.kind === 'InvalidParameter', String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
  void test("a script written for dockerd starts it, with a warning for each part that isn't there", () => {
    const { warnings } = load(['--containerd=/run/c.sock', '-s', 'overlay2', '--swarm-default-advertise-addr=eth0']);
    assert.equal(warnings.length, 3);
    assert.match(warnings[0] ?? '', /^--containerd is ignored: Berth has no containerd/);
    assert.deepEqual(load(['--live-restore', '--log-driver=json-file', '--userland-proxy=false']).warnings, []);
    assert.equal(load(['--live-restore=false', '--log-driver=syslog', '-g/x'], {}).warnings.length, 1);
    assert.deepEqual(
      [[], ['--live-restore=false']].map((argv) => settings(argv).liveRestore),
      [true, false],
    );
  });
});

void describe('daemon.json', () => {
  void test('says the same as flags', () => {
    const s = settings([], {
      hosts: ['unix:///x.sock'],
      labels: ['a=b'],
      'default-address-pools': [{ base: '10.0.0.0/8', size: 24 }],
      'default-ulimits': { nofile: { Name: 'nofile', Soft: 10, Hard: 20 } },
      mtu: 1400,
      'log-opts': { 'max-size': '1m' },
      ipv6: true,
      'default-shm-size': '1g',
    });
    assert.deepEqual(s.hosts, ['unix:///x.sock']);
    assert.deepEqual(s.network.defaultAddressPools, [{ base: '10.0.0.0/8', size: 24 }]);
    assert.deepEqual(s.defaultUlimits, [{ Name: 'nofile', Soft: 10, Hard: 20 }]);
    assert.equal(s.network.mtu, 1400);
    assert.equal(s.defaultShmSize, 2 ** 30);
  });
  void test('is refused as dockerd refuses it', () => {
    const prefix = 'unable to configure the Docker daemon with file /f: ';
    refused(
      ['--config-file=/f', '--mtu=1', '-H', 'fd://'],
      `${prefix}the following directives are specified both as a flag and in the configuration file: ` +
        'hosts: (from flag: [fd://], from file: [unix:///x]), mtu: (from flag: 1, from file: 2)',
      { hosts: ['unix:///x'], mtu: 2 },
    );
    refused(['--config-file=/f'], `${prefix}the following directives don't match any configuration option: nope, zz`, {
      zz: 1,
      nope: 2,
    });
    refused(['--config-file=/f'], `${prefix}open /f: no such file or directory`);
    refused(['--config-file=/f'], /no valid JSON/, '{');
    refused(['--config-file=/f'], /no JSON object/, '[]');
    refused(['--config-file=/f'], /"mtu" must be a whole number, not "x"/, { mtu: 'x' });
    refused(['--config-file=/f'], /"labels" must be an array of strings/, { labels: 'a=b' });
  });
});

void describe('values', () => {
  const cases: [argv: string[], message: RegExp][] = [
    [['--bip=1.2.3'], /^invalid CIDR address: 1\.2\.3 \(--bip\)$/],
    [['--bip=172.20.0.0/16'], /is the address of the network/],
    [['--bip=172.20.255.255/16'], /broadcast/],
    [['--bip=fd00::1/64'], /IPv4 network/],
    [['--bip=172.20.0.1/16', '--fixed-cidr=172.21.0.0/24'], /not a subnet/],
    [['--bip=172.20.0.1/16', '--default-gateway=10.0.0.1'], /not in the bridge's network/],
    [['--bip=172.20.0.1/16', '-b', 'br0'], /mutually exclusive/],
    [['--bridge=a/b'], /invalid bridge name/],
    [['--mtu=-1'], /^invalid default MTU: -1$/],
    [['--mtu=20'], /^invalid default MTU: 20$/],
    [['-l', 'loud'], /^invalid logging level: loud$/],
    [['--log-format=xml'], /^invalid log format: xml$/],
    [['-H', 'ftp://x'], /unsupported proto 'ftp'/],
    [['-H', 'unix://x'], /absolute/],
    [['-H', 'tcp://a:99999'], /invalid bind address/],
    [['--label=x'], /^bad attribute format: x$/],
    [['--label=a=1', '--label=a=2'], /^conflict labels for a=2 and a=1$/],
    [['--dns=x'], /^IP address is not correctly formatted: x$/],
    [['--dns-search=a b'], /not a valid domain/],
    [['--default-address-pool=10.0.0.0/8'], /key=value pair/],
    [['--default-address-pool=base=10.0.0.0/8,size=4'], /no network of size 4 fits/],
    [['--default-address-pool=base=x,size=4'], /invalid base pool "x"/],
    [['--iptables=false', '--icc=false'], /ICC=false uses iptables/],
    [['--firewall-backend=pf'], /invalid firewall-backend "pf"/],
    [
      ['--bridge-accept-fwmark=x'],
      /^invalid bridge-accept-fwmark: invalid firewall mark "x": strconv.ParseUint: parsing "x": invalid syntax$/,
    ],
    [['--bridge-accept-fwmark=1/'], /invalid firewall mask "1\/": strconv.ParseUint: parsing "": invalid syntax$/],
    [['--bridge-accept-fwmark=0x100000000'], /value out of range$/],
    [['--default-network-opt=bridge=x'], /^invalid value "bridge=x" for map option, should be root-key=key=value$/],
    [['--fixed-cidr-v6=ff02::/64'], /^invalid fixed-cidr-v6: multicast subnet 'ff02::\/64' is not allowed$/],
    [['--fixed-cidr-v6=fe80::/80'], /clashes with the Link-Local prefix 'fe80::\/64'$/],
    [['--default-ulimit=x=1'], /^invalid ulimit type: x$/],
    [['--default-ulimit=nofile=5:1'], /soft limit/],
    [['--default-shm-size=lots'], /invalid size: 'lots'/],
    [['--default-runtime=kata'], /does not exist/],
    [['--data-root=x'], /absolute path/],
    [['--registry-mirror=ftp://x'], /unsupported scheme "ftp"/],
    [['--insecure-registry=http://x'], /should not contain/],
    [['--shutdown-timeout=-5'], /invalid --shutdown-timeout/],
  ];
  for (const [argv, message] of cases) void test(argv.join(' '), () => refused(argv, message));

  void test('options of networks by driver, on the command line and in daemon.json', () => {
    const mtu = 'com.docker.network.driver.mtu';
    const wanted = { bridge: { [mtu]: '1400', 'com.docker.network.enable_ipv6': 'true' }, overlay: { [mtu]: '1=2' } };
    assert.deepEqual(
      settings([
        `--default-network-opt=bridge=${mtu}=1400`,
        '--default-network-opt=bridge=com.docker.network.enable_ipv6=true',
        `--default-network-opt=overlay=${mtu}=1=2`,
      ]).network.defaultNetworkOptions,
      wanted,
    );
    assert.deepEqual(settings([], { 'default-network-opts': wanted }).network.defaultNetworkOptions, wanted);
    refused([], /"default-network-opts" must be an object of objects of strings/, { 'default-network-opts': { a: 1 } });
    const strange = settings(['--default-network-opt=__proto__=a=b']).network.defaultNetworkOptions;
    assert.deepEqual(Object.entries(strange), [['__proto__', { a: 'b' }]]);
  });
  void test('marks of the firewall, as Go reads numbers', () => {
    const mark = (text: string): string => settings([`--bridge-accept-fwmark=${text}`]).network.bridgeAcceptFwmark;
    assert.deepEqual(['', '1', '0x10/0xff', '010', '0b11', '4294967295'].map(mark), [
      '',
      '1',
      '16/255',
      '8',
      '3',
      '4294967295',
    ]);
  });
  void test('flags of the network that Berth always obeys are accepted in silence', () => {
    const argv = ['--ip-forward-no-drop', '--allow-direct-routing', '--userland-proxy=false', '--ip=127.0.0.1'];
    assert.deepEqual(load([...argv, '--bridge-accept-fwmark=1', '--default-network-opt=bridge=a=b']).warnings, []);
    const { allowDirectRouting, userlandProxy, ip } = settings(argv).network;
    assert.deepEqual([allowDirectRouting, userlandProxy, ip], [true, false, '127.0.0.1']);
  });
  void test('iptables=false takes masquerading with it', () => {
    assert.equal(settings(['--iptables=false']).network.ipMasq, false);
  });
  void test('listen addresses are completed', () => {
    assert.deepEqual(settings(['-H', 'tcp://', '-H', ':99', '-H', 'unix://', '-H', '[::1]:5']).hosts, [
      'tcp://127.0.0.1:2375',
      'tcp://127.0.0.1:99',
      'unix:///run/berth/berth.sock',
      'tcp://[::1]:5',
    ]);
  });
});

void test('help and reference hold every flag', () => {
  for (const flag of daemonFlags) {
    if (!flag.hidden) assert.ok(helpText().includes(`--${flag.name}`));
    assert.ok(referencePage().includes(`\`--${flag.name}\``));
  }
  assert.equal(new Set(daemonFlags.map(({ name }) => name)).size, daemonFlags.length);
});
