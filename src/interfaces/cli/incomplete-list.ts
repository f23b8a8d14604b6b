import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import type { JobSummary } from './job-control.ts';

/** Not every place could be asked for its jobs; `jobs` are those of the others. */
export class IncompleteList extends MillraceError {
  readonly jobs: readonly JobSummary[];

  /** `place`: the one that could not be asked; `cause`: why, with the way out. */
  constructor(place: string, cause: unknown, jobs: readonly JobSummary[]) {
    super('UNREACHABLE', `the jobs of ${place} are not known, for it cannot be asked: ${messageOf(cause)}`, { cause });
    this.jobs = jobs;
  }
}
