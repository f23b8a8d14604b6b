import type { AttemptId, AttemptRef } from '../../../src/foundation/common/ids.ts';
import { attemptId, compareGenerations } from '../../../src/foundation/common/ids.ts';
import type { TaskCommand, TaskReport, TaskState } from '../../../src/runtime/protocol/task-commands.ts';
import { isTerminal } from '../../../src/runtime/taskmanager/attempt-ledger.ts';
import type { DiskChange } from './simulated-disk.ts';
import type { StoreOfWorld } from './store-of-world.ts';
import type { TaskManagerProcess } from './task-manager-process.ts';

/** Situations that a schedule seldom comes to; a run that never came to one of them has not tried it. */
export const RARE_STATES = [
  'takeover while a checkpoint is undecided',
  'takeover while half of the tasks are triggered',
  'takeover while half of the tasks are deployed',
  'takeover while half of the tasks are cancelled',
  'a task finishes without a leader',
  'a task fails without a leader',
  'a false alarm',
  'an abort comes before the barrier',
  'a leader that is deposed collects',
] as const;
export type RareState = (typeof RARE_STATES)[number];

interface OfJob {
  /** Tasks that a trigger went to: those of sources. */
  readonly triggered: Map<number, Set<AttemptId>>;
  sources: number;
  /** Those of the newest generation. */
  deployed: AttemptRef[];
  tasks: number;
  cancelled: Set<AttemptId>;
  newestFile: number;
  newestTrigger: number;
}

const CHECKPOINT_FILE = /^\/checkpoints\/([0-9a-f]{32})\/chk-(\d+)\/_metadata$/;

/** Sees what passes, and counts. */
export class RareStates {
  readonly counts = new Map<RareState, number>();
  readonly #store: StoreOfWorld;
  readonly #jobs = new Map<string, OfJob>();
  /** Ends that the leaders have been told of. */
  readonly #told = new Set<AttemptId>();
  readonly #acknowledged = new Set<string>();

  constructor(store: StoreOfWorld) {
    this.#store = store;
  }

  /** `sources`, `tasks`: how many its graph has. */
  deployed(attempt: AttemptRef, sources: number, tasks: number): void {
    const job = this.#job(attempt.job);
    const newest = job.deployed[0];
    if (newest !== undefined && compareGenerations(newest.generation, attempt.generation) !== 0) {
      job.deployed = [];
      job.cancelled.clear();
    }
    job.deployed.push(attempt);
    job.sources = sources;
    job.tasks = tasks;
  }

  commanded(attempt: AttemptId, command: TaskCommand): void {
    const job = this.#job(attempt.slice(0, attempt.indexOf('/')));
    if (command.kind === 'trigger') {
      const { checkpointId } = command.trigger;
      job.newestTrigger = Math.max(job.newestTrigger, checkpointId);
      const triggered = job.triggered.get(checkpointId) ?? new Set();
      job.triggered.set(checkpointId, triggered.add(attempt));
    } else if (command.kind === 'cancel') {
      job.cancelled.add(attempt);
    } else if (command.kind === 'aborted') {
      const wasTriggered = job.triggered.get(command.checkpointId)?.has(attempt) === true;
      if (!wasTriggered && !this.#acknowledged.has(`${attempt} ${command.checkpointId}`)) {
        this.#count('an abort comes before the barrier');
      }
    }
  }

  /** `isLed`: somebody leads who can hear it. */
  reported(report: TaskReport, isLed: boolean): void {
    if (report.kind === 'acknowledge') {
      this.#acknowledged.add(`${report.attempt} ${report.checkpointId}`);
    } else if (report.kind === 'state' && isTerminal(report.state)) {
      this.#told.add(report.attempt);
      if (!isLed) {
        this.#endedAlone(report.state);
      }
    }
  }

  /** Somebody leads; `taskManagers`: those that live. */
  granted(taskManagers: readonly TaskManagerProcess[]): void {
    for (const [id, job] of this.#jobs) {
      const { deployed, tasks, cancelled, triggered, sources, newestFile, newestTrigger } = job;
      if (newestFile > Math.max(0, ...this.#store.pointedTo(id)) && !this.#store.wasPointedTo(id, newestFile)) {
        this.#count('takeover while a checkpoint is undecided');
      }
      if (isHalf(triggered.get(newestTrigger)?.size ?? 0, sources)) {
        this.#count('takeover while half of the tasks are triggered');
      }
      if (isHalf(deployed.length, tasks)) {
        this.#count('takeover while half of the tasks are deployed');
      }
      if (isHalf(cancelled.size, deployed.length)) {
        this.#count('takeover while half of the tasks are cancelled');
      }
    }
    for (const { attempt, state } of taskManagers.flatMap(({ tasks }) => tasks.reports)) {
      if (isTerminal(state) && !this.#told.has(attemptId(attempt))) {
        this.#told.add(attemptId(attempt));
        this.#endedAlone(state);
      }
    }
  }

  #endedAlone(state: TaskState): void {
    if (state !== 'CANCELED') {
      this.#count(state === 'FINISHED' ? 'a task finishes without a leader' : 'a task fails without a leader');
    }
  }

  /** As the leader has them recorded. */
  falseAlarms(total: number): void {
    if (total > 0) {
      this.counts.set('a false alarm', total);
    }
  }

  changed({ process, call, path }: DiskChange): void {
    const [, job, id] = CHECKPOINT_FILE.exec(path) ?? [];
    if (job !== undefined && call !== 'removeFile') {
      this.#job(job).newestFile = Number(id);
    }
    const isRemoval = call === 'removeFile' || call === 'removeTree';
    const { leader } = this.#store;
    if (isRemoval && process.startsWith('jm') && path.startsWith('/checkpoints/') && leader !== undefined) {
      if (!leader.instanceId.startsWith(`${process}-`)) {
        this.#count('a leader that is deposed collects');
      }
    }
  }

  #count(state: RareState): void {
    this.counts.set(state, (this.counts.get(state) ?? 0) + 1);
  }

  #job(id: string): OfJob {
    const known = this.#jobs.get(id);
    if (known !== undefined) {
      return known;
    }
    const job: OfJob = {
      triggered: new Map(),
      sources: 0,
      deployed: [],
      tasks: 0,
      cancelled: new Set(),
      newestFile: 0,
      newestTrigger: 0,
    };
    this.#jobs.set(id, job);
    return job;
  }
}

const isHalf = (part: number, whole: number): boolean => part > 0 && part < whole;
