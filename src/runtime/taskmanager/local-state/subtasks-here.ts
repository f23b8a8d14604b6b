import type { AttemptReport } from '../../protocol/task-commands.ts';
import { subtaskFolder } from './subtask-copies.ts';

/** The folders of the job's subtasks that run, or have finished, in the TaskManager whose table this is. */
export const subtasksHere = (job: string, table: readonly AttemptReport[]): ReadonlySet<string> =>
  new Set(
    table
      .filter(({ attempt, state }) => attempt.job === job && state !== 'FAILED' && state !== 'CANCELED')
      .map(({ attempt }) => subtaskFolder(attempt.vertex, attempt.subtask)),
  );
