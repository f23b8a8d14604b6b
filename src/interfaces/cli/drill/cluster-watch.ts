import type { Clock } from '../../../foundation/common/clock.ts';
import { checkpointsSchema } from '../../rest/schema/checkpoints-schema.ts';
import { overviewSchema, type ClusterOverviewBody } from '../../rest/schema/cluster-schema.ts';
import type { JobState } from '../../rest/schema/job-state.ts';
import { jobDetailsSchema, type JobDetailsBody } from '../../rest/schema/jobs-schema.ts';
import type { RestClient } from '../cluster/rest-client.ts';

/** A JobManager whose REST endpoint is asked by itself, whoever leads. */
export interface WatchedJobManager {
  readonly name: string;
  readonly restPort: number;
  readonly client: RestClient;
}

/** Whom a JobManager takes for the leader. */
export interface LeaderAnswer {
  readonly epoch: number;
  readonly leaderPort: number | undefined;
  readonly taskManagers: number;
  /** When it was asked, milliseconds since 1970. */
  readonly askedMs: number;
}

export interface CompletedCheckpoint {
  readonly id: number;
  readonly triggeredMs: number;
  readonly completedMs: number;
}

export interface ProbeView {
  readonly state: JobState;
  /** Every task runs, or has ended for good. */
  readonly isRunning: boolean;
  readonly waiting: string;
}

const URGENT_LOOK_MS = 20;
const LOOK_MS = 200;

/** Asks every JobManager, again and again, what it takes for the truth, and the one that leads how the probe job is. */
export class ClusterWatch {
  readonly #jobManagers: readonly WatchedJobManager[];
  readonly #clock: Clock;
  readonly #answers = new Map<string, LeaderAnswer>();
  readonly #runningSince = new Map<number, number>();
  #jobId: string | undefined;
  #epoch = 0;
  #leader: string | undefined;
  #probe: ProbeView | undefined;
  #checkpoints: readonly CompletedCheckpoint[] = [];
  #isUrgent = false;
  #isClosed = false;

  constructor(jobManagers: readonly WatchedJobManager[], clock: Clock) {
    this.#jobManagers = jobManagers;
    this.#clock = clock;
    for (const jobManager of jobManagers) {
      void this.#follow(jobManager);
    }
  }

  /** The highest epoch that a JobManager named, and the name of the one that leads in it. */
  get epoch(): number {
    return this.#epoch;
  }

  get leader(): string | undefined {
    return this.#leader;
  }

  get probe(): ProbeView | undefined {
    return this.#probe;
  }

  /** Those that were seen, in the order of their completion; of two that follow each other fast one may be missing. */
  get checkpoints(): readonly CompletedCheckpoint[] {
    return this.#checkpoints;
  }

  /** When a leader of a later epoch than that first said that the probe job runs. */
  runningAfter(epoch: number): number | undefined {
    const instants = [...this.#runningSince].filter(([each]) => each > epoch).map(([, atMs]) => atMs);
    return instants.length === 0 ? undefined : Math.min(...instants);
  }

  answerOf(name: string): LeaderAnswer | undefined {
    return this.#answers.get(name);
  }

  nameOf(restPort: number | undefined): string {
    const found = this.#jobManagers.find((each) => each.restPort === restPort);
    return found?.name ?? `the JobManager with REST port ${restPort ?? 'unknown'}`;
  }

  follow(jobId: string): void {
    this.#jobId = jobId;
  }

  /** While something is measured. */
  set isUrgent(isUrgent: boolean) {
    this.#isUrgent = isUrgent;
  }

  close(): void {
    this.#isClosed = true;
  }

  async #follow(jobManager: WatchedJobManager): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#look(jobManager);
      } catch {
        // It is dead, paused, or nobody leads: that it does not answer is what there is to know.
        this.#answers.delete(jobManager.name);
      }
      await new Promise<void>((resolve) => {
        this.#clock.after(this.#isUrgent ? URGENT_LOOK_MS : LOOK_MS, resolve);
      });
    }
  }

  async #look({ name, restPort, client }: WatchedJobManager): Promise<void> {
    const askedMs = this.#clock.now();
    const overview = await client.ask('GET', '/overview', overviewSchema);
    const { epoch } = overview.leader;
    const leaderPort = portOf(overview);
    this.#answers.set(name, { epoch, leaderPort, taskManagers: overview.taskmanagers, askedMs });
    if (leaderPort !== restPort || epoch < this.#epoch) {
      return;
    }
    this.#epoch = epoch;
    this.#leader = name;
    if (this.#jobId !== undefined) {
      await this.#lookAtProbe(client, this.#jobId, epoch);
    }
  }

  async #lookAtProbe(client: RestClient, jobId: string, epoch: number): Promise<void> {
    const details = await client.ask('GET', `/jobs/${jobId}`, jobDetailsSchema);
    const { latest } = await client.ask('GET', `/jobs/${jobId}/checkpoints`, checkpointsSchema);
    if (epoch < this.#epoch) {
      return;
    }
    const isRunning = runs(details);
    this.#probe = { state: details.state, isRunning, waiting: details.progress.waiting };
    if (isRunning && !this.#runningSince.has(epoch)) {
      this.#runningSince.set(epoch, this.#clock.now());
    }
    const { completed } = latest;
    if (completed !== null && completed.id !== this.#checkpoints.at(-1)?.id) {
      const { id, trigger_timestamp: triggeredMs, latest_ack_timestamp: completedMs } = completed;
      this.#checkpoints = [...this.#checkpoints, { id, triggeredMs, completedMs }];
    }
  }
}

const portOf = ({ leader }: ClusterOverviewBody): number | undefined =>
  URL.canParse(leader['rest-address']) ? Number(new URL(leader['rest-address']).port) : undefined;

const SETTLED: ReadonlySet<string> = new Set(['RUNNING', 'FINISHED']);

const runs = (details: JobDetailsBody): boolean =>
  details.state === 'RUNNING' &&
  details.vertices.length > 0 &&
  Object.entries(details['status-counts']).every(([state, count]) => count === 0 || SETTLED.has(state));
