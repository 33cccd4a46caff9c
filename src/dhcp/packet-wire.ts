/**
 * A client's wire (wire.ts) on real Linux: packet sockets on the interface inside the container's namespace, open only while something
 * is expected. Packet sockets need no address, pass the container's own firewall, and cost nothing while they are closed. Bound to one
 * Ethernet type they hear only what comes in (packet(7); dev_queue_xmit_nit in the kernel shows what goes out to ETH_P_ALL alone): a container
 * that may send raw frames cannot lend itself an address.
 */
import type { Logger } from '../log.ts';
import { messageOf } from '../errors.ts';
import type { HeldNamespace } from '../linux/held-namespace.ts';
import { SysError } from '../linux/libc.ts';
import type { Readiness } from '../linux/listen-readiness.ts';
import { closePacketSocket, openPacketSocket, receiveFrame, sendFrame } from '../linux/packet-socket.ts';
import type { FilterLine, PacketSocketOptions } from '../linux/packet-socket.ts';
import { interfaceNamed } from '../linux/readdress.ts';
import { announcement, decodeArp, probe } from './arp.ts';
import type { Arp } from './arp.ts';
import type { Reply, Wire } from './wire.ts';
import { decodeMessage, DhcpFormatError, encodeMessage } from './codec.ts';
import type { Message } from './codec.ts';
import { BROADCAST_ADDRESS, BROADCAST_MAC, CLIENT_PORT, decodeFrame, encodeFrame } from './frame.ts';

const ENODEV = 19;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV4 = 0x0800;

/** Frames to the client's port; offsets as in frame.ts. */
const TO_CLIENT: readonly FilterLine[] = [
  [0x30, 0, 0, 23], // ldb [23]: the protocol
  [0x15, 0, 6, 17], // UDP, or reject
  [0x28, 0, 0, 20], // ldh [20]: flags and fragment offset
  [0x45, 4, 0, 0x1fff], // a later fragment: reject
  [0xb1, 0, 0, 14], // ldx 4*([14]&0xf): the header's length
  [0x48, 0, 0, 16], // ldh [x+16]: the destination port
  [0x15, 0, 1, CLIENT_PORT], // the client's, or reject
  [0x06, 0, 0, 0xffff], // accept
  [0x06, 0, 0, 0], // reject
];

const KINDS: Readonly<Record<'dhcp' | 'arp', PacketSocketOptions>> = {
  dhcp: { protocol: ETHERTYPE_IPV4, filter: TO_CLIENT },
  arp: { protocol: ETHERTYPE_ARP },
};

/** Longer frames hold no message that is taken. */
const ROOM = Buffer.allocUnsafeSlow(2048);
/** Frames taken at once; the others wait for the next turn. */
const BURST = 32;

interface Ear {
  fd: number;
  index: number;
  unwatch: () => void;
}

export interface WireOptions {
  namespace: HeldNamespace;
  interfaceName: string;
  mac: string;
  readiness: Readiness;
  log: Logger;
  receive: (reply: Reply) => void;
  heard: (arp: Arp) => void;
}

export class PacketWire implements Wire {
  readonly #options: WireOptions;
  readonly #ears: { dhcp: Ear | undefined; arp: Ear | undefined } = { dhcp: undefined, arp: undefined };
  readonly #closing = new Set<Promise<void>>();

  constructor(options: WireOptions) {
    this.#options = options;
  }

  /** As listen() for messages, but says what is wrong: a kernel without packet sockets, no right to have one. */
  begin(): void {
    try {
      this.#ears.dhcp ??= this.#open('dhcp');
    } catch (error) {
      if (!(error instanceof SysError) || error.code !== 'EAFNOSUPPORT') throw error;
      throw new Error('this kernel has no packet sockets: load the module af_packet (CONFIG_PACKET)', { cause: error });
    }
  }

