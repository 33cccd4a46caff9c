/** One entry of `GET /containers/json`. Pure. */
import type { Json } from '../../model/json.ts';
import type { SandboxView } from '../../network/port.ts';
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
    ...(size === undefined ? {} : { SizeRw: size.rw, SizeRootFs: size.rootFs }),
    Labels: record.config.Labels,
    State: record.state.Status,
    Status: statusText(record.state, now),
    HostConfig: { NetworkMode: record.hostConfig.NetworkMode },
    NetworkSettings: { Networks: sandbox?.Networks ?? idleNetworks(record, idOf) },
    Mounts: record.mounts.map(mountView),
  };
}
