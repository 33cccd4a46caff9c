import type { Host } from '../../test/support/host.ts';

/** One engine under measurement, started in a throw-away host of its own, with an image called `busybox`. */
export interface Peer extends AsyncDisposable {
  /** 'berth', 'dockerd', 'podman'. */
  readonly name: string;
  /** What ran, with its version, for the report. */
  readonly version: string;
  /** Where it runs, with an outside that its default route leads to. */
  readonly host: Host;
  /** The Engine API's socket; undefined where there is no daemon. */
  readonly socket: string | undefined;
  /** Command line of the stock client (or the peer's own where it has no daemon) for these arguments. */
  client(args: readonly string[]): string[];
  /** Command line of the engine's own client where it differs from the stock one. */
  ownClient?(args: readonly string[]): string[];
  /** Processes that make up the daemon. */
  daemonPids(): number[];
  /** Processes that stand beside each running container (conmon, a shim), for all containers together. */
  monitorPids(): number[];
}
