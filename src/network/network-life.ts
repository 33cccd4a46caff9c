/** A network on the host: its bridge, what the host must allow for it, and its rules. Made, and taken away. */
import type { NetworkPlan, NetworkRules } from '../drivers/plan.ts';
import type { NetworkContext } from './context.ts';
import { ownLinks } from './host-links.ts';
import type { NetworkRecord } from './records.ts';
import { linksOf } from './state.ts';

const planOf = (context: NetworkContext, network: NetworkRecord): NetworkPlan =>
  context.driverOf(network).planNetwork(context.configOf(network));

/** What the network asks of the firewall: at most one of each family, none where the firewall is off for it. */
export const rulesOf = (context: NetworkContext, network: NetworkRecord): readonly NetworkRules[] =>
  context.isHere(network) ? planOf(context, network).rules : [];

/** All of a network that is new; when it throws, nothing of it is left but sysctls of the host. */
export async function raiseNetwork(context: NetworkContext, network: NetworkRecord): Promise<void> {
  const { bridge, links = [], needs, tunnel, sysctls, rules } = planOf(context, network);
  const { kernel } = context.deps;
  if (needs) kernel.needKind(needs);
  if (!bridge && links.length === 0) return;
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => removeLinks(context, network));
  kernel.setSysctls(sysctls);
  if (bridge) kernel.ensureBridge(bridge);
  for (const link of links) kernel.ensureLink(link);
  if (tunnel) context.overlays.ensureTunnel(tunnel);
  if (rules.length > 0) await context.changeRules({ add: { networks: rules } });
  undo.move();
}

/** Goes on past errors and throws all of them at the end. No endpoint may be left on the network. */
export async function lowerNetwork(context: NetworkContext, network: NetworkRecord): Promise<void> {
  const { rules } = planOf(context, network);
  const results = await Promise.allSettled([
    rules.length > 0 ? context.changeRules({ remove: { networks: rules } }) : undefined,
    removeLinks(context, network),
  ]);
  const errors = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []));
  if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join('; '));
}

/** Never one that bears another mark than ours: somebody may have made his own under that name since. */
async function removeLinks(context: NetworkContext, network: NetworkRecord): Promise<void> {
  const { kernel } = context.deps;
  if (network.bridge === '') return kernel.linksGone(ownLinks(context, network), 0);
  // By their names and not by what is planned: a host that has left its cluster plans no tunnel any more. The tunnel goes first.
  const made = linksOf(network)
    .filter((name) => !network.foreignBridge || name !== network.bridge)
    .toReversed();
  const others = kernel.present().links.filter(({ alias }) => alias !== context.owner(network));
  const names = made.filter((name) => !others.some((link) => link.name === name));
  await kernel.linksGone(names, 0);
}
