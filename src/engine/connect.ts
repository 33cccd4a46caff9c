/** `POST /networks/{id}/connect` and `/disconnect`: one network more or less, for a container that runs or not. */
import { BerthError, forbidden, invalidParameter, notFound, system } from '../errors.ts';
import type { EndpointSettings } from '../model/container.ts';
import { type Attachments, isJoined, known, nameOf, wishOf } from './attachments.ts';
import { type Context, save } from './context.ts';
import { checkEndpoint, normalized } from './endpoint-settings.ts';
import type { ContainerRecord } from './record.ts';
import type { Container } from './registry.ts';

const SHARED =
  'container sharing network namespace with another container or host cannot be connected to any other network';
const NONE = 'container cannot be connected to multiple networks with one of the networks in private (none) mode';

function refuseGoing({ id, removing, record }: Container): void {
  if (removing || record.state.Dead) {
    throw system(`Container ${id} is marked for removal and cannot be connected or disconnected to the network`);
  }
}

/**
 * The container-wide MAC address goes with the main network also when that is connected anew: docker-compose 1 asks for
 * the one at creation, and then connects every network once more.
 */
function withOwnMacAddress({ config, hostConfig }: ContainerRecord, name: string, asked: EndpointSettings) {
  if (asked.MacAddress !== '' || hostConfig.NetworkMode !== name) return asked;
  return { ...asked, MacAddress: config.MacAddress ?? '' };
}

/** Addresses are kept for the networks that are there. */
function reserve({ sandboxes }: Context, { id }: Container, attachments: Attachments): void {
  sandboxes.reserve(id, known(attachments, nameOf(sandboxes)));
}

export async function connectContainer(
  context: Context,
  container: Container,
  ref: string,
  asked: EndpointSettings,
): Promise<void> {
  const { sandboxes } = context;
  await container.lock.run(async () => {
    const { id, record, running } = container;
    refuseGoing(container);
    if (isJoined(record.hostConfig.NetworkMode)) throw invalidParameter(SHARED);
    const network = sandboxes.networkOf(ref);
    checkEndpoint(network.name, asked);
    if (network.driver === 'host' && record.hostConfig.NetworkMode !== 'host') {
      throw invalidParameter(
        'cannot connect container to host network - container must be created in host network mode',
      );
    }
    if (Object.hasOwn(record.networks, network.name)) {
      if (running) {
        throw forbidden(`endpoint with name ${record.name} already exists in network ${network.name}`);
      }
      // dockerd takes it for done, and keeps the settings there were.
      return;
    }
    const others = Object.keys(record.networks);
    if (others.includes('host') || (network.driver === 'host' && others.length > 0)) throw invalidParameter(SHARED);
    if (others.includes('none') || (network.name === 'none' && others.length > 0)) throw invalidParameter(NONE);
    const before = record.networks;
    const settings = normalized(withOwnMacAddress(record, network.name, asked));
    const after = { ...before, [network.name]: settings };
    if (!running)
      sandboxes.check(wishOf({ ...record, networks: known(after, nameOf(sandboxes)) }, [], nameOf(sandboxes)));
    reserve(context, container, after);
    if (running) {
      try {
        // One that was started on no network at all is on 'none' for the network part.
        if (others.length === 0 && sandboxes.view(id)?.Networks['none'] !== undefined) {
          await sandboxes.disconnect(id, 'none', { force: false });
        }
        await sandboxes.connect(id, network.name, settings);
      } catch (error) {
        reserve(context, container, before);
        throw error;
      }
    }
    record.networks = after;
    save(context, container);
  });
}

export async function disconnectContainer(
  context: Context,
  container: Container,
  ref: string,
  { force }: { force: boolean },
): Promise<void> {
  const { sandboxes } = context;
  await container.lock.run(async () => {
    const { id, record, running } = container;
    const name = findName(context, ref, force || !running);
    refuseGoing(container);
    const connected = Object.hasOwn(record.networks, name);
    if (connected && name === 'host') {
      throw invalidParameter(
        'cannot disconnect container from host network - container was created in host network mode',
      );
    }
    if (!connected && running && force) throw notFound(`endpoint ${record.name} not found`);
    if (!connected) throw system(`container ${id} is not connected to ${running ? '' : 'the '}network ${name}`);
    if (running && sandboxes.view(id)?.Networks[name] !== undefined) await sandboxes.disconnect(id, name, { force });
    const { [name]: _, ...rest } = record.networks;
    record.networks = rest;
    save(context, container);
    reserve(context, container, rest);
  });
}

/** With `gone`, a network that is no more is known by the word that the container has for it. */
function findName({ sandboxes }: Context, ref: string, gone: boolean): string {
  try {
    return sandboxes.networkOf(ref).name;
  } catch (error) {
    if (gone && error instanceof BerthError && error.kind === 'NotFound') return ref;
    throw error;
  }
}
