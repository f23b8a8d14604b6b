import { compareGenerations, type Generation } from '../../../foundation/common/ids.ts';
import type { AttemptReport } from '../../protocol/task-commands.ts';
import type { CheckpointCoordinator } from '../checkpoint-coordinator/checkpoint-coordinator.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import { isLiveState } from './execution.ts';
import { storeIsOlder, type HeardIds } from './forgotten-checkpoint.ts';
import type { JobMasterOptions } from './job-master-options.ts';
import { cannotGoOn } from './older-checkpoint.ts';
import type { Recovery } from './recovery.ts';
import type { RunningJobHost } from './running-job.ts';

export interface StoreAgeOptions {
  readonly job: Pick<JobMasterOptions, 'jobId' | 'graph' | 'graphVersion' | 'logger' | 'storeWentBack'>;
  readonly execution: ExecutionGraph;
  readonly recovery: Recovery;
  readonly coordinator: CheckpointCoordinator;
  readonly host: Pick<RunningJobHost, 'setAside' | 'restoreRefused'>;
}

/** Whether the store is as new as what TaskManagers report: else an older copy of it was put back (R12). */
export class StoreAge {
  readonly #options: StoreAgeOptions;
  /** The newest checkpoint that was complete, as the store or this leader has it. What is given up later stays known. */
  #completed: number;
  #hasDeployed = false;

  constructor(options: StoreAgeOptions) {
    this.#options = options;
    const { newestId, initial, heard } = options.recovery;
    this.#completed = Math.max(newestId, initial?.point.metadata.checkpointId ?? 0, heard?.completed ?? 0);
  }

  /** Something of the job starts under this JobMaster: nobody starts over any more. */
  deployed(): void {
    this.#hasDeployed = true;
  }

  /**
   * Before anything is made of what `name` reports. Where the store went back, another JobMaster goes on from here, which knows what
   * was heard; where it does not even know what runs, the job is set aside.
   */
  reported(name: string, attempts: readonly AttemptReport[]): void {
    const { job, coordinator, host } = this.#options;
    const counted = attempts.filter((report) => this.#counts(report));
    const completed = Math.max(0, ...counted.map(({ completedId }) => completedId));
    const highest = Math.max(completed, ...counted.map(({ highestId }) => highestId));
    const known = Math.max(this.#completed, ...coordinator.pointedTo);
    const isNewer = completed > known;
    const heard: HeardIds = { completed, highest, taskManager: name, inStore: known };
    if (!this.#hasDeployed && (isNewer || highest > coordinator.floor) && job.storeWentBack !== undefined) {
      const message =
        `the HA store is older than what TaskManager ${name} has seen, checkpoint ids up to ${highest}; ` +
        `the JobMaster of job ${job.jobId} starts over above them`;
      job.logger.warn(message);
      job.storeWentBack(this.#together(heard, isNewer));
      return host.setAside({ name: 'MillraceError', code: 'JOB_SET_ASIDE', message });
    }
    this.#completed = Math.max(known, completed);
    if (isNewer) {
      const usable = coordinator.completed.at(-1)?.checkpointId ?? 0;
      coordinator.handle({ kind: 'restores-banned', ban: storeIsOlder(job, heard, usable) });
    }
    if (!this.#hasDeployed) {
      this.#requireKnown(counted);
    }
  }

  /** With what was heard before. */
  #together(heard: HeardIds, isNewer: boolean): HeardIds {
    const { heard: before, newestId } = this.#options.recovery;
    const inStore = before?.inStore ?? newestId;
    const completed = isNewer ? heard.completed : (before?.completed ?? 0);
    return { ...heard, inStore, completed, highest: Math.max(heard.highest, before?.highest ?? 0) };
  }

  /** Later starts than those that the store has are of no use to it, and of great use to one that is brought back. */
  #requireKnown(attempts: readonly AttemptReport[]): void {
    const { coordinator, recovery, host } = this.#options;
    const ban = coordinator.restoreBan;
    if (ban !== undefined && recovery.heard !== undefined) {
      const later = attempts.filter((report) => isLiveState(report.state) && this.#isLater(report));
      if (later.length > 0) {
        const what = `the ${later.length} tasks that run there were started later than the store knows`;
        host.restoreRefused({ name: 'MillraceError', code: 'JOB_SET_ASIDE', message: cannotGoOn(ban, what) });
      }
    }
  }

  /** What was given up for a later start, of an older checkpoint too where that was allowed, says nothing of the store. */
  #counts({ attempt }: AttemptReport): boolean {
    const { graphVersion } = this.#options.job;
    const recorded = this.#recordedFor(attempt);
    return (
      attempt.graphVersion > graphVersion ||
      (attempt.graphVersion === graphVersion &&
        (recorded === undefined || compareGenerations(attempt.generation, recorded) >= 0))
    );
  }

  #isLater({ attempt }: AttemptReport): boolean {
    const recorded = this.#recordedFor(attempt);
    return (
      attempt.graphVersion > this.#options.job.graphVersion ||
      recorded === undefined ||
      compareGenerations(attempt.generation, recorded) > 0
    );
  }

  #recordedFor({ vertex, subtask, graphVersion }: AttemptReport['attempt']): Generation | undefined {
    const { job, execution, recovery } = this.#options;
    if (graphVersion !== job.graphVersion) {
      return undefined;
    }
    const { region } = execution.subtask(execution.indexOf(vertex, subtask));
    return recovery.started.regions.get(region)?.generation;
  }
}
