/** The stock docker CLI as the judge of what is printed: same words, same stand-in daemon, same output and exit code. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { answer } from './data.ts';
import { type Result, type StandIn, startStandIn } from './standin.ts';
import { noJudge } from '../support/stock-client.ts';

/** Where docker names itself. */
const ownName = (text: string): string =>
  text.replaceAll('docker', 'berth').replaceAll("See 'berth", "Run 'berth").replaceAll('SRun', 'Run');

const SAME: readonly string[] = [
  'ps',
  'ps -a',
  'ps -q',
  'ps -q --no-trunc',
  'ps -s',
  'ps -s --no-trunc',
  'ps -n 2',
  'ps -l',
  'ps -a -f status=exited -f label=a=b',
  'ps --format raw',
  'ps --format table',
  'ps --format {{.Names}}',
  'ps -q --format {{.Names}}',
  'container ls --format {{.ID}}\\t{{.Names}}',
  'ps --format {{.Labels}}|{{.Mounts}}|{{.LocalVolumes}}|{{.Networks}}|{{.Size}}|{{.RunningFor}}|{{.CreatedAt}}|{{.State}}',
  'ps --format table|{{.Names}}\\t{{.Ports}}\\t{{.Label|"com.example.rack-number"}}',
  'ps --format table|{{upper|.Names}}\\t{{json|.Ports}}',
  'ps --format {{.Foo}}',
  'ps --format {{.Names',
  'ps --format {{nope}}',
  'ps -f x',
  'ps x',
  'ps --foo',
  'ps -n x',
  'images',
  'images -a',
  'images -q',
  'images --digests',
  'images --no-trunc',
  'images busybox',
  'images -f dangling=true',
  'images --format json',
  'images --format raw',
  'images --format {{.Repository}}:{{.Tag}}|{{.ID}}|{{.CreatedAt}}|{{.Size}}|{{.SharedSize}}|{{.UniqueSize}}|{{.Containers}}',
  'images --format table|{{.Repository}}\\t{{.Digest}}',
  'images a b',
  'image ls',
  'history b',
  'history --no-trunc b',
  'history -q b',
  'history -H=false b',
  'history --format json b',
  'history gone',
  'network ls',
  'network ls --no-trunc',
  'network ls -q',
  'network ls --format json',
  'network ls --format {{.ID}}|{{.Name}}|{{.CreatedAt}}|{{.Labels}}|{{.Label|"x"}}|{{.IPv4}}|{{.IPv6}}|{{.Internal}}',
  'network ls -f driver=bridge',
  'network inspect bridge',
  'network inspect bridge gone',
  'network inspect -f {{.Name}}|{{len|.Containers}} bridge net2',
  'network inspect',
  'network foo',
  'network rm bridge net2',
  'network rm -f gone',
  'network prune -f',
  'network create n -d bridge',
  'network create --subnet 10.0.0.0/24 --gateway 10.0.0.1 --ip-range 10.0.0.0/25 --aux-address a=10.0.0.5 -o x=y --label a --label b=c --internal --ipv6 q',
  'network create --gateway 10.0.0.1 q',
  'network create --subnet 10.0.0.0/24 --gateway 10.1.0.1 q',
  'network create --subnet 10.0.0.0/24 --subnet 10.0.0.0/25 q',
  'network connect --ip 172.17.0.9 --ip6 fd00::1 --alias a --alias b --link c:d --driver-opt x=y bridge web',
  'network connect --gw-priority -5 --link-local-ip 169.254.3.4,fe80::9 --link c bridge web',
  'network connect --gw-priority x bridge web',
  'network connect --driver-opt com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1 bridge web',
  'network connect --driver-opt a=1,b=2 --alias a,b bridge web',
  'network connect bridge gone',
  'network connect gone web',
  'network disconnect bridge web',
  'network disconnect bridge gone',
  'network disconnect bridge',
  'network create',
  'network create a b',
  'network create --attachable --scope local --ipv4=false --ipv6 --config-only q',
  'network create --config-from other q',
  'network create --ingress q',
  'network create --ipam-driver null --ipam-opt a=b --ipam-opt c q',
  'network create --subnet 10.0.0.0/24,fd00::/64 --gateway fd00::1 --ip-range fd00::/80 --aux-address a=fd00::5,b=10.0.0.9 q',
  'network create --subnet 10.0.0.0/24 --subnet 10.0.1.0/24 --ip-range 10.0.1.0/25 --gateway 10.0.0.1 --gateway 10.0.1.1 q',
  'network create --subnet 10.0.0.0/24 --gateway 10.0.0.1 --gateway 10.0.0.2 q',
  'network create --subnet 10.0.0.0/24 --ip-range 10.0.0.0/25 --ip-range 10.0.0.128/25 q',
  'network create --subnet 10.0.0.0/24 --aux-address a=10.1.0.5 q',
  'network create --subnet 10.0.0.0 q',
  'network create --subnet 10.0.0.5/24 q',
  'network create --subnet x q',
  'network create --ip-range 10.0.0.0/24 q',
  'network create --subnet 10.0.0.0/24 --ip-range x q',
  'network create --aux-address a q',
  'network create --aux-address a=10.0.0.5 q',
  'network create -o a -o b=c=d --label x= --label y q',
  'network create --ipv4=maybe q',
  'network ls -f name=a -f name=b -f dangling=true -f type=custom -f scope=local -f label=a=b -f id=1',
  'network ls -f x',
  'network ls --format table|{{.ID}}\\t{{.Scope}}',
  'network list',
  'network inspect -v bridge',
  'network inspect gone net2',
  'network inspect -f {{json|.IPAM.Config}} bridge',
  'network connect --link a:b:c bridge web',
  'network connect --driver-opt x bridge web',
  'network connect --ip x bridge web',
  'network create --subnet x --gateway 10.0.0.1 q',
  'network create --subnet 10.0.0.0/24 --gateway x q',
  'network create --subnet 10.0.0.0/24 --ip-range 10.0.0.0 q',
  'network rm -f gone bridge',
  'network rm',
  'network remove bridge',
  'network prune -f --filter until=24h --filter label!=a',
  'network prune x',
  'network disconnect -f bridge web',
  'network connect bridge',
  'volume ls',
  'volume list -q',
  'volume ls --format json',
  'volume ls --format raw',
  'volume ls -q --format {{.Driver}}',
  'volume ls --format {{.Name}}|{{.Scope}}|{{.Links}}|{{.Size}}|{{.Labels}}|{{.Label|"a"}}|{{.Status}}',
  'volume ls --format table|{{.Name}}\\t{{.Mountpoint}}\\t{{.Group}}',
  'volume ls -f dangling=true -f label=a -f x=y',
  'volume ls -f x',
  'volume ls x',
  'volume create',
  'volume create -d other -o type=tmpfs -o device=tmpfs --opt o=size=1m,ro --label a --label b=c=d made',
  'volume create --name made',
  'volume create --name made other',
  'volume create a b',
  'volume inspect data2',
  'volume inspect data2 gone data10',
  'volume inspect -f {{.Name}}|{{.Labels}} data2',
  'volume inspect',
  'volume rm data2 gone data10',
  'volume remove -f gone',
  'volume rm',
  'volume prune -f',
  'volume prune -fa --filter label!=a',
  'volume prune -a --filter all=1',
  'volume prune x',
  'system prune -f',
  'system prune -f --volumes --all --filter label=a',
  'system prune --volumes --filter until=1h',
  'inspect data2',
  'inspect --type volume data2',
  'inspect web',
  'inspect web busybox bridge',
  'inspect -f {{.Name}} web',
  'inspect -f {{.Config.Labels.nope}} web',
  'inspect -s web',
  'inspect --type image busybox',
  'inspect --type container gone',
  'container inspect web',
  'image inspect busybox',
  'inspect -f {{range|.Config.Env}}{{.}}{{end}} web',
  'port web',
  'port web 443',
  'port web 443/tcp',
  'port web 53',
  'port web 53/udp',
  'port web 90',
  'port web a/b',
  'port gone',
  'top web',
  'top web -o pid',
  'top gone',
  'rename web other',
  'rename gone other',
  'rename web',
  'rm web',
  'rm web gone',
  'rm -f gone',
  'rm -fv web',
  'rm',
  'rmi busybox',
  'rmi busybox gone b',
  'rmi -f gone',
  'tag busybox b:1',
  'container prune -f',
  'container prune --filter until=1h',
  'image prune -f',
  'image prune -af',
  'network prune',
  'events --until 1764000002',
  'events --until 1764000002 --format json',
  'events --until 1764000002 --format {{.Type}}|{{.Action}}|{{.Actor.ID}}|{{.Time}}|{{.TimeNano}}|{{.Scope}}|{{.Actor.Attributes.name}}',
  'events --until 1764000002 -f type=container',
  'events x',
  'events --format {{.Nope}}',
  'events --format {{',
  'events --since x',
  'inspect --format json web busybox',
  'network inspect --format json bridge',
  'history --format table|{{.ID}}|{{.Size}} b',
  'ps -f a=',
  'ps -n 0',
  'ps -aqn1',
  'ps --no-trunc=false',
  'ps -- x',
  'network ls --no-trunc=maybe',
  'image prune -fa --filter until=1h --filter label!=b',
  'version -f {{.Server.APIVersion}}|{{.Server.Version}}',
  'rename web |',
  'foo',
  'run',
  'exec web',
  '--foo',
  '-l foo ps',
  'help foo',
];

