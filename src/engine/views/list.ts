/** One entry of `GET /containers/json`. Pure. */
import type { ContainerState } from '../../model/container.ts';
import type { Json } from '../../model/json.ts';
import type { EndpointView, SandboxView } from '../../network/port.ts';
import type { ContainerRecord } from '../record.ts';
import { type IdOf, idleNetworks, mountView, shownPorts } from './inspect.ts';
import { statusText } from './status.ts';

export interface PortView {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: string;
}

/** Exposed ports, and where each is bound. */
export function portViews(record: ContainerRecord, sandbox: SandboxView | undefined): PortView[] {
  return Object.entries(shownPorts(record, sandbox)).flatMap(([key, entries]): PortView[] => {
    const [port = '', Type = 'tcp'] = key.split('/');
    const PrivatePort = Number(port);
    if (entries === null || entries.length === 0) return [{ PrivatePort, Type }];
    return entries.map(({ HostIp, HostPort }) => ({ IP: HostIp, PrivatePort, PublicPort: Number(HostPort), Type }));
  });
}

/** As `docker ps` shows it: path and arguments, arguments with spaces in quotes. */
const commandText = ({ path, args }: ContainerRecord): string =>
  [path, ...args.map((argument) => (argument.includes(' ') ? `'${argument}'` : argument))].join(' ');

/** A list says where a container is, not what it is called there. */
const withoutNames = (networks: Readonly<Record<string, EndpointView>>): Record<string, EndpointView> =>
  Object.fromEntries(
    Object.entries(networks).map(([name, endpoint]) => [
      name,
      { ...endpoint, Links: null, Aliases: null, DriverOpts: null, DNSNames: null },
    ]),
  );

/** 'none' also while it does not run. */
const healthSummary = ({ Running, Health }: ContainerState): Json =>
  Running && Health !== undefined
    ? { Status: Health.Status, FailingStreak: Health.FailingStreak }
    : { Status: 'none', FailingStreak: 0 };

export interface ListInput {
  record: ContainerRecord;
  sandbox: SandboxView | undefined;
  idOf: IdOf;
  /** '/web/db': how others that link to it call it. */
  linkNames: readonly string[];
  size: { rw: number; rootFs: number } | undefined;
  now: number;
}

export function listView({ record, sandbox, idOf, linkNames, size, now }: ListInput): Json {
  return {
    Id: record.id,
    Names: [`/${record.name}`, ...linkNames],
    Image: record.config.Image,
    ImageID: record.imageId,
    Command: commandText(record),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: portViews(record, sandbox),
    // What is 0 is left out, as in dockerd.
    ...(size === undefined || size.rw === 0 ? {} : { SizeRw: size.rw }),
    ...(size === undefined ? {} : { SizeRootFs: size.rootFs }),
    Labels: record.config.Labels,
    State: record.state.Status,
    Status: statusText(record.state, now),
    Health: healthSummary(record.state),
    HostConfig: { NetworkMode: record.hostConfig.NetworkMode },
    NetworkSettings: { Networks: withoutNames(sandbox?.Networks ?? idleNetworks(record, idOf)) },
    Mounts: record.mounts.map(mountView),
  };
}
