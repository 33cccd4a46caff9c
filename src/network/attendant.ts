/** The seam to the process beside the daemon; what it holds of leases stands in leases.ts. */
import type { LeaseKeeper } from './leases.ts';

/**
 * What the network asks of `berth-netd`, the process beside the daemon that answers names, keeps host ports and renews leases, so that
 * all of it goes on while berthd is down. netd/client.ts implements it: it starts the process when it is first needed, starts another when
 * that one ends, and tells it again all that it was told here. A daemon that begins anew finds the process of its
 * predecessor and puts the whole state: what was not put again when ready() is called is dropped there.
 */
export interface Attendant extends LeaseKeeper {
  /** Names or ports will be needed soon: the process may be started meanwhile (65 ms), which nobody waits for. */
  prepare(): void;
  /** Takes over, or replaces, what the resolver knows of a sandbox. Resolves when it answers in there. */
  putNames(names: SandboxNames): Promise<void>;
  /** Resolves when no socket of the resolver keeps the namespace alive. Succeeds when there is none. */
  dropNames(sandboxId: string): Promise<void>;
  /**
   * Containers on other hosts, whom those on their network find by name; what is put takes the place of what was known under that ID.
   * Dropping what is not there succeeds. Resolves when all are known.
   */
  changeElsewhere(change: { put: readonly NamesElsewhere[]; drop: readonly string[] }): Promise<void>;
  /**
   * Binds all of these host ports for `owner`, or none: what is in use by another process (or forbidden) comes back, empty when
   * all are held. They are in addition to those that the owner holds already.
   */
  holdPorts(owner: string, ports: readonly HeldPort[]): Promise<RefusedPort[]>;
  /** Some, or all of an owner. Succeeds when they are not held. */
  releasePorts(owner: string, ports?: readonly HeldPort[]): Promise<void>;
  /** After a start of the daemon: all that exists has been put. */
  ready(): Promise<void>;
  /** `keep`: containers go on, so does the process. Otherwise it ends. */
  close(options: { keep: boolean }): Promise<void>;
}

/** A container as the resolver sees it. */
export interface SandboxNames {
  sandboxId: string;
  /** As berthd sees it; the process reads it through berthd's own root directory. */
  namespacePath: string;
  /** Servers for names that no container has, asked from inside the namespace; none: those of the host, as they change. */
  nameservers: readonly string[];
  /** False when all its networks are internal: nothing is asked of anybody. */
  forward: boolean;
  /** Networks in the order in which they are searched. */
  endpoints: readonly EndpointNames[];
}

export interface NamesElsewhere {
  /** Of the endpoint; no sandbox has it. */
  id: string;
  endpoint: EndpointNames;
}

export interface EndpointNames {
  networkId: string;
  networkName: string;
  /** Without prefix. */
  addresses: readonly string[];
  /**
   * By what others on the network find it, the container's name first (PTR answers with that one). '*.web' stands for every name
   * below web.
   */
  names: readonly string[];
  /** What this container alone calls others on that network: alias → a name of theirs. */
  links: Readonly<Record<string, string>>;
}

export interface HeldPort {
  protocol: 'tcp' | 'udp' | 'sctp';
  /** '0.0.0.0' and '::' for all. */
  hostAddress: string;
  hostPort: number;
  /** Where the proxy sends what the firewall did not translate: the container's address, of either family. */
  address: string;
  port: number;
  /** False: the port is only kept from others. */
  proxy: boolean;
}

export interface RefusedPort extends HeldPort {
  /** The kernel's word: 'EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES'… */
  code: string;
}
