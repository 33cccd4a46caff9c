/**
 * Deletes links off the main thread: RTM_DELLINK keeps its caller waiting for 27–32 ms (RCU barrier), and the kernel works on a
 * netlink request inside send(2).
 */
import { AF_NETLINK, libc, MSG_DONTWAIT, sendInPool, SOCK_CLOEXEC, SOCK_RAW } from './libc.ts';
import { decodeAcknowledgement, NetlinkError } from './netlink/error.ts';
import { deleteLink } from './netlink/link.ts';
import { decodeMessages, encodeAttributes, encodeMessage, NLM_F_ACK, NLM_F_REQUEST } from './netlink/message.ts';
import { NETLINK_ROUTE } from './netlink/socket.ts';

export interface LinkReaper {
  /** Succeeds when there is no such link. One at a time. */
  delete(name: string): Promise<void>;
  close(): void;
}

export function createLinkReaper(): LinkReaper {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  let queue: Promise<void> = Promise.resolve();
  let sequence = 0;

  const deleteNow = async (name: string): Promise<void> => {
    const { type, header, attributes = [], what } = deleteLink(name);
    const message = encodeMessage({
      type,
      flags: NLM_F_REQUEST | NLM_F_ACK,
      sequence: ++sequence,
      port: 0,
      payload: Buffer.concat([header, encodeAttributes(attributes)]),
    });
    await sendInPool(fd, message, 0);
    const answer = Buffer.alloc(4096);
    const length = libc.recv(fd, answer, answer.length, MSG_DONTWAIT);
    for (const reply of decodeMessages(answer.subarray(0, length))) {
      const { errno, kernelText } = decodeAcknowledgement(reply);
      const error = new NetlinkError(what, errno, kernelText);
      if (errno !== 0 && error.code !== 'ENODEV') throw error;
    }
  };
  return {
    async delete(name) {
      const mine = queue.then(async () => deleteNow(name));
      queue = mine.catch(() => undefined);
      return mine;
    },
    close: () => void libc.close(fd),
  };
}