  listen(what: { dhcp: boolean; arp: boolean }): void {
    for (const kind of ['dhcp', 'arp'] as const) {
      const ear = this.#ears[kind];
      if (what[kind] && !ear) this.#ears[kind] = this.#attempt(() => this.#open(kind));
      if (what[kind] || !ear) continue;
      this.#ears[kind] = undefined;
      ear.unwatch();
      this.#close(ear.fd);
    }
  }

  broadcast(message: Message, from: string): void {
    this.#sendMessage(message, from, { address: BROADCAST_ADDRESS, mac: BROADCAST_MAC });
  }

  unicast(message: Message, from: string, to: { address: string; mac: string }): void {
    this.#sendMessage(message, from, to);
  }

  probe(address: string): void {
    this.#send(probe(this.#options.mac, address));
  }

  announce(address: string): void {
    this.#send(announcement(this.#options.mac, address));
  }

  /** Resolves when no socket keeps the namespace any longer. */
  async closed(): Promise<void> {
    this.listen({ dhcp: false, arp: false });
    await Promise.all(this.#closing);
  }

  #sendMessage(message: Message, source: string, to: { address: string; mac: string }): void {
    const envelope = { sourceMac: this.#options.mac, destinationMac: to.mac, source, destination: to.address };
    this.#send(encodeFrame({ envelope, payload: encodeMessage(message) }));
  }

  #send(frame: Buffer): void {
    this.#attempt(() => {
      const ear = this.#ears.dhcp ?? this.#ears.arp;
      if (ear) return sendFrame(ear.fd, ear.index, frame);
      const { fd, index } = this.#socket({ protocol: 0 });
      try {
        sendFrame(fd, index, frame);
      } finally {
        this.#close(fd);
      }
    });
  }

  #open(kind: 'dhcp' | 'arp'): Ear {
    const { fd, index } = this.#socket(KINDS[kind]);
    try {
      return { fd, index, unwatch: this.#options.readiness.add(fd, () => this.#read(kind, fd)) };
    } catch (error) {
      this.#close(fd);
      throw error;
    }
  }

  #socket(options: PacketSocketOptions): { fd: number; index: number } {
    const { namespace, interfaceName } = this.#options;
    // Each time anew: an interface that was deleted and made again has another.
    const index = namespace.run(() => interfaceNamed(interfaceName))?.index;
    if (index === undefined) throw new SysError('bind', ENODEV, interfaceName);
    return { fd: openPacketSocket(namespace.path, index, options), index };
  }

  #close(fd: number): void {
    const end = closePacketSocket(fd);
    this.#closing.add(end);
    void end.then(() => this.#closing.delete(end));
  }

  #read(kind: 'dhcp' | 'arp', fd: number): void {
    for (let count = 0; count < BURST; count++) {
      // What the last frame led to may have closed it.
      if (this.#ears[kind]?.fd !== fd) return;
      const frame = this.#attempt(() => receiveFrame(fd, ROOM));
      if (!frame) return;
      if (kind === 'dhcp') this.#takeMessage(frame);
      else this.#takeArp(frame);
    }
  }

  #takeMessage(frame: Buffer): void {
    const parcel = decodeFrame(frame);
    if (!parcel) return;
    try {
      // A copy: options stay views of it while the next frame is read.
      const message = decodeMessage(Buffer.from(parcel.payload));
      this.#options.receive({ message, mac: parcel.envelope.sourceMac });
    } catch (error) {
      if (!(error instanceof DhcpFormatError)) throw error;
    }
  }

  #takeArp(frame: Buffer): void {
    const arp = decodeArp(frame);
    if (arp) this.#options.heard(arp);
  }

  /** The interface is down or away, the namespace too: as good as a frame that was lost. */
  #attempt<T>(body: () => T): T | undefined {
    try {
      return body();
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.#options.log.debug('DHCP: a frame was not sent or heard', {
        interface: this.#options.interfaceName,
        error: messageOf(error),
      });
      return undefined;
    }
  }
}
