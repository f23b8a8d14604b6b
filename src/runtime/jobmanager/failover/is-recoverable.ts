import type { ErrorCode, ErrorInfo } from '../../../foundation/common/errors.ts';

/** The job, its configuration or its input is wrong: a restart would come to the same place and fail again. */
const UNRECOVERABLE: ReadonlySet<string> = new Set<ErrorCode>([
  'BAD_JOB',
  'BAD_OPTION',
  'BAD_RECORD',
  'CHECKPOINT_MISMATCH',
  'GRAPH_MISMATCH',
  'NUMBER_OVERFLOW',
  'UNSUPPORTED',
]);

/** Whether the restart strategy is asked at all. What an operator threw is a cause of the task's failure. */
export const isRecoverable = (error: ErrorInfo): boolean =>
  !(error.code !== undefined && UNRECOVERABLE.has(error.code)) &&
  (error.cause === undefined || isRecoverable(error.cause));
