/**
 * A netlink socket used like a function call: the kernel works on a request inside send(2), so its answers are queued
 * when send returns, and reading them does not wait (13 µs a round trip). It belongs to the network namespace in
 * which it was opened, for good.
 */
import { AF_NETLINK, libc, SOCK_CLOEXEC, SOCK_RAW, SysError } from '../libc.ts';
import { decodeAcknowledgement, NetlinkError } from './error.ts';
import { decodeMessages, encodeAttributes, encodeMessage, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST } from './message.ts';
import { NLMSG_DONE, NLMSG_ERROR } from './message.ts';
import type { Attribute, Message } from './message.ts';

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
/** Seconds; a lost answer (ENOBUFS in the kernel) must not stop the daemon for good. */
const LONGEST_WAIT = 5;

export interface Request {
  /** For the error's text: 'create veth veth1a2b3c4'. */
  what: string;
  type: number;
  /** Beside NLM_F_REQUEST and NLM_F_ACK, which are added. */
  flags?: number;
  header: Buffer;
  attributes?: readonly Attribute[];
  /** Send without NLM_F_ACK: only a refusal is answered. The frame of an nfnetlink batch, or one of many before the last. */
  silent?: boolean;
  /** Names of errors that are as good as success: 'ENOENT' where what shall go may be gone. */
  tolerated?: readonly string[];
}

export interface NetlinkSocket {
  /**
   * Sends all requests in one datagram and reads until each is answered; returns what the kernel sent beside the
   * acknowledgements. Throws the first refusal. rtnetlink has then carried out the others all the same; nfnetlink none.
   */
  transact(requests: readonly Request[]): Message[];
  /**
   * The answer to a dump as the kernel gives it, some hundred messages at a time, valid until the next are taken. It goes on when they
   * are, so whoever has other work may let some time pass. Nothing else may be asked meanwhile.
   */
  pieces(request: Request): Generator<Message[]>;
  close(): void;
}

export function openNetlink(protocol: number): NetlinkSocket {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  try {
    // struct sockaddr_nl: u16 family, u16 pad, u32 port (0: the kernel chooses), u32 groups.
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    libc.bind(fd, address, address.length);
    const one = Buffer.from([1, 0, 0, 0]);
    libc.setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, one, 4);
    libc.setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, one, 4);
    // Dumps can be narrowed to one link (since Linux 4.20); callers look at what they get all the same.
    if (protocol === NETLINK_ROUTE) {
      try {
        libc.setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, one, 4);
      } catch (error) {
        if (!(error instanceof SysError) || error.code !== 'ENOPROTOOPT') throw error;
      }
    }
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(BigInt(LONGEST_WAIT), 0);
    libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length);
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  // A dump comes in pieces of at most 32 KiB (netlink_dump in the kernel).
  const received = Buffer.allocUnsafeSlow(65536);
  let sequence = 1;

  /** Its bytes, and the number by which its answer is known. */
  const encode = (request: Request): { number: number; bytes: Buffer } => {
    const number = sequence;
    sequence = (sequence % 0xffff_fffe) + 1;
    const bytes = encodeMessage({
      type: request.type,
      flags: NLM_F_REQUEST | (request.silent ? 0 : NLM_F_ACK) | (request.flags ?? 0),
      sequence: number,
      port: 0,
      payload: Buffer.concat([request.header, encodeAttributes(request.attributes ?? [])]),
    });
    return { number, bytes };
  };

  return {
    transact(requests) {
      const pending = new Map<number, Request>();
      /** Of requests without an acknowledgement. */
      const silent = new Map<number, Request>();
      const datagram = Buffer.concat(
        requests.map((request) => {
          const { number, bytes } = encode(request);
          (request.silent ? silent : pending).set(number, request);
          return bytes;
        }),
      );
      libc.send(fd, datagram, datagram.length, 0);
      const answers: Message[] = [];
      let refusal: NetlinkError | undefined;
      while (pending.size > 0) {
        const length = receive(fd, received);
        for (const message of decodeMessages(received.subarray(0, length))) {
          const request = pending.get(message.sequence);
          if (request === undefined) {
            // A refused batch answers its frame as well (EPERM, or no nf_tables in the kernel), which was not awaited. What
            // answers neither belongs to a transaction that was given up.
            const unacknowledged = message.type === NLMSG_ERROR ? silent.get(message.sequence) : undefined;
            const error = unacknowledged && refusalOf(unacknowledged, message);
            if (error) throw error;
            continue;
          }
          if (message.type === NLMSG_DONE) pending.delete(message.sequence);
          else if (message.type === NLMSG_ERROR) {
            pending.delete(message.sequence);
            refusal ??= refusalOf(request, message);
          } else {
            // The buffer is used again by the next read.
            answers.push({ ...message, payload: Buffer.from(message.payload) });
          }
        }
      }
      if (refusal) throw refusal;
      return answers;
    },
    *pieces(request) {
      const { number, bytes } = encode(request);
      libc.send(fd, bytes, bytes.length, 0);
      for (;;) {
        const all = decodeMessages(received.subarray(0, receive(fd, received)));
        const messages = all.filter((message) => message.sequence === number);
        const end = messages.find(({ type }) => type === NLMSG_DONE || type === NLMSG_ERROR);
        const refusal = end?.type === NLMSG_ERROR ? refusalOf(request, end) : undefined;
        if (refusal) throw refusal;
        yield messages.filter(({ type }) => type !== NLMSG_DONE && type !== NLMSG_ERROR);
        if (end) return;
      }
    },
    close: () => void libc.close(fd),
  };
}

/** undefined for an acknowledgement, and for a refusal that is as good as one. */
function refusalOf({ what, tolerated }: Request, answer: Message): NetlinkError | undefined {
  const { errno, kernelText } = decodeAcknowledgement(answer);
  if (errno === 0) return undefined;
  const error = new NetlinkError(what, errno, kernelText);
  return tolerated?.includes(error.code) === true ? undefined : error;
}

/** A dump ends with NLMSG_DONE and takes no acknowledgement; asking for one is harmless. */
export const dump = (what: string, type: number, header: Buffer, attributes: Attribute[] = []): Request => ({
  what,
  type,
  flags: NLM_F_DUMP,
  header,
  attributes,
});

function receive(fd: number, buffer: Buffer): number {
  for (;;) {
    try {
      return libc.recv(fd, buffer, buffer.length, 0);
    } catch (error) {
      if (!(error instanceof SysError) || error.code !== 'EINTR') throw error;
    }
  }
}
