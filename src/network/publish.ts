/** What a running container publishes changes: by its user, or because it is reached by another network now. */
import { notFound, system } from '../errors.ts';
import type { PortRule } from '../drivers/plan.ts';
import type { PortMap, PortMapEntry } from '../model/container.ts';
import type { NetworkContext } from './context.ts';
import type { Placed } from './gateway.ts';
import { portRulesOf, publishPorts, unpublishPorts } from './ports.ts';
import type { PortRequest } from './ports.ts';
import type { PortBinding } from './records.ts';
import { placed } from './sandbox-record.ts';

export async function changePublished(
  context: NetworkContext,
  containerId: string,
  { add, remove }: { add: PortMap; remove: PortMap },
): Promise<void> {
  const found = context.state.sandbox(containerId);
  if (!found || found.sandbox.kind !== 'own') throw system(`container ${containerId} has no sandbox of its own`);
  const { sandbox, endpoints } = found;
  const going = sandbox.ports.filter((binding) => isMeant(binding, remove));
  const missing = Object.keys(remove).find((key) => !going.some(({ port, protocol }) => `${port}/${protocol}` === key));
  // An internal network publishes nothing, so there is nothing to take back.
  if (missing !== undefined && sandbox.ports.length > 0)
    throw notFound(`No public port '${missing}' published for ${sandbox.containerName}`);
  await using undo = new AsyncDisposableStack();
  const rules = { ports: portRulesOf(context, going) };
  if (rules.ports.length > 0) {
    // Before the ports are anybody's to have: two rules cannot stand for one port.
    await context.changeRules({ remove: rules });
    undo.defer(async () => context.changeRules({ add: rules }));
  }
  await exchange(context, containerId, { going, rules: [] }, async () =>
    publishPorts(context, sandbox, placed(context, endpoints), {
      exposed: [],
      portBindings: add,
      publishAll: false,
    }),
  );
  undo.move();
  const now = context.state.sandbox(containerId);
  if (!now) return;
  const request = { ...now.sandbox.request, ...changedWish(now.sandbox.request, { add, remove }) };
  context.state.putSandbox({ ...now, sandbox: { ...now.sandbox, request } });
}

/** What is published when the container is reached by another network, later. */
function changedWish(
  { portBindings, publishAll, exposed }: PortRequest,
  { add, remove }: { add: PortMap; remove: PortMap },
): Pick<PortRequest, 'portBindings' | 'publishAll'> {
  const all = publishAll ? exposed.filter((key) => (portBindings[key] ?? []).length === 0) : [];
  const wish = new Map(Object.entries(portBindings).map(([key, entries]) => [key, entries ?? []]));
  for (const key of all) wish.set(key, [{ HostIp: '', HostPort: '' }]);
  for (const [key, entries] of Object.entries(remove)) {
    // An entry that left the host's side open may have become any.
    const meant = ({ HostIp, HostPort }: PortMapEntry): boolean =>
      (entries ?? []).some(
        (one) => [one.HostIp, ''].includes(HostIp) && (one.HostPort === '' || [one.HostPort, ''].includes(HostPort)),
      );
    const left = (entries ?? []).length === 0 ? [] : (wish.get(key) ?? []).filter((entry) => !meant(entry));
    if (left.length > 0) wish.set(key, left);
    else wish.delete(key);
  }
  for (const [key, entries] of Object.entries(add)) {
    wish.set(key, [
      ...(wish.get(key) ?? []),
      ...((entries ?? []).length > 0 ? (entries ?? []) : [{ HostIp: '', HostPort: '' }]),
    ]);
  }
  return { portBindings: Object.fromEntries(wish), publishAll: false };
}

/** All entries of a port when none is named; empty fields of one stand for any. */
function isMeant({ port, protocol, hostAddress, hostPort }: PortBinding, remove: PortMap): boolean {
  const entries = remove[`${port}/${protocol}`];
  if (entries === undefined) return false;
  if (entries === null || entries.length === 0) return true;
  return entries.some(
    ({ HostIp, HostPort }) =>
      (HostIp === '' || HostIp === hostAddress) && (HostPort === '' || HostPort === String(hostPort)),
  );
}

/** The same host ports lead to where the sandbox is reached now. */
export async function movePorts(
  context: NetworkContext,
  containerId: string,
  endpoints: readonly Placed[],
): Promise<void> {
  const found = context.state.sandbox(containerId);
  if (!found) return;
  const { sandbox } = found;
  const { exposed, portBindings, publishAll } = sandbox.request;
  const pinned = pin(sandbox.ports);
  const rules = portRulesOf(context, sandbox.ports);
  await exchange(context, containerId, { going: sandbox.ports, rules }, async () =>
    publishPorts(context, sandbox, endpoints, {
      exposed,
      portBindings: { ...portBindings, ...pinned },
      publishAll,
    }),
  );
}

/** What was given at random stays as it is. */
function pin(bindings: readonly PortBinding[]): PortMap {
  const pinned: Record<string, PortMapEntry[]> = {};
  for (const { port, protocol, hostAddress, hostPort } of bindings) {
    if (hostPort !== 0)
      (pinned[`${port}/${protocol}`] ??= []).push({ HostIp: hostAddress, HostPort: String(hostPort) });
  }
  return pinned;
}

/** Some bindings go, others come; when those cannot be had, everything is as before. `rules`: those that go in the same transaction. */
async function exchange(
  context: NetworkContext,
  containerId: string,
  { going, rules }: { going: readonly PortBinding[]; rules: readonly PortRule[] },
  acquire: () => Promise<PortBinding[]>,
): Promise<void> {
  const { deps, ports: allocator, state } = context;
  const found = state.sandbox(containerId);
  if (!found) return;
  const { sandbox } = found;
  const owner = { id: sandbox.id, name: sandbox.containerName };
  await using undo = new AsyncDisposableStack();
  await unpublishPorts(context, sandbox.id, going);
  undo.defer(async () => {
    allocator.take(owner, going);
    await deps.attendant.holdPorts(
      sandbox.id,
      going.filter(({ hostPort }) => hostPort !== 0),
    );
  });
  const coming = await acquire();
  undo.defer(async () => unpublishPorts(context, sandbox.id, coming));
  const ports = [...sandbox.ports.filter((binding) => !going.includes(binding)), ...coming];
  await context.changeRules({
    remove: { ports: rules },
    add: { ports: portRulesOf(context, coming) },
  });
  undo.move();
  state.putSandbox({ ...(state.sandbox(containerId) ?? found), sandbox: { ...sandbox, ports } });
}
