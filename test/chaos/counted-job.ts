import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import { recount, starts } from './recount.mjs';

export interface CountedOptions {
  /** Of its folder below that of the cluster. */
  readonly name?: string;
  readonly count: number;
  readonly everyMs?: number;
  readonly parallelism?: number;
  /** In milliseconds; `off`: no checkpoints. */
  readonly interval?: string;
  /** Options of `millrace run`. */
  readonly flags?: readonly string[];
}

/** The job `counted`, which runs in a cluster under test, and what can be seen of it from outside. */
export class CountedJob {
  readonly jobId: string;
  readonly folder: string;
  readonly count: number;
  readonly #cluster: ClusterUnderTest;

  static async submit(cluster: ClusterUnderTest, options: CountedOptions): Promise<CountedJob> {
    const { name = 'work', count, everyMs = 10, parallelism = 2, interval = '500', flags = [] } = options;
    const folder = join(cluster.folder, name);
    mkdirSync(folder, { recursive: true });
    const args = [folder, String(count), String(everyMs), String(parallelism), interval];
    return new CountedJob(cluster, await cluster.submitWith(flags, 'counted.ts', ...args), folder, count);
  }

  private constructor(cluster: ClusterUnderTest, jobId: string, folder: string, count: number) {
    this.#cluster = cluster;
    this.jobId = jobId;
    this.folder = folder;
    this.count = count;
  }

  get hasFinished(): boolean {
    return this.switchedTo('FINISHED') > 0;
  }

  get completedCheckpoints(): readonly number[] {
    return this.#cluster
      .said(new RegExp(`Completed checkpoint \\d+ for job ${this.jobId}`))
      .map((line) => Number(/checkpoint (\d+)/.exec(line)?.[1]));
  }

  /** The checkpoints that leaders restored, in no order. */
  get restores(): readonly number[] {
    return this.#cluster
      .said(new RegExp(`Restoring job ${this.jobId} from \\w+ \\d+`))
      .map((line) => Number(/from \w+ (\d+)/.exec(line)?.[1]));
  }

  /** How often its tasks were started, as they say themselves. */
  get starts(): number {
    return starts(this.folder);
  }

  /** Where the task runs that was started last. */
  get taskManager(): string {
    const [line = ''] = readFileSync(join(this.folder, 'opens.log'), 'utf8').trim().split('\n').slice(-1);
    return this.#cluster.running.find((name) => this.#cluster.pidOf(name) === Number(line.split(' ')[1]))!;
  }

  switchedTo(status: string): number {
    return this.#cluster.said(new RegExp(`\\(${this.jobId}\\) switched from state \\w+ to ${status}`)).length;
  }

  async checkpointed(more = 1): Promise<void> {
    const before = this.completedCheckpoints.length;
    const job = `job ${this.jobId}`;
    await this.#cluster.until(
      `${more} checkpoints of ${job} complete`,
      () => this.completedCheckpoints.length >= before + more || this.hasFinished,
    );
    if (this.hasFinished) {
      throw new Error(`${job} has finished before the test had its checkpoints: give it more to count`);
    }
  }

  async finished(): Promise<void> {
    await this.#cluster.until(`job ${this.jobId} has finished`, () => this.hasFinished);
  }

  /** What the sink committed, against what it should have. */
  get recounted(): ReturnType<typeof recount> {
    return recount(this.folder, this.count);
  }

  /** What `recounted` says when every record was committed, once. */
  get exact(): ReturnType<typeof recount> {
    return { expected: this.count, committed: this.count, repeated: 0, missing: 0, unexpected: 0 };
  }
}
