/**
 * Links of the host that macvlan and ipvlan networks need: the parent, where it is not the administrator's, and the host's own link
 * beside its containers (the shim), by which it reaches them one by one.
 */
import type { LinkPlan, ShimPlan } from '../drivers/plan.ts';
import { askedParent, parentOf } from '../drivers/parent-link.ts';
import { messageOf } from '../errors.ts';
import type { NetworkContext } from './context.ts';
import type { Placed } from './gateway.ts';
import { ownerOf } from './instance.ts';
import type { Survey } from './kernel.ts';
import type { NetworkRecord } from './records.ts';
import type { NetworkState } from './state.ts';

export const linksOf = (context: NetworkContext, network: NetworkRecord): readonly LinkPlan[] =>
  network.configOnly ? [] : (context.driverOf(network).planNetwork(context.configOf(network)).links ?? []);

/** Networks whose containers' links are made on this link of the host, or on a VLAN's link on it. */
export const networksOn = (state: NetworkState, link: string): NetworkRecord[] =>
  state.networks().filter((network) => {
    if (network.driver !== 'macvlan' && network.driver !== 'ipvlan') return false;
    const parent = parentOf(network.driver, network);
    return parent === link || (network.madeParent === true && parent.startsWith(`${link}.`));
  });

/** Names of those that go with the network: no other needs them, and they bear this daemon's mark. */
export function ownLinks(context: NetworkContext, network: NetworkRecord): string[] {
  const { deps, state } = context;
  const links = linksOf(context, network);
  if (links.length === 0) return [];
  const needed = new Set(
    networksOn(state, askedParent(network.options)).flatMap(({ id, options }) =>
      id === network.id ? [] : askedParent(options),
    ),
  );
  const marks = ownerOf(deps.execRoot, '');
  const present = new Map(deps.kernel.present().links.map((link) => [link.name, link]));
  // The shim first: it stands on the others.
  return links
    .map(({ name }) => name)
    .filter((name) => !needed.has(name) && present.get(name)?.alias.startsWith(marks) === true)
    .toReversed();
}

/** False when nothing was missing. */
export function healLinks(context: NetworkContext, network: NetworkRecord, survey?: Survey): boolean {
  const { deps } = context;
  const links = linksOf(context, network);
  if (links.length === 0) return false;
  const host = survey ?? deps.kernel.survey();
  const damaged = links.filter((plan) => !isWhole(context, network, plan, host));
  if (damaged.length === 0) return false;
  for (const { name } of damaged) {
    deps.log.warn(`link ${name} was changed by someone else and is put right`, { network: network.name });
  }
  // All, in their order: with a parent goes what stands on it.
  for (const plan of links) deps.kernel.ensureLink(plan);
  tellShims(context, [{ network }]);
  return true;
}

function isWhole(context: NetworkContext, network: NetworkRecord, plan: LinkPlan, survey: Survey): boolean {
  const link = survey.links.find(({ name }) => name === plan.name);
  if (!link) return false;
  // Somebody else's by now, who knows what he does.
  if (!link.alias.startsWith(ownerOf(context.deps.execRoot, ''))) return true;
  // A VLAN's comes up with its parent.
  const asleep = plan.kind === 'vlan' && survey.links.find(({ name }) => name === plan.parent)?.up === false;
  if (!link.up && !asleep) return false;
  if (plan.kind !== 'shim') return true;
  const { addresses, routes } = survey;
  return (
    plan.addresses.every((address) => addresses.some((one) => one.link === plan.name && one.address === address)) &&
    reachOf(context, network).every((address) =>
      routes.some((one) => one.link === plan.name && one.destination === single(address)),
    )
  );
}

const single = (address: string): string => `${address}/${address.includes(':') ? 128 : 32}`;

const reachOf = ({ state }: NetworkContext, network: NetworkRecord): string[] =>
  state.endpointsOf(network.id).flatMap(({ endpoint }) => endpoint.addresses.map((text) => text.replace(/\/.*$/, '')));

/** After endpoints came or went. What fails is no reason for a container not to start. */
export function tellShims(context: NetworkContext, endpoints: readonly Pick<Placed, 'network'>[]): void {
  const { deps } = context;
  for (const network of new Set(endpoints.map((one) => one.network))) {
    if (network.driver !== 'macvlan') continue;
    const shim = linksOf(context, network).find((plan): plan is ShimPlan => plan.kind === 'shim');
    if (!shim) continue;
    try {
      deps.kernel.setReach(shim, reachOf(context, network));
    } catch (error) {
      deps.log.warn('the host does not reach all containers of a network', {
        network: network.name,
        error: messageOf(error),
      });
    }
  }
}
