import type { LogLevel } from '../../foundation/common/logger.ts';
import type { RemoteThread } from '../../foundation/common/data-location.ts';
import type { ErrorInfo } from '../../foundation/common/errors.ts';
import type { AttemptId } from '../../foundation/common/ids.ts';
import type { JobGraph } from '../../pipeline/graph/job-graph.ts';
import type { ProducerPlace } from '../network/exchange.ts';
import type { ThreadPort } from '../network/thread-port.ts';
import type { DataPlaneSettings } from '../network/tcp/data-plane-settings.ts';
import type { JobProgram, TaskCommand, TaskDeployment, TaskMetrics, TaskReport } from '../protocol/task-commands.ts';

/** A deployment without what all tasks of the message share. */
export type ThreadDeployment = Omit<TaskDeployment, 'graph' | 'program' | 'producers'> & {
  /** Where each producer is, by attempt id. */
  readonly producers: Readonly<Record<AttemptId, ProducerPlace>>;
};

/** What a TaskManager tells one of its threads, in order. */
export type ThreadCommand =
  | { readonly kind: 'connect'; readonly peer: number; readonly port: ThreadPort }
  | { readonly kind: 'disconnect'; readonly peer: number; readonly reason: string }
  | {
      readonly kind: 'deploy';
      readonly graph: JobGraph;
      readonly program: JobProgram;
      readonly tasks: readonly ThreadDeployment[];
    }
  | { readonly kind: 'command'; readonly attempt: AttemptId; readonly command: TaskCommand }
  /** How long its tasks may hold an alignment (R10); `undefined`: as long as it takes, for there is a leader. */
  | { readonly kind: 'alignment-limit'; readonly limitMs: number | undefined }
  /** So many `client` and `console` reports have been taken since the last time. */
  | { readonly kind: 'taken'; readonly count: number }
  /** Collects garbage and reports what is left. */
  | { readonly kind: 'collect' }
  | { readonly kind: 'stop' };

/** What a thread tells its TaskManager. */
export type ThreadReport =
  /** Tasks may come; with the address for threads of other processes, if it has one. */
  | { readonly kind: 'ready'; readonly data?: DataAddress }
  /** Threads of other processes cannot reach this one. */
  | { readonly kind: 'unreachable'; readonly error: ErrorInfo }
  /** A connection broke over which there were channels; reported before the failures of their tasks. */
  | { readonly kind: 'connection-lost'; readonly remote: RemoteThread; readonly reason: string }
  /** The task failed and closes what it has; that must not take longer than a cancellation. */
  | { readonly kind: 'failing'; readonly attempt: AttemptId }
  | { readonly kind: 'task'; readonly report: TaskReport }
  | { readonly kind: 'metrics'; readonly metrics: readonly TaskMetrics[]; readonly memory: ThreadMemory }
  /** After `collect`. */
  | { readonly kind: 'collected'; readonly memory: ThreadMemory }
  | { readonly kind: 'client'; readonly jobId: string; readonly channel: string; readonly payload: unknown }
  | { readonly kind: 'console'; readonly level: LogLevel; readonly text: string; readonly source: string }
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields?: Readonly<Record<string, unknown>>;
    };

export interface DataAddress {
  readonly host: string;
  readonly port: number;
}

export interface ThreadMemory {
  readonly heapUsedBytes: number;
  readonly arrayBufferBytes: number;
}

export interface LocalStateSettings {
  /** Of this process alone; at least one. */
  readonly folders: readonly string[];
  /** Whether a restore reads the copies. */
  readonly readsLocal: boolean;
}

/** Everything a thread needs to know at its start. */
export interface ThreadSettings {
  readonly index: number;
  readonly bufferTimeoutMs: number;
  readonly batchBytes: number;
  readonly channelCredit: number;
  /** Shared by the channels of a task that come from other processes, on top of that. */
  readonly floatingCredit: number;
  readonly inlineThresholdBytes: number;
  readonly metricsIntervalMs: number;
  /** Missing: no second copies of state are kept on this machine. */
  readonly localState?: LocalStateSettings;
  /** Missing: no other process has threads of the same job. */
  readonly data?: DataPlaneSettings & { readonly instanceId: string };
}
