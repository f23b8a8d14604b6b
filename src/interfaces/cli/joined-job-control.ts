import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { findJob } from './find-job.ts';
import { IncompleteList } from './incomplete-list.ts';
import type { CancelResult, JobControl, JobSummary, RescaleOrder, RescaleResult } from './job-control.ts';

/** Where jobs run. */
export interface JobPlace {
  /** For messages. */
  readonly name: string;
  readonly control: JobControl;
}

interface PlaceJobs extends JobPlace {
  readonly jobs: readonly JobSummary[];
  /** Why it could not be asked. */
  readonly failure?: unknown;
}

/**
 * Jobs of several places as one list. Errors beside those of `JobControl`: `IncompleteList`; UNREACHABLE for a job that may be in a place
 * that cannot be asked.
 */
export class JoinedJobControl implements JobControl {
  readonly #places: readonly JobPlace[];

  constructor(places: readonly JobPlace[]) {
    this.#places = places;
  }

  async list(): Promise<readonly JobSummary[]> {
    const lists = await this.#lists();
    const jobs = lists.flatMap((place) => place.jobs);
    const unasked = lists.find((place) => 'failure' in place);
    if (unasked !== undefined) {
      throw new IncompleteList(unasked.name, unasked.failure, jobs);
    }
    return jobs;
  }

  async cancel(job: string): Promise<CancelResult> {
    const { control, jobId } = await this.#find(job);
    return control.cancel(jobId);
  }

  async stop(job: string, options: Parameters<JobControl['stop']>[1]): Promise<string> {
    const { control, jobId } = await this.#find(job);
    return control.stop(jobId, options);
  }

  async savepoint(job: string, folder?: string): Promise<string> {
    const { control, jobId } = await this.#find(job);
    return control.savepoint(jobId, folder);
  }

  async checkpoint(job: string): Promise<string> {
    const { control, jobId } = await this.#find(job);
    return control.checkpoint(jobId);
  }

  async rescale(job: string, order: RescaleOrder): Promise<RescaleResult> {
    const { control, jobId } = await this.#find(job);
    return control.rescale(jobId, order);
  }

  async retry(job: string): Promise<string | undefined> {
    const { control, jobId } = await this.#find(job);
    return control.retry(jobId);
  }

  /** By the last, which is the one that reaches furthest. */
  async dispose(path: string): Promise<void> {
    await this.#places.at(-1)?.control.dispose(path);
  }

  async #find(job: string): Promise<{ readonly control: JobControl; readonly jobId: string }> {
    const lists = await this.#lists();
    const all = lists.flatMap(({ jobs }) => jobs);
    const unasked = lists.find((place) => 'failure' in place);
    if (unasked !== undefined && !all.some(({ jobId }) => jobId.startsWith(job.toLowerCase()))) {
      throw new MillraceError(
        'UNREACHABLE',
        `whether job '${job}' runs in ${unasked.name} is not known, for it cannot be asked: ${messageOf(unasked.failure)}`,
        { cause: unasked.failure },
      );
    }
    const found = findJob(job, all, 'on this machine for this user, or in the cluster');
    const owner = lists.find(({ jobs }) => jobs.includes(found));
    return { control: owner?.control ?? this, jobId: found.jobId };
  }

  #lists(): Promise<readonly PlaceJobs[]> {
    return Promise.all(
      this.#places.map(async (place) => {
        try {
          return { ...place, jobs: await place.control.list() };
        } catch (failure) {
          return { ...place, jobs: [], failure };
        }
      }),
    );
  }
}
