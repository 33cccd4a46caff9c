/** Options of one endpoint (`--network name=…,driver-opt=…`): the same for every driver that makes an interface. */
import { invalidParameter } from '../errors.ts';
import { isInterfaceName } from './names.ts';
import type { Sysctl } from './plan.ts';

/** Comma-separated 'net.X.Y.IFNAME.Z=V'; the interface's name is put in place of IFNAME. */
export const ENDPOINT_SYSCTLS = 'com.docker.network.endpoint.sysctls';
/** Name inside the container. */
export const ENDPOINT_NAME = 'com.docker.network.endpoint.ifname';

type Options = Readonly<Record<string, string>>;

/** Name that the options ask for; '' for the driver's choice. */
export function wantedInterfaceName(options: Options | null): string {
  const name = options?.[ENDPOINT_NAME] ?? '';
  if (name !== '') checkInterfaceName(name);
  return name;
}

export function checkInterfaceName(name: string): void {
  if (!isInterfaceName(name) || name === 'lo') {
    throw invalidParameter(
      `invalid interface name ${JSON.stringify(name)}: at most 15 characters, no space, '/' or ':'`,
    );
  }
}

/** In the order given; whoever asks for one twice gets the last. */
export function endpointSysctls(options: Options, interfaceName: string): Sysctl[] {
  const text = options[ENDPOINT_SYSCTLS];
  if (text === undefined) return [];
  const faults: string[] = [];
  const sysctls = text.split(',').flatMap((item): Sysctl[] => {
    const parsed = parseSysctl(item);
    if (!parsed) faults.push(item);
    return parsed ? [{ name: parsed.name(interfaceName), value: parsed.value }] : [];
  });
  if (faults.length > 0) throw invalidParameter(faults.map(refusal).join('\n'));
  return sysctls;
}

/** dockerd's text; it is one of the faults that validateEndpointSettings collects. */
const refusal = (item: string): string =>
  `unrecognised network interface sysctl '${item}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`;

function parseSysctl(item: string): { name: (interfaceName: string) => string; value: string } | undefined {
  // The client writes IFNAME in small letters. The names become a path below /proc/sys: no other characters.
  const [, family = '', table = '', field = '', value = ''] =
    /^net\.(ipv4|ipv6|mpls)\.([\w-]+)\.(?:IFNAME|ifname)\.([\w-]+)=([^\n\0]+)$/.exec(item) ?? [];
  if (family === '') return undefined;
  return { name: (interfaceName) => `net/${family}/${table}/${interfaceName}/${field}`, value };
}

/** The endpoint's own sysctls turn IPv6 off: it gets no IPv6 address, whatever its network has. */
export function disablesIpv6(options: Options | null): boolean {
  const off = endpointSysctls(options ?? {}, 'x').filter(({ name }) => name === 'net/ipv6/conf/x/disable_ipv6');
  return off.length > 0 && off.at(-1)?.value !== '0';
}
