/** The settings of a cluster, checked: InvalidParameter says which one is wrong. */
import { invalidParameter } from '../errors.ts';
import { formatAddress, parseAddress } from '../ipam/address.ts';
import type { ClusterSettings } from './deps.ts';
import { HOST_ID, HOST_NAME } from './host-record.ts';

export function checkSettings(settings: ClusterSettings): ClusterSettings {
  const { store, prefix, advertise, vxlanPort, hostName, hostId, leaseTtl, timeout } = settings;
  const address = parseAddress(advertise);
  const check = (right: boolean, what: string): void => {
    if (!right) throw invalidParameter(`invalid settings of the cluster: ${what}`);
  };
  check(store.endpoints.length > 0, 'no endpoint of etcd');
  check(/^(\/[^/\s]+)+$/.test(prefix), `prefix ${JSON.stringify(prefix)}: expected '/berth' or the like`);
  check(address !== undefined, `${JSON.stringify(advertise)} is no address`);
  check(Number.isInteger(vxlanPort) && vxlanPort > 0 && vxlanPort < 65_536, `${vxlanPort} is no port`);
  check(HOST_NAME.test(hostName), `${JSON.stringify(hostName)} is no name of a host`);
  check(HOST_ID.test(hostId), 'the ID of the host: expected 16 to 64 hex digits');
  // etcd gives no shorter lease than 1.5 times its election timeout, which is 1 s unless somebody changed it.
  check(Number.isInteger(leaseTtl) && leaseTtl >= 2 && leaseTtl <= 86_400, `a lease of ${leaseTtl} s`);
  check(Number.isFinite(timeout) && timeout > 0, `a timeout of ${timeout} ms`);
  return { ...settings, advertise: address ? formatAddress(address) : advertise };
}
