/** How many bytes the link with an address carries. */
import { addressBytes, parseAddress } from '../ipam/address.ts';
import { decodeAddress, listAddresses, RTM_NEWADDR } from './netlink/address.ts';
import { decodeLink, getLinkAt } from './netlink/link.ts';
import { NETLINK_ROUTE, openNetlink } from './netlink/socket.ts';

/** undefined when no link of the host has the address (IPv4 or IPv6, without prefix). Two questions to the kernel. */
export function linkMtu(address: string): number | undefined {
  const parsed = parseAddress(address);
  if (!parsed) return undefined;
  const wanted = Buffer.from(addressBytes(parsed));
  const socket = openNetlink(NETLINK_ROUTE);
  try {
    for (const { type, payload } of socket.transact([listAddresses()])) {
      if (type !== RTM_NEWADDR) continue;
      const { bytes, link } = decodeAddress(payload);
      if (!wanted.equals(bytes)) continue;
      const [answer] = socket.transact([getLinkAt(link)]);
      return answer && decodeLink(answer.payload).mtu;
    }
    return undefined;
  } finally {
    socket.close();
  }
}
