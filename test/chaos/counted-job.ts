import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openings, progress, recount, starts } from './recount.mjs';
import type { SubmittedJob } from './submit-job.ts';

/** Each parallelism divides it, so that the values of a key come in their order. */
const KEYS = 10;

/** A cluster of real processes, however they were started. */
export interface JobPlace {
  readonly folder: string;
  said(pattern: RegExp): readonly string[];
  until(what: string, holds: () => boolean): Promise<void>;
  submitWith(flags: readonly string[], job: string, ...args: readonly string[]): Promise<SubmittedJob>;
}

export interface CountedOptions {
  /** Of its folder below that of the cluster. */
  readonly name?: string;
  readonly count?: number;
  readonly parallelism?: 1 | 2 | 5;
  /** In milliseconds; `off`: no checkpoints. */
  readonly interval?: number | 'off';
  /** Options of `millrace run`. */
  readonly flags?: readonly string[];
}

/** The job `spread`, which runs in a cluster under test until the test ends it, and what can be seen of it from outside. */
export class CountedJob {
  readonly jobId: string;
  /** What was said at its submission. */
  readonly notes: string;
  readonly folder: string;
  readonly count: number;
  readonly #place: JobPlace;

  static async submit(place: JobPlace, options: CountedOptions = {}): Promise<CountedJob> {
    const { name = 'work', count = 12_000, parallelism = 2, interval = 500, flags = [] } = options;
    const folder = join(place.folder, name);
    mkdirSync(folder, { recursive: true });
    const args = [folder, count, 10, parallelism, KEYS, interval].map(String);
    return new CountedJob(place, await place.submitWith(flags, 'spread.ts', ...args), folder, count);
  }

  private constructor(place: JobPlace, { jobId, said }: SubmittedJob, folder: string, count: number) {
    this.#place = place;
    this.jobId = jobId;
    this.notes = said;
    this.folder = folder;
    this.count = count;
  }

  get completedCheckpoints(): readonly number[] {
    return this.#place
      .said(new RegExp(`Completed checkpoint \\d+ for job ${this.jobId}`))
      .map((line) => Number(/checkpoint (\d+)/.exec(line)?.[1]));
  }

  /** The checkpoints that leaders restored, in no order. */
  get restores(): readonly number[] {
    return this.#place
      .said(new RegExp(`Restoring job ${this.jobId} from \\w+ \\d+`))
      .map((line) => Number(/from \w+ (\d+)/.exec(line)?.[1]));
  }

  /** How often its tasks were started, as they say themselves. */
  get starts(): number {
    return starts(this.folder);
  }

  /** How often one of its tasks said that it gets records. */
  get signsOfLife(): number {
    return progress(this.folder).length;
  }

  /** The process of the task that was started last. */
  get pid(): number {
    return openings(this.folder).at(-1)!.pid;
  }

  switchedTo(status: string): number {
    return this.#place.said(new RegExp(`\\(${this.jobId}\\) switched from state \\w+ to ${status}`)).length;
  }

  async checkpointed(more = 1): Promise<void> {
    const before = this.completedCheckpoints.length;
    await this.#place.until(
      `${more} checkpoints of job ${this.jobId} complete`,
      () => this.completedCheckpoints.length >= before + more,
    );
  }

  async started(times: number): Promise<void> {
    await this.#place.until(`tasks of job ${this.jobId} have started ${times} times`, () => this.starts >= times);
  }

  /** What is left of its input comes at once. */
  async finished(): Promise<void> {
    this.hurry();
    await this.#place.until(`job ${this.jobId} has finished`, () => this.switchedTo('FINISHED') > 0);
  }

  hurry(): void {
    writeFileSync(join(this.folder, 'hurry'), '');
  }

  /** What the sink committed, against what it should have. */
  get recounted(): ReturnType<typeof recount> {
    return recount(this.folder, this.count, KEYS);
  }

  /** What `recounted` says when every record was committed, once. */
  get exact(): ReturnType<typeof recount> {
    return { expected: this.count, committed: this.count, repeated: 0, missing: 0, unexpected: 0 };
  }
}
