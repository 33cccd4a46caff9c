/** What a running container publishes changes: by its user, or because it is reached by another network now. */
import { notFound, system } from '../errors.ts';
import type { PortRule } from '../drivers/plan.ts';
import type { PortMap } from '../model/container.ts';
import type { NetworkContext } from './context.ts';
import type { Placed } from './gateway.ts';
import type { PublishChange } from './port.ts';
import { portRulesOf, publishPorts, unpublishPorts } from './ports.ts';
import type { PortRequest } from './ports.ts';
import type { PortBinding, SandboxSettings } from './records.ts';
import { placed } from './sandbox-record.ts';

export async function changePublished(
  context: NetworkContext,
  containerId: string,
  { add, remove, wish }: PublishChange,
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
  const request = { ...sandbox.request, ...wish };
  await exchange(context, containerId, { going, rules: [], request }, async () =>
    publishPorts(context, sandbox, placed(context, endpoints), {
      exposed: [],
      portBindings: add,
      publishAll: false,
    }),
  );
  undo.move();
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
  const { request, ports } = sandbox;
  await exchange(context, containerId, { going: ports, rules: portRulesOf(context, ports), request }, async () =>
    publishPorts(context, sandbox, endpoints, {
      ...request,
      portBindings: { ...request.portBindings, ...pinned(request, ports) },
    }),
  );
}

/** The wish with the host ports that were given at random written in: they stay, at whichever addresses there are from now on. */
function pinned({ portBindings }: PortRequest, bindings: readonly PortBinding[]): PortMap {
  const given = Map.groupBy(
    bindings.filter(({ hostPort }) => hostPort !== 0),
    ({ port, protocol }) => `${port}/${protocol}`,
  );
  const result: PortMap = {};
  for (const [key, list] of given) {
    // Without an entry it was `-P` that asked.
    const asked = portBindings[key] ?? [];
    const wishes = asked.length > 0 ? asked : [{ HostIp: '', HostPort: '' }];
    const used = new Set(wishes.map(({ HostPort }) => HostPort));
    result[key] = wishes.map((wish) => {
      if (/^[1-9]\d*$/.test(wish.HostPort)) return wish;
      const one = list.find(
        ({ hostAddress, hostPort }) =>
          !used.has(String(hostPort)) && (wish.HostIp === '' || wish.HostIp === hostAddress),
      );
      if (!one) return wish;
      used.add(String(one.hostPort));
      return { ...wish, HostPort: String(one.hostPort) };
    });
  }
  return result;
}

interface Exchange {
  going: readonly PortBinding[];
  /** Those that go in the transaction that brings the new ones. */
  rules: readonly PortRule[];
  /** What the container asks for after it. */
  request: SandboxSettings;
}

/** Some bindings go, others come; when those cannot be had, everything is as before. */
async function exchange(
  context: NetworkContext,
  containerId: string,
  { going, rules, request }: Exchange,
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
    const held = going.filter(({ hostPort }) => hostPort !== 0);
    for (const { hostAddress, hostPort, code } of await deps.attendant.holdPorts(sandbox.id, held)) {
      deps.log.warn('a published port was taken by another process meanwhile', {
        container: owner.name,
        port: `${hostAddress}:${hostPort}`,
        code,
      });
    }
  });
  const coming = await acquire();
  undo.defer(async () => unpublishPorts(context, sandbox.id, coming));
  const ports = [...sandbox.ports.filter((binding) => !going.includes(binding)), ...coming];
  await context.changeRules({
    remove: { ports: rules },
    add: { ports: portRulesOf(context, coming) },
  });
  undo.move();
  state.putSandbox({ ...(state.sandbox(containerId) ?? found), sandbox: { ...sandbox, ports, request } });
}
