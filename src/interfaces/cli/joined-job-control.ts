import { messageOf } from '../../foundation/common/errors.ts';
import { findJob } from './find-job.ts';
import type { CancelResult, JobControl, JobSummary, RescaleOrder, RescaleResult } from './job-control.ts';

/** Jobs of several places as one list. One that does not answer is said once, and left out. */
export class JoinedJobControl implements JobControl {
  readonly #controls: readonly JobControl[];
  readonly #warn: (message: string) => void;

  constructor(controls: readonly JobControl[], warn: (message: string) => void) {
    this.#controls = controls;
    this.#warn = warn;
  }

  async list(): Promise<readonly JobSummary[]> {
    return (await this.#lists()).flatMap(({ jobs }) => jobs);
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

  async retry(job: string): Promise<void> {
    const { control, jobId } = await this.#find(job);
    await control.retry(jobId);
  }

  /** By the last, which is the one that reaches furthest. */
  async dispose(path: string): Promise<void> {
    await this.#controls.at(-1)?.dispose(path);
  }

  async #find(job: string): Promise<{ readonly control: JobControl; readonly jobId: string }> {
    const lists = await this.#lists();
    const found = findJob(
      job,
      lists.flatMap(({ jobs }) => jobs),
      'on this machine for this user, or in the cluster',
    );
    const owner = lists.find(({ jobs }) => jobs.includes(found));
    return { control: owner?.control ?? this, jobId: found.jobId };
  }

  #lists(): Promise<readonly { readonly control: JobControl; readonly jobs: readonly JobSummary[] }[]> {
    return Promise.all(
      this.#controls.map(async (control) => {
        try {
          return { control, jobs: await control.list() };
        } catch (thrown) {
          this.#warn(messageOf(thrown));
          return { control, jobs: [] };
        }
      }),
    );
  }
}
