/** The end of interfaces: pairs go by their end on the host, links on a link of the host where they are. */
import type { InterfacePlan } from '../drivers/plan.ts';
import type { NetworkContext } from './context.ts';
import type { Placed } from './gateway.ts';
import type { SandboxRecord } from './records.ts';
import { planInterface } from './sandbox-record.ts';

/** One of a sandbox that goes on: gone when this resolves. */
export async function detach(
  { deps }: NetworkContext,
  { namespacePath }: SandboxRecord,
  plan: InterfacePlan | undefined,
): Promise<void> {
  if (plan?.kind === 'veth') await deps.kernel.linksGone([plan.hostName], 0);
  else if (plan) await deps.kernel.interfacesGone(namespacePath, [plan]);
}

/**
 * Lets go of the namespace. Links on a link of the host are gone when this resolves: the kernel would take some 30 ms more, and until then
 * nobody else gets their MAC, or a parent in mode passthru.
 */
export async function endNamespace(
  context: NetworkContext,
  { namespacePath }: SandboxRecord,
  endpoints: readonly Placed[],
): Promise<void> {
  const { kernel } = context.deps;
  const sublinks = endpoints.flatMap((one) => planInterface(context, one) ?? []).filter(({ kind }) => kind !== 'veth');
  const gone = sublinks.length > 0 ? kernel.interfacesGone(namespacePath, sublinks) : undefined;
  // At once: what is deleted in there is no damage.
  kernel.dropNamespace(namespacePath);
  await gone;
}
