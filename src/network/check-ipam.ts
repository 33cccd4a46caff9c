/** What Docker's ValidateIPAM refuses in a request, with its words: all faults of it in one answer. Pure. */
import { invalidParameter } from '../errors.ts';
import { contains, formatPrefix, overlaps, parseAddress, parseInterface } from '../ipam/address.ts';
import type { Prefix } from '../ipam/address.ts';
import type { IpamConfig } from './port.ts';

export const familyOfConfig = ({ Subnet }: IpamConfig): 4 | 6 => (Subnet.includes(':') ? 6 : 4);

export function checkIpam(config: readonly IpamConfig[], ipv6: boolean): void {
  const faults = config.flatMap((one) => faultsOf(one, ipv6));
  if (faults.length === 0) return;
  // dockerd lists more than one with asterisks.
  const text = faults.length === 1 ? (faults[0] ?? '') : faults.map((fault) => `* ${fault}`).join('\n');
  throw invalidParameter(`invalid network config:\n${text}`);
}

function faultsOf(config: IpamConfig, ipv6: boolean): string[] {
  const { Subnet, IPRange, Gateway, AuxiliaryAddresses } = config;
  const parsed = parseInterface(Subnet);
  if (!parsed || /\/0\d/.test(Subnet)) return [`invalid subnet ${Subnet}: invalid CIDR block notation`];
  const { address, prefix } = parsed;
  if (prefix.family === 6 && !ipv6) return [];
  const faults: string[] = [];
  if (address.value !== prefix.base) faults.push(`invalid subnet ${Subnet}: it should be ${formatPrefix(prefix)}`);
  if (IPRange !== '') faults.push(...rangeFaults(IPRange, prefix));
  if (Gateway !== '') {
    const fault = addressFault(Gateway, prefix);
    if (fault !== '') faults.push(`invalid gateway ${Gateway}: ${fault}`);
  }
  for (const [name, text] of Object.entries(AuxiliaryAddresses)) {
    const fault = addressFault(text, prefix);
    if (fault !== '') faults.push(`invalid auxiliary address ${name}: ${fault}`);
  }
  return faults;
}

function rangeFaults(text: string, subnet: Prefix): string[] {
  const parsed = parseInterface(text);
  if (!parsed || /\/0\d/.test(text)) return [`invalid ip-range ${text}: invalid CIDR block notation`];
  const { address, prefix } = parsed;
  if (prefix.family !== subnet.family) {
    return [`invalid ip-range ${text}: parent subnet is an IPv${subnet.family} block`];
  }
  const faults: string[] = [];
  if (prefix.length < subnet.length) {
    faults.push(`invalid ip-range ${text}: CIDR block is bigger than its parent subnet ${formatPrefix(subnet)}`);
  }
  if (address.value !== prefix.base) faults.push(`invalid ip-range ${text}: it should be ${formatPrefix(prefix)}`);
  if (!overlaps(prefix, subnet)) {
    faults.push(`invalid ip-range ${text}: parent subnet ${formatPrefix(subnet)} doesn't contain ip-range`);
  }
  return faults;
}

function addressFault(text: string, subnet: Prefix): string {
  const address = parseAddress(text);
  if (!address) return 'invalid address';
  if (address.family !== subnet.family) return `parent subnet is an IPv${subnet.family} block`;
  return contains(subnet, address) ? '' : `parent subnet ${formatPrefix(subnet)} doesn't contain this address`;
}
