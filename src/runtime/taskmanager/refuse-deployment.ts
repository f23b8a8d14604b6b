import { MillraceError } from '../../foundation/common/errors.ts';
import { attemptId } from '../../foundation/common/ids.ts';
import type { TaskDeployment } from '../protocol/task-commands.ts';
import type { LiveAttempt } from './attempt-ledger.ts';

/**
 * Why an attempt is not started: the TaskManager owns its slots, and two generations of a subtask never run at the same time
 * (R1). `undefined`: it is.
 */
export const refuseDeployment = (
  { attempt, slot, jobName }: Pick<TaskDeployment, 'attempt' | 'slot' | 'jobName'>,
  live: readonly LiveAttempt[],
  slots: number,
): MillraceError | undefined => {
  const id = attemptId(attempt);
  if (slot >= slots) {
    return occupied(`${id} of job "${jobName}" was sent to slot ${slot}, but this TaskManager has ${slots} slots`);
  }
  const stranger = live.find((other) => other.slot === slot && other.attempt.job !== attempt.job);
  if (stranger !== undefined) {
    return occupied(
      `slot ${slot} is not free for ${id} of job "${jobName}": ${stranger.id} of job ${stranger.attempt.job} runs there`,
    );
  }
  const older = live.find(({ attempt: { job, vertex, subtask } }) => {
    return job === attempt.job && vertex === attempt.vertex && subtask === attempt.subtask;
  });
  return older && occupied(`${id} of job "${jobName}" cannot start: ${older.id}, the same subtask, has not ended here`);
};

const occupied = (message: string): MillraceError => new MillraceError('SLOT_OCCUPIED', message, { retryable: true });
