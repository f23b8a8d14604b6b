import type { AttemptId } from '../../src/foundation/common/ids.ts';
import type { DataLocation, RemoteThread } from '../../src/foundation/common/data-location.ts';
import type {
  Fence,
  TaskCommand,
  TaskDeployment,
  TaskMetrics,
  TaskReport,
} from '../../src/runtime/protocol/task-commands.ts';
import type { ThreadSettings } from '../../src/runtime/taskmanager/thread-protocol.ts';

/** What the TaskManager processes of these tests are told, in place of RPC. */
export type ToProcess =
  | {
      readonly kind: 'start';
      readonly instanceId: string;
      readonly slots: number;
      readonly threads: number;
      readonly settings: Omit<ThreadSettings, 'index'>;
    }
  | { readonly kind: 'deploy'; readonly fence: Fence; readonly deployments: readonly TaskDeployment[] }
  | { readonly kind: 'command'; readonly fence: Fence; readonly attempt: AttemptId; readonly command: TaskCommand }
  | { readonly kind: 'kill-thread'; readonly thread: number };

export type FromProcess =
  | { readonly kind: 'located'; readonly slots: readonly DataLocation[] }
  | { readonly kind: 'report'; readonly report: TaskReport }
  /** `cpuMs`: of the process, since its start. */
  | { readonly kind: 'metrics'; readonly metrics: readonly TaskMetrics[]; readonly cpuMs: number }
  | { readonly kind: 'lost'; readonly remote: RemoteThread; readonly reason: string }
  | { readonly kind: 'log'; readonly line: string };
