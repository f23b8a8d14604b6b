import type { RemoteThread } from '../../../foundation/common/data-location.ts';

/** Mutual TLS: both sides show a certificate that `ca` signed. PEM. */
export interface DataPlaneTls {
  readonly ca: Uint8Array;
  readonly cert: Uint8Array;
  readonly key: Uint8Array;
  /** If set, only certificates with this SHA-1 or SHA-256 are taken, in hex digits. */
  readonly fingerprint?: string;
}

/** What a thread needs to meet threads of other processes; plain data, so that it crosses to a worker. */
export interface DataPlaneSettings {
  readonly clusterId: string;
  /** Of this process (`taskmanager.bind-host`). */
  readonly bindHost: string;
  /** What others connect to (`taskmanager.host`). */
  readonly host: string;
  /** `taskmanager.data.port`, see `portsOfThread`: the first that is free is taken. */
  readonly ports: readonly number[];
  readonly tls?: DataPlaneTls;
  readonly limits?: Partial<DataPlaneLimits>;
}

export interface TcpOptions extends DataPlaneSettings {
  readonly own: RemoteThread;
}

export interface DataPlaneLimits {
  /**
   * How long a connection is tried again that is refused or not answered: the producer's thread may be starting, or busy with
   * user code that does not return. That a process is dead is known long before, from its heartbeats.
   */
  readonly connectTimeoutMs: number;
  /** One try of it; and how long a caller may take until its hello is complete, TLS included. */
  readonly handshakeTimeoutMs: number;
  /** Connections accepted and not closed. */
  readonly connections: number;
  /** Of these without a complete hello; the oldest gives way to a new one. */
  readonly halfOpen: number;
  /** Bytes that wait for the network before producers stop, for each connection. */
  readonly waitingBytes: number;
}

export const DATA_PLANE_LIMITS: DataPlaneLimits = {
  connectTimeoutMs: 30_000,
  handshakeTimeoutMs: 10_000,
  connections: 4096,
  halfOpen: 64,
  waitingBytes: 1_048_576,
};

/** In the order in which a thread tries them: first the one that it had, then each thread begins at another one. */
export const portsOfThread = (ports: readonly number[], thread: number, previous?: number): readonly number[] => {
  const first = thread % ports.length;
  return [...(previous === undefined ? [] : [previous]), ...ports.slice(first), ...ports.slice(0, first)];
};
