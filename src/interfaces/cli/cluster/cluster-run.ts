import { randomBytes } from 'node:crypto';
import { codeOf, messageOf, MillraceError, type ErrorInfo } from '../../../foundation/common/errors.ts';
import type { Clock } from '../../../foundation/common/clock.ts';
import { checkpointsSchema } from '../../rest/schema/checkpoints-schema.ts';
import { jobDetailsSchema, type JobDetailsBody } from '../../rest/schema/jobs-schema.ts';
import { hasEnded } from '../../rest/schema/job-state.ts';
import { submittedSchema, type SubmissionBody } from '../../rest/schema/submission-schema.ts';
import type { JobRun, RunEvents, RunOutcome, RunRequest, StartRun } from '../job-run.ts';
import type { JobProgress } from '../progress.ts';
import { awaitResult, ClusterJobControl, endOf } from './cluster-job-control.ts';
import type { RestClient } from './rest-client.ts';

const POLL_MS = 500;

/** A job whose builder has run, as it goes to a cluster. */
export interface PlannedSubmission {
  readonly jobName: string;
  /** The job graph in the value format. */
  readonly jobGraph: Uint8Array;
  readonly configuration: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/** Given by the process: runs the builder, with `process.env` guarded. */
export type PlanJob = (request: RunRequest) => Promise<PlannedSubmission>;

export interface ClusterRunOptions {
  readonly client: RestClient;
  readonly plan: PlanJob;
  readonly clock: Clock;
  /** An interrupt of the command cancels the job (`-sae`); else it only ends the command. */
  readonly cancelsOnInterrupt: boolean;
}

/** Submits jobs to a cluster instead of running them in this process. */
export const startOnCluster =
  (options: ClusterRunOptions): StartRun =>
  async (request, events) => {
    const planned = await options.plan(request);
    const jobId = request.jobId ?? randomBytes(16).toString('hex');
    const submission: SubmissionBody = {
      jobId,
      jobGraph: Buffer.from(planned.jobGraph).toString('base64'),
      bundle: { code: request.bundle.code, hash: request.bundle.hash },
      args: [...request.args],
      env: { ...request.env },
      configuration: { ...planned.configuration },
    };
    const { notes } = await options.client
      .ask('POST', '/jobs', submittedSchema, submission)
      .catch((thrown: unknown): { readonly notes: readonly string[] } => {
        // The id was drawn here: that job can only be this one, whose first answer was lost, and which was fast.
        if (request.jobId === undefined && codeOf(thrown) === 'JOB_ENDED') {
          return { notes: [] };
        }
        throw withJobId(thrown, jobId);
      });
    const warnings = planned.warnings.map((warning) => `WARN ${warning}`);
    return new ClusterJobRun(jobId, planned.jobName, [...warnings, ...notes], options, events);
  };

/** A leader that went before it answered may have taken the job: run again under the same id, it is the same job (R7). */
const withJobId = (thrown: unknown, jobId: string): unknown =>
  thrown instanceof MillraceError && thrown.retryable && !isRefused(thrown.cause)
    ? new MillraceError(
        thrown.code,
        `${thrown.message}; whether the job was taken is not known: repeat the command with --jobId ${jobId}, so that it runs once`,
        { cause: thrown.cause, retryable: true },
      )
    : thrown;

const isRefused = (cause: unknown): boolean => ['ECONNREFUSED', 'ENOTFOUND'].includes(codeOf(cause) ?? '');

/** A job of a cluster, as whoever waits for it sees it. */
class ClusterJobRun implements JobRun {
  readonly jobId: string;
  readonly jobName: string;
  readonly notes: readonly string[];
  readonly detach: (() => void) | undefined;
  readonly #client: RestClient;
  readonly #control: ClusterJobControl;
  readonly #clock: Clock;
  readonly #events: RunEvents;
  #outcome: Promise<RunOutcome> | undefined;
  #progress: JobProgress = {
    status: 'INITIALIZING',
    recordsIn: 0,
    recordsOut: 0,
    lateRecordsDropped: 0,
    restarts: 0,
    checkpoint: undefined,
    failedCheckpoints: 0,
  };
  #waiting = '';
  #isDetached = false;

