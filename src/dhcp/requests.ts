/** What a client says (RFC 2131 section 4.4.1, table 5). Pure. */
import type { Lease, LeaseWish } from '../network/leases.ts';
import { ipv4Bytes, NO_ADDRESS } from './codec.ts';
import type { Message } from './codec.ts';
import { bare } from './lease.ts';
import { MESSAGE, OPTION } from './options.ts';

/** The administrator of the server may tell containers from other clients by it (dnsmasq: --dhcp-vendorclass). */
const VENDOR = 'berth';
const WANTED = [
  OPTION.subnetMask,
  OPTION.router,
  OPTION.nameServers,
  OPTION.domainName,
  OPTION.mtu,
  OPTION.leaseTime,
  OPTION.renewalTime,
  OPTION.rebindingTime,
];

export type Asker = Pick<LeaseWish, 'mac' | 'clientId' | 'hostname' | 'broadcast'>;

export interface Occasion {
  xid: number;
  /** Since it began to ask. */
  seconds: number;
}

/** `address`: the one that it would like; ''. */
export const discover = (asker: Asker, occasion: Occasion, address: string): Message =>
  message(asker, occasion, NO_ADDRESS, [type('discover'), ...asked(address), ...about(asker)]);

/** Of the server that offered it. */
export const request = (asker: Asker, occasion: Occasion, { address, server }: Lease): Message =>
  message(asker, occasion, NO_ADDRESS, [type('request'), ...asked(bare(address)), toServer(server), ...about(asker)]);

/** For longer: the address is the sender's own, and neither it nor a server is named. */
export const renewal = (asker: Asker, occasion: Occasion, { address }: Lease): Message =>
  message(asker, occasion, bare(address), [type('request'), ...about(asker)]);

/** Somebody else has it. */
export const decline = (asker: Asker, occasion: Occasion, { address, server }: Lease): Message =>
  message(asker, occasion, NO_ADDRESS, [type('decline'), ...asked(bare(address)), toServer(server), identity(asker)]);

export const release = (asker: Asker, occasion: Occasion, { address, server }: Lease): Message =>
  message(asker, occasion, bare(address), [type('release'), toServer(server), identity(asker)]);

type Option = readonly [code: number, value: Buffer];

function message({ mac, broadcast }: Asker, occasion: Occasion, ciaddr: string, options: readonly Option[]): Message {
  return {
    op: 'request',
    xid: occasion.xid,
    seconds: Math.min(Math.floor(occasion.seconds), 0xffff),
    broadcast: broadcast && ciaddr === NO_ADDRESS,
    ciaddr,
    yiaddr: NO_ADDRESS,
    siaddr: NO_ADDRESS,
    giaddr: NO_ADDRESS,
    chaddr: mac,
    options: new Map(options),
  };
}

const type = (name: keyof typeof MESSAGE): Option => [OPTION.messageType, Buffer.of(MESSAGE[name])];
const toServer = (address: string): Option => [OPTION.server, Buffer.from(ipv4Bytes(address))];
const identity = ({ clientId }: Asker): Option => [OPTION.clientId, Buffer.from(clientId, 'hex')];
const asked = (address: string): Option[] =>
  address === '' ? [] : [[OPTION.requestedAddress, Buffer.from(ipv4Bytes(address))]];

/** What a client that says it once must say every time. */
const about = (asker: Asker): Option[] => [
  identity(asker),
  ...(asker.hostname === '' ? [] : [[OPTION.hostName, Buffer.from(asker.hostname, 'latin1')] as const]),
  [OPTION.vendorClass, Buffer.from(VENDOR)],
  [OPTION.parameterList, Buffer.from(WANTED)],
];
