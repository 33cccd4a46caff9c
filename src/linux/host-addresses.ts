/** The addresses of the host now, those of links without a carrier among them (os.networkInterfaces() leaves these out). */
import type { HostAddress } from '../network/kernel.ts';
import { NETLINK_ROUTE, openNetlink } from './netlink/socket.ts';
import { survey } from './survey.ts';

/** Without link-local IPv6 ones. */
export function hostAddresses(): readonly HostAddress[] {
  const socket = openNetlink(NETLINK_ROUTE);
  try {
    return survey(socket).addresses;
  } finally {
    socket.close();
  }
}