  constructor(
    jobId: string,
    jobName: string,
    notes: readonly string[],
    { client, clock, cancelsOnInterrupt }: ClusterRunOptions,
    events: RunEvents,
  ) {
    this.jobId = jobId;
    this.jobName = jobName;
    this.notes = notes;
    this.detach = cancelsOnInterrupt
      ? undefined
      : () => {
          this.#isDetached = true;
        };
    this.#client = client;
    this.#control = new ClusterJobControl(client, (line) => events.log('warn', line));
    this.#clock = clock;
    this.#events = events;
  }

  /** Followed from the first look on: nobody waits for a job that is detached. */
  get outcome(): Promise<RunOutcome> {
    this.#outcome ??= this.#follow();
    return this.#outcome;
  }

  progress(): JobProgress {
    return this.#progress;
  }

  cancel(): void {
    this.#control.cancel(this.jobId).catch((error: unknown) => {
      this.#events.log('error', `job ${this.jobId} cannot be cancelled: ${messageOf(error)}`);
    });
  }

  savepoint(folder?: string): Promise<string> {
    return this.#control.savepoint(this.jobId, folder);
  }

  stop(options: { readonly folder?: string; readonly drain: boolean }): Promise<string> {
    return this.#control.stop(this.jobId, options);
  }

  checkpoint(): Promise<string> {
    return this.#control.checkpoint(this.jobId);
  }

  async #follow(): Promise<RunOutcome> {
    for (;;) {
      const details = await this.#client.ask('GET', `/jobs/${this.jobId}`, jobDetailsSchema);
      await this.#see(details);
      if (hasEnded(details.state)) {
        return this.#ended();
      }
      if (this.#isDetached) {
        // Nobody waits for it any more.
        return new Promise(() => {});
      }
      await this.#client.pause(POLL_MS);
    }
  }

  async #see({ state, progress }: JobDetailsBody): Promise<void> {
    const path = `/jobs/${this.jobId}/checkpoints`;
    const { latest, counts } = await this.#client.ask('GET', path, checkpointsSchema);
    const { completed } = latest;
    // A leader that came since counts from 0 again.
    this.#progress = {
      status: state,
      recordsIn: Math.max(this.#progress.recordsIn, progress['records-in']),
      recordsOut: Math.max(this.#progress.recordsOut, progress['records-out']),
      lateRecordsDropped: progress['late-records-dropped'],
      restarts: progress.restarts,
      checkpoint:
        completed === null
          ? this.#progress.checkpoint
          : {
              id: completed.id,
              ageMs: Math.max(0, this.#clock.now() - completed.latest_ack_timestamp),
              sizeBytes: completed.state_size,
              durationMs: completed.end_to_end_duration,
            },
      failedCheckpoints: counts.failed,
    };
    if (progress.waiting !== this.#waiting) {
      this.#waiting = progress.waiting;
      if (progress.waiting !== '') {
        this.#events.log('warn', `job ${this.jobName} waits: ${progress.waiting}`);
      }
    }
  }

  async #ended(): Promise<RunOutcome> {
    const result = await awaitResult(this.#client, this.jobId);
    const failure = result['failure-cause'];
    const retained = result['retained-checkpoint'];
    return {
      status: endOf(result),
      durationMs: result['net-runtime'],
      isRetentionUnknown: true,
      ...(failure === undefined ? {} : { error: errorOf(failure) }),
      ...(result.savepoint === undefined ? {} : { savepoint: result.savepoint }),
      ...(retained === undefined ? {} : { retainedCheckpoint: retained }),
    };
  }
}

const errorOf = ({ class: kind, 'stack-trace': stack }: { class: string; 'stack-trace': string }): ErrorInfo => {
  const [first = kind] = stack.split('\n');
  const isOurs = first.startsWith('MillraceError: ');
  return {
    name: isOurs ? 'MillraceError' : kind,
    message: isOurs ? first.replace(/^MillraceError: /, '') : first,
    stack,
    ...(isOurs ? { code: kind } : {}),
  };
};
