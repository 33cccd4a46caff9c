/**
 * How long a published port stays away when somebody flushes the rules or deletes the bridge, with 1 and with 10,000 published
 * ports. Without the userland proxy, so that nothing but the rules leads to the container; asked from outside every 4 ms.
 */
import { OUTSIDE } from '../../test/support/host.ts';
import { startBerth } from '../peers/berth.ts';
import { figures, type Figures } from '../stats.ts';
import { apiVerbs, range } from '../verbs.ts';
import { startGreeter, startProbe } from './callers.ts';
import { target, type Row, type SuiteContext } from './suite.ts';

const PORT = 8082;
const PORTS_EACH = 200;

export async function heal({ quick, say }: SuiteContext): Promise<Row[]> {
  const flushed: Record<string, Figures> = {};
  const deleted: Record<string, Figures> = {};
  const rounds = quick ? 2 : 7;
  for (const ports of quick ? [1, 400] : [1, 10_000]) {
    const name = `berth, ${ports.toLocaleString('en')} published port${ports > 1 ? 's' : ''}`;
    say(`healing: ${name}`);
    await using stack = new AsyncDisposableStack();
    const berth = stack.use(await startBerth({ args: ['--userland-proxy=false'], abandon: true }));
    const { host } = berth;
    const verbs = apiVerbs('berth', berth.socket);
    stack.defer(() => verbs.close());
    await verbs.createNetwork('heal');
    await verbs.create('greeter', { network: 'heal', ports: [PORT] });
    await verbs.start('greeter');
    for (let done = 1; done < ports; done += PORTS_EACH) {
      const these = range(20_000 + done, Math.min(PORTS_EACH, ports - done));
      await verbs.create(`more${done}`, { network: 'heal', ports: these, hostIp: '0.0.0.0' });
      await verbs.start(`more${done}`);
    }
    const { State } = await verbs.inspect('greeter');
    stack.use(await startGreeter(host, State.Pid, PORT));
    const probe = stack.use(await startProbe(host.outside, OUTSIDE.host4, PORT));
    const bridge = (await host.run('sh', '-c', 'ls -d /sys/class/net/br-*')).trim().replace(/.*\//, '');
    const repeated = async (...damage: string[]): Promise<Figures> => {
      const outages: number[] = [];
      for (let i = 0; i < rounds; i++) outages.push(await probe.outage(() => host.run(...damage)));
      return figures(outages);
    };
    flushed[name] = await repeated('nft', 'flush', 'ruleset');
    deleted[name] = await repeated('ip', 'link', 'delete', bridge);
  }
  const row = (what: string, measured: Record<string, Figures>): Row => ({
    what,
    unit: 'ms',
    figures: measured,
    targets: target('longest (ms)', Math.max(...Object.values(measured).map(({ max }) => max)), 1000),
  });
  return [
    row('a published port is back after `nft flush ruleset`', flushed),
    row("a published port is back after its network's bridge was deleted", deleted),
  ];
}
