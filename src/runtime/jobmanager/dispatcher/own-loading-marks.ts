import type { JobRecordStore } from '../../../coordination/job-record-store.ts';
import type { JobId } from '../../../foundation/common/ids.ts';

/** Marks of more jobs than that are forgotten, and count like those of others. */
const JOBS_MAX = 10_000;

/**
 * The marks that this process left in the records of jobs because it lost its leadership, not its life, while it loaded them: on a
 * busy machine leases end early. They tell nothing against a job (R13).
 */
export class OwnLoadingMarks {
  readonly #counts = new Map<JobId, number>();

  /** The record of a job without them. */
  leftOutOf(record: JobRecordStore, jobId: JobId): JobRecordStore {
    return {
      ...record,
      read: async () => {
        const read = await record.read();
        // Another leader that loaded the job has cleared them.
        const own = Math.min(this.#counts.get(jobId) ?? 0, read.loadingMarks);
        this.#note(jobId, own);
        return { ...read, loadingMarks: read.loadingMarks - own };
      },
      markLoading: () => {
        // Whoever is paused in the middle of it never hears that it was written.
        this.#note(jobId, (this.#counts.get(jobId) ?? 0) + 1);
        return record.markLoading();
      },
      clearLoading: async () => {
        await record.clearLoading();
        this.#note(jobId, 0);
      },
    };
  }

  #note(jobId: JobId, count: number): void {
    this.#counts.delete(jobId);
    if (count > 0) {
      this.#counts.set(jobId, count);
    }
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > JOBS_MAX && oldest !== undefined) {
      this.#counts.delete(oldest);
    }
  }
}
