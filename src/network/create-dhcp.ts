/** What a network must be whose containers get their addresses from the LAN's DHCP server. Pure. */
import { modeOf as ipvlanMode } from '../drivers/ipvlan/options.ts';
import { askedParent } from '../drivers/parent-link.ts';
import { invalidParameter } from '../errors.ts';
import type { Wish } from './create.ts';
import { DHCP_TIMEOUT, parseTimeout } from './dhcp-options.ts';

/** The network has no subnet of its own: the server knows which there are. */
export function checkLeased(kind: 'macvlan' | 'ipvlan', { base, config }: Wish): void {
  const { ipv4, ipv6, options, ipam } = base;
  if (config.length > 0) {
    throw invalidParameter(
      "the dhcp ipam driver does not handle specific address pool requests: subnet, range and gateway are the DHCP server's to say",
    );
  }
  if (!ipv4) throw invalidParameter('the dhcp ipam driver gives IPv4 addresses: IPv4 must be enabled');
  if (ipv6) throw invalidParameter('the dhcp ipam driver gives IPv4 addresses only: IPv6 cannot be enabled');
  if (askedParent(options) === '') {
    throw invalidParameter('the dhcp ipam driver needs a LAN: give the link that leads there with -o parent=…');
  }
  if (kind === 'ipvlan' && ipvlanMode(options) !== 'l2') {
    throw invalidParameter(
      `the dhcp ipam driver is for ipvlan mode l2: mode ${ipvlanMode(options)} passes no broadcasts`,
    );
  }
  for (const [name, value] of Object.entries(ipam.options ?? {})) {
    if (name !== DHCP_TIMEOUT) throw invalidParameter(`the dhcp ipam driver has no option ${JSON.stringify(name)}`);
    if (parseTimeout(value) === undefined) {
      throw invalidParameter(`${DHCP_TIMEOUT}: ${JSON.stringify(value)} is no number of seconds from 1 to 300`);
    }
  }
}
