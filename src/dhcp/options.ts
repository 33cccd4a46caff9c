/**
 * The options of a DHCP message (RFC 2132): u8 code, u8 length, that many bytes; 0 is padding, 255 the end. Pure.
 *
 * An option longer than 255 bytes, or one that a server writes in several places, comes in parts that belong together in their order
 * (RFC 3396). Where option 52 says so, the fields `file` and `sname` hold more options.
 */

export const OPTION = {
  pad: 0,
  subnetMask: 1,
  router: 3,
  nameServers: 6,
  hostName: 12,
  domainName: 15,
  mtu: 26,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  server: 54,
  parameterList: 55,
  renewalTime: 58,
  rebindingTime: 59,
  vendorClass: 60,
  clientId: 61,
  end: 255,
} as const;

/** Option 53. */
export const MESSAGE = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
} as const;

export type Options = ReadonlyMap<number, Buffer>;

export function encodeOptions(options: Options): Buffer {
  const parts: Buffer[] = [];
  for (const [code, value] of options) {
    for (let at = 0; at === 0 || at < value.length; at += 255) {
      const part = value.subarray(at, at + 255);
      parts.push(Buffer.of(code, part.length), part);
    }
  }
  return Buffer.concat([...parts, Buffer.of(OPTION.end)]);
}

/**
 * Adds what is in `area` to `into`. What is cut off at its end is left out: some servers forget the end mark, and what came before
 * is right all the same.
 */
export function decodeOptions(area: Buffer, into: Map<number, Buffer>): void {
  for (let at = 0; at < area.length;) {
    const code = area.readUInt8(at++);
    if (code === OPTION.end) return;
    if (code === OPTION.pad) continue;
    const length = area[at++];
    if (length === undefined || at + length > area.length) return;
    const value = area.subarray(at, at + length);
    const before = into.get(code);
    into.set(code, before ? Buffer.concat([before, value]) : value);
    at += length;
  }
}
