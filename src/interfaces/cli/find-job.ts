import { MillraceError } from '../../foundation/common/errors.ts';
import type { JobSummary } from './job-control.ts';

/** The job with this id, or the one whose id begins so. `where` completes "no job 'x' runs ...". Errors: BAD_OPTION. */
export const findJob = (job: string, all: readonly JobSummary[], where: string): JobSummary => {
  const wanted = job.toLowerCase();
  const found = all.filter(({ jobId }) => jobId.startsWith(wanted));
  // Ended jobs are named by hand only; a beginning means one that can still be commanded.
  const going = found.filter(({ hasEnded }) => hasEnded !== true);
  const candidates = going.length > 0 ? going : found;
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1 && job !== '') {
    return only;
  }
  const names = (jobs: readonly JobSummary[]): string =>
    jobs.map(({ jobId, jobName }) => `${jobId} (${jobName})`).join(', ');
  const running = all.filter(({ hasEnded }) => hasEnded !== true);
  throw new MillraceError(
    'BAD_OPTION',
    candidates.length > 1
      ? `'${job}' names several jobs: ${names(candidates)}`
      : `no job '${job}' runs ${where}; ${running.length === 0 ? 'nothing runs' : `there are ${names(running)}`}`,
  );
};