/** Nothing for a name: the words with '∅' in its place. */
const NAMELESS: readonly string[] = [
  'inspect ∅',
  'rm ∅',
  'tag busybox ∅',
  'tag ∅ b',
  'network inspect ∅',
  'network connect bridge ∅',
  'network disconnect bridge ∅',
  'top ∅',
  'port ∅',
  'port web ∅',
];

/** '|' in an argument stands for a blank. */
const words = (line: string): string[] => line.split(' ').map((word) => word.replaceAll('|', ' ').replaceAll('∅', ''));

void describe('the stock client and berth print the same', { skip: noJudge }, () => {
  let server: StandIn;
  before(async () => {
    server = await startStandIn(answer);
  });
  after(() => server.close());

  const both = async (
    line: string,
  ): Promise<{ theirs: Result & { asked: string[] }; own: Result & { asked: string[] } }> => {
    server.seen.length = 0;
    const asked = (): string[] =>
      server.seen
        .splice(0)
        // Asked before removal, to know whether it is swarm's; and whatever a bare `inspect` tries that Berth lacks.
        .filter(({ method, path }) => method !== 'GET' || !/^\/(networks|volumes|plugins|info)/.test(path))
        .map(({ method, path, body }) => `${method} ${path} ${body === '' ? '' : said(JSON.parse(body))}`.trim())
        .toSorted();
    const theirs = await server.docker(...words(line));
    const first = asked();
    const own = await server.berth(...words(line));
    return { theirs: { ...theirs, asked: first }, own: { ...own, asked: asked() } };
  };

  for (const line of [...SAME, ...NAMELESS]) {
    void test(line, async () => {
      const { theirs, own } = await both(line);
      assert.equal(own.stdout, ownName(theirs.stdout));
      assert.equal(own.stderr.trimEnd(), ownName(theirs.stderr).trimEnd());
      assert.equal(own.code, theirs.code);
      assert.deepEqual(own.asked, theirs.asked, 'the same was asked of the daemon');
    });
  }

  void test('help has docker’s layout', async () => {
    const { own } = await both('network disconnect --help');
    assert.equal(
      own.stdout,
      `Usage:  berth network disconnect [OPTIONS] NETWORK CONTAINER

Disconnect a container from a network

Options:
  -f, --force   Force the container to disconnect from a network
`,
    );
  });
});

/** What a body says: empty values say nothing. */
function said(value: unknown): string {
  return JSON.stringify(value, (key, each: unknown) => {
    // Several subnets come in the order of a Go map.
    if (key === 'Config' && Array.isArray(each)) return each.toSorted((a, b) => (said(a) < said(b) ? -1 : 1));
    if (each === null || each === '' || each === false || each === 0) return undefined;
    if (typeof each !== 'object' || Array.isArray(each)) return each;
    const entries = Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const kept = entries.filter(
      ([, inner]) => said(inner) !== undefined && said(inner) !== '{}' && said(inner) !== '[]',
    );
    return Object.fromEntries(kept);
  });
}
