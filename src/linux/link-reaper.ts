/**
 * Deletes links off the main thread: RTM_DELLINK keeps its caller waiting for 15–32 ms (RCU barrier), and the kernel works on a
 * netlink request inside send(2). Several are put into a group of their own and deleted as one, in the time of one: ten
 * took 19 ms, one by one 175, by four threads 56. What is asked for meanwhile goes into the next group.
 */
import { randomInt } from 'node:crypto';
import { AF_NETLINK, libc, MSG_DONTWAIT, sendInPool, SOCK_CLOEXEC, SOCK_RAW } from './libc.ts';
import { decodeAcknowledgement, NetlinkError } from './netlink/error.ts';
import { deleteGroup, deleteLink, setGroup } from './netlink/link.ts';
import { deleteLinkInside } from './netlink/sublink.ts';
import { decodeMessages, encodeAttributes, encodeMessage, NLM_F_ACK, NLM_F_REQUEST } from './netlink/message.ts';
import { NLMSG_ERROR } from './netlink/message.ts';
import { NETLINK_ROUTE } from './netlink/socket.ts';
import type { Request } from './netlink/socket.ts';

/**
 * At a time: others, the main thread among them, wait for the kernel's RTNL lock meanwhile. Of veth pairs 64 took 37–56 ms;
 * each bridge takes 19 ms even in a group (37 alone), whatever was done to it before.
 */
const MOST = { quick: 32, slow: 3 } as const;
/** Groups are an administrator's small numbers, when they are used at all. */
const LOWEST_GROUP = 0x4000_0000;

export interface LinkReaper {
  /** Succeeds for those that do not exist. `isQuick`: it is a veth pair's end. */
  delete(names: readonly string[], isQuick: (name: string) => boolean): Promise<void>;
  /** The same for a link inside the namespace that the host numbers `nsid`. */
  deleteInside(nsid: number, index: number): Promise<void>;
  close(): void;
}

interface Order {
  name: string;
  quick: boolean;
  /** Where it is no link of the host. */
  request?: Request;
  resolve: () => void;
  reject: (error: unknown) => void;
}

export function createLinkReaper(): LinkReaper {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  let orders: Order[] = [];
  let busy = false;
  let closed = false;
  let sequence = 0;

  /** The error of each request, in their order; undefined for success. A link that is not there is no error. */
  const perform = async (requests: readonly Request[]): Promise<(NetlinkError | undefined)[]> => {
    const first = sequence + 1;
    const datagram = Buffer.concat(
      requests.map(({ type, header, attributes = [] }) =>
        encodeMessage({
          type,
          flags: NLM_F_REQUEST | NLM_F_ACK,
          sequence: ++sequence,
          port: 0,
          payload: Buffer.concat([header, encodeAttributes(attributes)]),
        }),
      ),
    );
    await sendInPool(fd, datagram, 0);
    const errors: (NetlinkError | undefined)[] = requests.map(() => undefined);
    const buffer = Buffer.allocUnsafeSlow(65536);
    for (let missing = requests.length; missing > 0;) {
      const length = libc.recv(fd, buffer, buffer.length, MSG_DONTWAIT);
      for (const message of decodeMessages(buffer.subarray(0, length))) {
        const request = requests[message.sequence - first];
        // An answer to an earlier call that was given up.
        if (message.type !== NLMSG_ERROR || !request) continue;
        missing--;
        const { errno, kernelText } = decodeAcknowledgement(message);
        const error = new NetlinkError(request.what, errno, kernelText);
        if (errno !== 0 && error.code !== 'ENODEV') errors[message.sequence - first] = error;
      }
    }
    return errors;
  };

  const reap = async (names: readonly string[]): Promise<(NetlinkError | undefined)[]> => {
    if (names.length === 1) return perform(names.map(deleteLink));
    const group = randomInt(LOWEST_GROUP, 0x7fff_ffff);
    const errors = await perform([...names.map((name) => setGroup(name, group)), deleteGroup(group)]);
    // One of them cannot be deleted (hardware): the kernel then leaves all.
    return errors.every((error) => error === undefined) ? errors.slice(0, -1) : perform(names.map(deleteLink));
  };

  const work = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    while (orders.length > 0) {
      const inside = orders.filter(({ request }) => request !== undefined);
      const quick = inside.length > 0 ? inside.slice(0, MOST.slow) : orders.filter((order) => order.quick);
      const batch = quick.length > 0 ? quick.slice(0, MOST.quick) : orders.slice(0, MOST.slow);
      orders = orders.filter((order) => !batch.includes(order));
      try {
        const requests = batch.flatMap(({ request }) => request ?? []);
        const errors = await (requests.length > 0 ? perform(requests) : reap(batch.map(({ name }) => name)));
        for (const [at, { resolve, reject }] of batch.entries()) {
          if (errors[at] === undefined) resolve();
          else reject(errors[at]);
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    busy = false;
    if (closed) libc.close(fd);
  };

  return {
    async delete(names, isQuick) {
      if (names.length === 0) return;
      if (closed) throw new Error('links are not deleted any more');
      const done = names.map(
        async (name) =>
          new Promise<void>((resolve, reject) => void orders.push({ name, quick: isQuick(name), resolve, reject })),
      );
      void work();
      const results = await Promise.allSettled(done);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    },
    async deleteInside(nsid, index) {
      if (closed) throw new Error('links are not deleted any more');
      const request = deleteLinkInside(nsid, index);
      await new Promise<void>((resolve, reject) => {
        orders.push({ name: '', quick: true, request, resolve, reject });
        void work();
      });
    },
    close() {
      closed = true;
      // A thread of the pool may be inside send(2): the number must not go to another file meanwhile.
      if (!busy) libc.close(fd);
    },
  };
}
