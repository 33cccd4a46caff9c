/**
 * The host ports that containers have, bound in this process so that nobody else gets them, and the userland proxy for what
 * reaches them untranslated: [::1], IPv6 to a container without it, everything where there are no NAT rules. Runs in
 * berth-netd, in the host's network namespace; ports and connections outlive berthd.
 */
import { descriptorLimit } from '../linux/descriptor-limit.ts';
import { Readiness } from '../linux/listen-readiness.ts';
import { PipePool } from '../linux/listen-stream.ts';
import { keepDatagram, keepSctp, keepStream } from '../linux/listen.ts';
import { SysError, libc } from '../linux/libc.ts';
import type { Logger } from '../log.ts';
import type { HeldPort, RefusedPort } from '../network/attendant.ts';
import { DatagramFlows, serveDatagrams } from './datagram-proxy.ts';
import { placeKey } from './spec.ts';
import type { HostPlace } from './spec.ts';
import { serveStream } from './stream-proxy.ts';
import type { HeldSocket } from './stream-proxy.ts';
import type { StreamLimit } from './stream-relay.ts';

export interface HeldPorts {
  /**
   * All of these, or none: what is in use by another owner or process comes back with the kernel's word. What the owner holds
   * already stays bound; where it leads is changed for what comes from now on. Host port 0 needs nothing held.
   */
  hold(owner: string, ports: readonly HeldPort[]): RefusedPort[];
  /** Some, or all of an owner; their proxied connections end. Succeeds when they are not held. */
  release(owner: string, ports?: readonly HostPlace[]): void;
  owners(): string[];
  /** Lets everything go. */
  close(): void;
}

/** 20 containers with 206 ports each; the table takes 128 KiB. */
const DESCRIPTORS = 16_384;

interface Held {
  port: HeldPort;
  socket: HeldSocket;
}

export function createHeldPorts({ log }: { log: Logger }): HeldPorts {
  return new Holder(log);
}

class Holder implements HeldPorts {
  readonly #log: Logger;
  readonly #readiness = new Readiness();
  readonly #flows = new DatagramFlows();
  readonly #pipes = new PipePool();
  readonly #streams: StreamLimit = { open: 0, most: Math.floor(descriptorLimit() / 4) };
  readonly #owners = new Map<string, Map<string, Held>>();
  #missesSctp = false;

  constructor(log: Logger) {
    this.#log = log;
    this.#readiness.reserve(DESCRIPTORS);
  }

  hold(owner: string, ports: readonly HeldPort[]): RefusedPort[] {
    const own = this.#owners.get(owner) ?? new Map<string, Held>();
    const opened = new Map<string, Held>();
    const refused: RefusedPort[] = [];
    for (const port of ports) {
      const key = placeKey(port);
      if (port.hostPort === 0 || opened.has(key)) continue;
      const held = own.get(key);
      if (held?.port.proxy === port.proxy) continue;
      // A daemon that began anew with --userland-proxy changed: two sockets cannot have the port at once.
      if (held) this.release(owner, [port]);
      try {
        opened.set(key, { port, socket: this.#open(port) });
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        refused.push({ ...port, code: error.code });
      }
    }
    if (refused.length > 0) {
      for (const { socket } of opened.values()) socket.close();
      return refused;
    }
    for (const [key, held] of opened) own.set(key, held);
    for (const port of ports) {
      const held = own.get(placeKey(port));
      if (!held || (held.port.address === port.address && held.port.port === port.port)) continue;
      held.port = port;
      held.socket.aim(port);
    }
    if (own.size > 0) this.#owners.set(owner, own);
    return [];
  }

  release(owner: string, ports?: readonly HostPlace[]): void {
    const own = this.#owners.get(owner);
    if (!own) return;
    for (const key of ports?.map(placeKey) ?? [...own.keys()]) {
      const held = own.get(key);
      own.delete(key);
      held?.socket.close();
    }
    if (own.size === 0) this.#owners.delete(owner);
  }

  owners(): string[] {
    return [...this.#owners.keys()];
  }

  close(): void {
    for (const owner of this.owners()) this.release(owner);
    this.#flows[Symbol.dispose]();
    this.#pipes[Symbol.dispose]();
    this.#readiness[Symbol.dispose]();
  }

  #open(port: HeldPort): HeldSocket {
    const { protocol, hostAddress, hostPort, proxy } = port;
    const parts = {
      readiness: this.#readiness,
      flows: this.#flows,
      pipes: this.#pipes,
      streams: this.#streams,
      log: this.#log,
    };
    if (protocol === 'sctp') return kept(this.#openSctp(hostAddress, hostPort));
    if (protocol === 'udp') {
      return proxy ? serveDatagrams(port, parts) : kept(keepDatagram(hostAddress, hostPort));
    }
    return proxy ? serveStream(port, parts) : kept(keepStream(hostAddress, hostPort));
  }

  #openSctp(hostAddress: string, hostPort: number): number | undefined {
    const fd = keepSctp(hostAddress, hostPort);
    if (fd === undefined && !this.#missesSctp) {
      this.#missesSctp = true;
      this.#log.warn(
        'this kernel has no SCTP (CONFIG_IP_SCTP): published SCTP ports are not kept from other processes',
      );
    }
    return fd;
  }
}

/** Nothing is served there. */
function kept(fd: number | undefined): HeldSocket {
  return {
    aim: () => undefined,
    close() {
      if (fd !== undefined) libc.close(fd);
    },
  };
}
