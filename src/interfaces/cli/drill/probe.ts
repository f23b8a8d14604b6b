import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../foundation/common/clock.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type { Configuration } from '../../../foundation/config/configuration.ts';
import { bundleJob } from '../bundle/bundle-job.ts';
import { startOnCluster, type PlanJob } from '../cluster/cluster-run.ts';
import { ClusterJobControl } from '../cluster/cluster-job-control.ts';
import type { RestClient } from '../cluster/rest-client.ts';

/** Programs that belong to the drill and not to the command line. */
export interface DrillPrograms {
  /** The probe job, as TypeScript. */
  readonly probeJob: string;
  /** Judges what the probe left in its folder; a program of its own. */
  readonly verifier: string;
}

export interface ProbeOptions {
  readonly folder: string;
  readonly jobFile: string;
  readonly client: RestClient;
  readonly plan: PlanJob;
  readonly clock: Clock;
  readonly configuration: Configuration;
  readonly parallelism: number;
  readonly checkpointIntervalMs: number;
  /** How long the drill takes when nothing goes wrong. */
  readonly expectedMs: number;
}

/** What the verifier is told. */
export interface DrillRecord {
  /** The job ended by itself: every record has to be there. */
  readonly isFinished: boolean;
  readonly quiet: { readonly fromMs: number; readonly untilMs: number };
  /** TaskManagers were paused or cut off: tasks that were over may have gone on for a while. */
  readonly pausedTasks: boolean;
  readonly rounds: readonly {
    readonly round: number;
    readonly atMs: number;
    readonly untilMs: number;
    /** `tasks`: what was done to the cluster must not have started a task anew (I9). */
    readonly spares: 'tasks' | 'nothing';
  }[];
}

const RECORDS_PER_SECOND = 200;
/** Also probe-job.ts has it. */
const EARLY_RECORDS = 100;
/** Splits are in every snapshot of the enumerator: a long drill has longer ones, not more. */
const SPLITS_MAX = 1000;
const SPLIT_MS_MIN = 1000;

/** The job that counts while processes are killed. */
export class Probe {
  readonly folder: string;
  readonly jobId: string;
  readonly #control: ClusterJobControl;
  readonly #splits: number;
  readonly #recordsPerSplit: number;
  readonly #parallelism: number;

  /** Errors: as of a submission. */
  static async submit(options: ProbeOptions): Promise<Probe> {
    const { folder, parallelism, expectedMs, clock } = options;
    for (const part of ['committed', 'emitted', 'ends']) {
      await mkdir(join(folder, part), { recursive: true, mode: 0o700 });
    }
    const splitMs = Math.max(SPLIT_MS_MIN, (expectedMs * parallelism) / SPLITS_MAX);
    const recordsPerSplit = Math.round((splitMs * RECORDS_PER_SECOND) / 1000);
    // Twice as many as are read in that time: a drill takes longer on a busy machine, and splits are to be handed out to its last round.
    // Then one without an end for each reader, however long it takes.
    const splits = 2 * Math.ceil(expectedMs / splitMs) * parallelism + parallelism;
    const start = startOnCluster({ client: options.client, plan: options.plan, clock, cancelsOnInterrupt: false });
    const run = await start(
      {
        bundle: await bundleJob(options.jobFile),
        args: [folder, parallelism, RECORDS_PER_SECOND, splits, recordsPerSplit].map(String),
        configuration: options.configuration.with(
          {
            'execution.checkpointing.interval': `${options.checkpointIntervalMs} ms`,
            'execution.checkpointing.mode': 'exactly-once',
            'execution.checkpointing.externalized-checkpoint-retention': 'NO_EXTERNALIZED_CHECKPOINTS',
            // A fixed number of restarts would end a drill of many rounds.
            'restart-strategy.type': 'exponential-delay',
          },
          'millrace drill',
        ),
        inline: false,
      },
      { printed: () => {}, console: () => {}, log: () => {} },
    );
    return new Probe(options, run.jobId, splits, recordsPerSplit);
  }

  private constructor(options: ProbeOptions, jobId: string, splits: number, recordsPerSplit: number) {
    this.folder = options.folder;
    this.jobId = jobId;
    this.#control = new ClusterJobControl(options.client);
    this.#splits = splits;
    this.#recordsPerSplit = recordsPerSplit;
    this.#parallelism = options.parallelism;
  }

  /** Numbers of the processes that run its tasks now, as its tasks say. */
  async busyPids(): Promise<ReadonlySet<number>> {
    const text = await readFile(join(this.folder, 'opens.log'), 'utf8').catch(() => '');
    const newest = new Map<string, number>();
    for (const line of text.split('\n')) {
      const [, task, subtask, pid] = line.split(' ');
      if (pid !== undefined) {
        newest.set(`${task} ${subtask}`, Number(pid));
      }
    }
    return new Set(newest.values());
  }

  /** Its sources end soon, and then the job. */
  async end(): Promise<void> {
    await writeFile(join(this.folder, 'end'), '');
  }

  async cancel(): Promise<void> {
    await this.#control.cancel(this.jobId);
  }

  /** Says in its folder what was done, for the verifier. */
  async record(record: DrillRecord): Promise<void> {
    const all = {
      jobId: this.jobId,
      splits: this.#splits,
      recordsPerSplit: this.#recordsPerSplit,
      endlessSplits: this.#parallelism,
      earlyRecords: EARLY_RECORDS,
      ...record,
    };
    await writeFile(join(this.folder, 'drill.json'), `${JSON.stringify(all, undefined, 2)}\n`);
  }

  async remove(): Promise<void> {
    try {
      await rm(this.folder, { recursive: true, force: true });
    } catch (error) {
      throw new MillraceError('FILESYSTEM', `the drill's folder ${this.folder} cannot be removed; remove it by hand`, {
        cause: error,
      });
    }
  }
}
