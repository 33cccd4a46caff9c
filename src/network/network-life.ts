/** A network on the host: its bridge, what the host must allow for it, and its rules. Made, and taken away. */
import type { NetworkPlan, NetworkRules } from '../drivers/plan.ts';
import type { NetworkContext } from './context.ts';
import type { NetworkRecord } from './records.ts';

const planOf = (context: NetworkContext, network: NetworkRecord): NetworkPlan =>
  context.driverOf(network).planNetwork(context.configOf(network));

/** What the network asks of the firewall: at most one of each family, none where the firewall is off for it. */
export const rulesOf = (context: NetworkContext, network: NetworkRecord): readonly NetworkRules[] =>
  planOf(context, network).rules;

/** All of a network that is new; when it throws, nothing of it is left but sysctls of the host. */
export async function raiseNetwork(context: NetworkContext, network: NetworkRecord): Promise<void> {
  const { bridge, sysctls, rules } = planOf(context, network);
  if (!bridge) return;
  const { kernel } = context.deps;
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => removeBridge(context, network));
  kernel.setSysctls(sysctls);
  kernel.ensureBridge(bridge);
  if (rules.length > 0) await context.changeRules({ add: { networks: rules } });
  undo.move();
}

/** Goes on past errors and throws all of them at the end. No endpoint may be left on the network. */
export async function lowerNetwork(context: NetworkContext, network: NetworkRecord): Promise<void> {
  const { rules } = planOf(context, network);
  const results = await Promise.allSettled([
    rules.length > 0 ? context.changeRules({ remove: { networks: rules } }) : undefined,
    removeBridge(context, network),
  ]);
  const errors = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []));
  if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join('; '));
}

/** Never one that bears another mark than ours: somebody may have made his own under that name since. */
async function removeBridge(context: NetworkContext, network: NetworkRecord): Promise<void> {
  if (network.bridge === '' || network.foreignBridge) return;
  const { kernel } = context.deps;
  const link = kernel.present().links.find(({ name }) => name === network.bridge);
  if (link && link.alias !== context.owner(network)) return;
  await kernel.linksGone([network.bridge], 0);
}
