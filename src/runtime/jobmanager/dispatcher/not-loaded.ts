import type { JobGraphPointer } from '../../../coordination/job-graph-store.ts';
import { MillraceError, type ErrorInfo } from '../../../foundation/common/errors.ts';
import type { JobState } from './cluster-gateway.ts';

/** There is no JobMaster of a job to ask. `error`: why it is set aside, where it is. */
export const notLoaded = (
  { jobId, jobName }: JobGraphPointer,
  state: JobState,
  error: ErrorInfo | undefined,
  retryable: boolean,
): MillraceError =>
  error === undefined
    ? new MillraceError('JOB_ENDED', `job ${jobId} (${jobName}) is ${state} and takes no snapshots now`, {
        retryable,
      })
    : new MillraceError(
        'JOB_SET_ASIDE',
        `job ${jobId} (${jobName}) is set aside, its files cannot be used: ${error.message}; when that is mended ` +
          `"millrace retry ${jobId}" tries it again; or cancel it`,
      );
