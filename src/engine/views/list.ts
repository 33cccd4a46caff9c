/** One entry of `GET /containers/json`. Pure. */
import type { Json } from '../../model/json.ts';
import type { SandboxView } from '../../network/port.ts';
import type { ContainerRecord } from '../record.ts';
import { idleNetworks, mountView } from './inspect.ts';
import { statusText } from './status.ts';

export interface PortView {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: string;
}

/** Exposed ports, and where each is bound. */
export function portViews(record: ContainerRecord, sandbox: SandboxView | undefined): PortView[] {
  const bound = sandbox?.Ports ?? {};
  const keys = new Set([
    ...Object.keys(bound),
    ...(record.state.Running ? Object.keys(record.config.ExposedPorts ?? {}) : []),
  ]);
  return [...keys].flatMap((key): PortView[] => {
    const [port = '', Type = 'tcp'] = key.split('/');
    const PrivatePort = Number(port);
    const entries = bound[key] ?? [];
    if (entries.length === 0) return [{ PrivatePort, Type }];
    return entries.map(({ HostIp, HostPort }) => ({ IP: HostIp, PrivatePort, PublicPort: Number(HostPort), Type }));
  });
}

/** As `docker ps` shows it: path and arguments, arguments with spaces in quotes. */
const commandText = ({ path, args }: ContainerRecord): string =>
  [path, ...args.map((argument) => (argument.includes(' ') ? `'${argument}'` : argument))].join(' ');

export function listView(
  record: ContainerRecord,
  sandbox: SandboxView | undefined,
  size: { rw: number; rootFs: number } | undefined,
  now: number,
): Json {
  return {
    Id: record.id,
    Names: [`/${record.name}`],
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
    NetworkSettings: { Networks: sandbox?.Networks ?? idleNetworks(record) },
    Mounts: record.mounts.map(mountView),
  };
}
