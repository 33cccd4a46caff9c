/**
 * What the API asks of the daemon about itself. The daemon implements it; field names are the Engine API's (v1.52),
 * so that the answers are sent as they are.
 */
import type { Json } from '../model/json.ts';

/** The newest API version spoken, and the oldest path that is still answered (as dockerd 28 does). */
export const API_VERSION = '1.52';
export const MIN_API_VERSION = '1.24';

/** `GET /version` without ApiVersion and MinAPIVersion, which the API adds. */
export interface VersionInfo {
  Platform: { Name: string };
  /** Berth itself first ('Engine'), then the programs it drives: conmon, the runtime, skopeo. */
  Components: { Name: string; Version: string; Details: Record<string, string> }[];
  /** Berth's own, '0.1.0'; also in the `Server: Berth/… (linux)` header. */
  Version: string;
  GitCommit: string;
  /** Docker's CLI prints this; Berth puts Node's version there. */
  GoVersion: string;
  Os: 'linux';
  /** Go's word for it: 'amd64', 'arm64'. */
  Arch: string;
  KernelVersion: string;
  /** RFC 3339, '' when unknown. */
  BuildTime: string;
}

/** `GET /info` without what the API fills in itself (Swarm). */
export interface EngineInfo {
  ID: string;
  Containers: number;
  ContainersRunning: number;
  ContainersPaused: number;
  ContainersStopped: number;
  Images: number;
  Driver: string;
  DriverStatus: [key: string, value: string][];
  Plugins: { Volume: string[]; Network: string[]; Authorization: string[] | null; Log: string[] };
  MemoryLimit: boolean;
  SwapLimit: boolean;
  CpuCfsPeriod: boolean;
  CpuCfsQuota: boolean;
  CPUShares: boolean;
  CPUSet: boolean;
  PidsLimit: boolean;
  IPv4Forwarding: boolean;
  Debug: boolean;
  NFd: number;
  OomKillDisable: boolean;
  NGoroutines: number;
  /** RFC 3339 with nanoseconds. */
  SystemTime: string;
  LoggingDriver: string;
  CgroupDriver: 'cgroupfs' | 'systemd' | 'none';
  CgroupVersion: '1' | '2';
  NEventsListener: number;
  KernelVersion: string;
  OperatingSystem: string;
  OSVersion: string;
  OSType: 'linux';
  /** As `uname -m` says it: 'x86_64'. */
  Architecture: string;
  IndexServerAddress: string;
  RegistryConfig: Json;
  NCPU: number;
  /** Bytes. */
  MemTotal: number;
  GenericResources: null;
  DockerRootDir: string;
  HttpProxy: string;
  HttpsProxy: string;
  NoProxy: string;
  /** The host's name. */
  Name: string;
  Labels: string[];
  ExperimentalBuild: boolean;
  ServerVersion: string;
  Runtimes: Record<string, { path: string; runtimeArgs?: string[] }>;
  DefaultRuntime: string;
  LiveRestoreEnabled: boolean;
  Isolation: '';
  InitBinary: string;
  ContainerdCommit: { ID: string; Expected: string };
  RuncCommit: { ID: string; Expected: string };
  InitCommit: { ID: string; Expected: string };
  SecurityOptions: string[];
  FirewallBackend?: { Driver: string; Info?: [key: string, value: string][] };
  DefaultAddressPools?: { Base: string; Size: number }[];
  CDISpecDirs: string[];
  Warnings: string[];
}

export interface SystemInfo {
  /** Berth's version, for the `Server` header. */
  readonly version: string;
  /** Cheap: what has to be measured is measured once. */
  versionInfo(): Promise<VersionInfo>;
  info(): Promise<EngineInfo>;
}
