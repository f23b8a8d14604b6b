import { present } from '../../../foundation/common/assert.ts';
import type { CheckpointId } from '../../../foundation/common/ids.ts';
import type { Instant } from '../instant.ts';
import type { CheckpointRequest, Enumerators } from './coordinator-event.ts';
import { PendingCheckpoint } from './pending-checkpoint.ts';
import { stopOf } from './request-queue.ts';
import type { TaskRoster } from './task-roster.ts';

export interface CheckpointPlan {
  /** In the store already (R10). */
  readonly id: CheckpointId;
  readonly enumerators: Enumerators;
  /** `undefined`: a periodic one. */
  readonly request: CheckpointRequest | undefined;
  /** The job's; a savepoint has its own. */
  readonly checkpointFolder: string | undefined;
  /** What an increment may refer to (R6). */
  readonly base: CheckpointId | undefined;
  readonly timeoutMs: number;
}

/** A checkpoint of whoever takes part now. */
export const beginCheckpoint = (plan: CheckpointPlan, roster: TaskRoster, now: Instant): PendingCheckpoint => {
  const { id, enumerators, request, checkpointFolder, base, timeoutMs } = plan;
  const participants = roster.participants();
  return new PendingCheckpoint({
    trigger: {
      checkpointId: id,
      timestampMs: now.wallMs,
      base,
      kind: request?.kind ?? 'checkpoint',
      folder: request?.kind === 'savepoint' ? request.folder : present(checkpointFolder, 'checkpoint folder'),
      stop: stopOf(request),
    },
    request,
    participants,
    endedBefore: new Set([...participants.keys()].filter((index) => roster.hasEnded(index))),
    enumerators,
    triggeredAt: now,
    deadlineMs: now.monotonicMs + timeoutMs,
  });
};
