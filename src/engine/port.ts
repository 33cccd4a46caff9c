/**
 * What the API (and nothing else) asks of the engine. `ref` is a full ID, a unique prefix of one, or a name with or
 * without its leading slash. Every method throws BerthError with Docker's text.
 */
import type {
  ContainerConfig,
  ContainerUpdate,
  EndpointSettings,
  ExecConfig,
  HostConfig,
  NetworkingConfig,
  PortMap,
} from '../model/container.ts';
import type { Filters, Json } from '../model/json.ts';

export interface CreateRequest {
  /** Without leading slash; undefined for a made-up one. */
  name: string | undefined;
  config: ContainerConfig;
  hostConfig: HostConfig;
  networking: NetworkingConfig;
  /** 'os/architecture[/variant]' that the image must be for; undefined for any. */
  platform?: string;
}

export interface OutputFrame {
  /** As in the API's multiplexed stream: 1 stdout (and everything of a terminal), 2 stderr. */
  stream: 1 | 2;
  data: Buffer;
}

export interface LogFrame extends OutputFrame {
  /** RFC 3339 with nanoseconds. */
  time: string;
}

export interface LogOptions {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  /** Seconds since 1970, with fraction. */
  since: number | undefined;
  until: number | undefined;
  /** Number of last lines, undefined for all. */
  tail: number | undefined;
}

/** A two-way stream with a process. The consumer sets the pace: output that is not read is not taken from the process. */
export interface Session {
  readonly tty: boolean;
  /** Ends when the process has closed its output, or after close(), or when the detach keys were typed. */
  readonly output: AsyncIterable<OutputFrame>;
  /** Resolves when the bytes were handed over. Ignored when the session has no input. */
  write(data: Buffer): Promise<void>;
  /** The client has no more input. */
  end(): void;
  /** The client is gone. */
  close(): void;
}

export interface AttachOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** Send what was logged before first. */
  logs: boolean;
  /** Stay attached for what comes. */
  stream: boolean;
  /** Docker's notation ('ctrl-p,ctrl-q'); '' for the default. */
  detachKeys: string;
}

export interface StatsOptions {
  /** A sample each second until the container is removed; otherwise one. */
  stream: boolean;
  /** At once, with nothing to compare it with. */
  oneShot: boolean;
}

export interface ExecStartOptions {
  detach: boolean;
  tty: boolean;
  consoleSize?: [number, number];
  /** Awaited when nothing is known that forbids the start, before the process exists. */
  accepted?: () => Promise<void>;
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

export interface Containers {
  create(request: CreateRequest): Promise<{ Id: string; Warnings: string[] }>;
  /** NotModified when it runs already. */
  start(ref: string): Promise<void>;
  /** `timeout` in seconds, -1 without end; undefined for the container's own. NotModified when it is stopped. */
  stop(ref: string, options: { signal?: string; timeout?: number }): Promise<void>;
  restart(ref: string, options: { signal?: string; timeout?: number }): Promise<void>;
  kill(ref: string, signal: string): Promise<void>;
  /** Every process stands still. Conflict when the container does not run, or stands still already. */
  pause(ref: string): Promise<void>;
  unpause(ref: string): Promise<void>;
  /** Limits and restart policy, of a container that runs or not. */
  update(ref: string, change: ContainerUpdate): Promise<{ Warnings: string[] }>;
  rename(ref: string, name: string): Promise<void>;
  remove(ref: string, options: { force: boolean; volumes: boolean; link: boolean }): Promise<void>;
  /** Checks `ref` at once; `done` resolves when the condition holds. */
  wait(ref: string, condition: WaitCondition, signal: AbortSignal): Promise<{ done: Promise<Json> }>;
  list(options: { all: boolean; limit: number; size: boolean; filters: Filters }): Promise<Json[]>;
  inspect(ref: string, options: { size: boolean }): Promise<Json>;
  logs(
    ref: string,
    options: LogOptions,
    signal: AbortSignal,
  ): Promise<{ tty: boolean; frames: AsyncIterable<LogFrame> }>;
  attach(ref: string, options: AttachOptions): Promise<Session>;
  resize(ref: string, height: number, width: number): Promise<void>;
  top(ref: string, psArguments: string): Promise<Json>;
  /** The API's ContainerStatsResponse, with empty values while the container does not run. Ends with the signal. */
  stats(ref: string, options: StatsOptions, signal: AbortSignal): Promise<AsyncIterable<Json>>;
  prune(filters: Filters): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }>;

  /** One more network, for a container that runs or not. */
  connect(ref: string, network: string, settings: EndpointSettings): Promise<void>;
  disconnect(ref: string, network: string, options: { force: boolean }): Promise<void>;
  /** Changes the published ports of a container that runs or not; answers with the bindings that are in force. */
  publish(ref: string, change: { add: PortMap; remove: PortMap }): Promise<{ Ports: PortMap }>;

  execCreate(ref: string, config: ExecConfig): Promise<{ Id: string }>;
  /** With `detach` there is no session. */
  execStart(id: string, options: ExecStartOptions): Promise<Session | undefined>;
  execInspect(id: string): Promise<Json>;
  execResize(id: string, height: number, width: number): Promise<void>;

  /** Numbers for `GET /info`. */
  counts(): { total: number; running: number; paused: number; stopped: number };
}
