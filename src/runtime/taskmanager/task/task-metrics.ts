import type { AttemptId } from '../../../foundation/common/ids.ts';
import type { TaskMetrics } from '../../protocol/task-commands.ts';
import type { TaskParts } from './task-parts.ts';
import type { TaskTiming } from './task-timing.ts';

/** The numbers of a task as of now; all 0 before it is built. */
export const taskMetrics = (attempt: AttemptId, parts: TaskParts | undefined, timing: TaskTiming): TaskMetrics => {
  const recordsIn = parts?.input.recordsIn ?? 0;
  return {
    attempt,
    recordsIn,
    recordsFromSource: parts?.input.isSource === true ? recordsIn : 0,
    recordsOut: (parts?.chain.writers ?? []).reduce((sum, writer) => sum + writer.recordsOut, 0),
    recordsToSinks: parts?.chain.recordsToSinks ?? 0,
    counters: parts?.chain.counters ?? {},
    busyMs: timing.busyMs,
    idleMs: timing.idleMs,
    backpressuredMs: timing.blockedMs,
    longestPauseMs: timing.takeLongestPauseMs(),
  };
};
