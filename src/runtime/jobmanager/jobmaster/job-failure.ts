import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { TaskExecutorLookup } from './task-executors.ts';

export const ENDED_UNTOLD: ErrorInfo = {
  name: 'MillraceError',
  code: 'TASK_CANCELED',
  message:
    'the task ended and no leader had told it to; its TaskManager ends tasks after taskmanager.leader-absence.timeout without one',
};

export const JOB_CANCELED: ErrorInfo = {
  name: 'MillraceError',
  code: 'TASK_CANCELED',
  message: 'the job is cancelled',
};

export const RETIRED: ErrorInfo = {
  name: 'MillraceError',
  code: 'TASK_CANCELED',
  message: 'the job is rescaled',
};

export const NOT_REPORTED: ErrorInfo = {
  name: 'MillraceError',
  code: 'TASK_MANAGER_LOST',
  message: 'no TaskManager has reported the task since the leader changed',
};

export const LOST: ErrorInfo = {
  name: 'MillraceError',
  code: 'TASK_MANAGER_LOST',
  message: 'its TaskManager is gone',
};

/** The TaskManager to which a connection was lost that the error comes from. */
const lostAt = ({ lostInstanceId, cause }: ErrorInfo): string | undefined =>
  lostInstanceId ?? (cause === undefined ? undefined : lostAt(cause));

/**
 * The error of a task as the job sees it. Tasks elsewhere may tell of a TaskManager that died before the end of its connection does,
 * or before its death is proven: that is its loss, not one more failure.
 */
export const asSeenByJob = (
  error: ErrorInfo | undefined,
  executors: TaskExecutorLookup,
): { readonly error?: ErrorInfo } => {
  const taskManager = error === undefined ? undefined : lostAt(error);
  if (error === undefined || taskManager === undefined || executors(taskManager) !== undefined) {
    return error === undefined ? {} : { error };
  }
  return { error: { ...LOST, message: `lost TaskManager ${taskManager}: ${error.message}`, cause: error } };
};
