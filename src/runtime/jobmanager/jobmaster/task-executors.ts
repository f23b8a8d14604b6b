import { attemptId, type AttemptId } from '../../../foundation/common/ids.ts';
import type {
  AttemptReport,
  Fence,
  TaskCommand,
  TaskDeployment,
  TaskExecutorGateway,
  TaskReport,
} from '../../protocol/task-commands.ts';

/** Finds the way to a TaskManager by its instance id; `undefined` when it is gone. */
export type TaskExecutorLookup = (taskManager: string) => TaskExecutorGateway | undefined;

export interface Place {
  readonly taskManager: string;
  /** As it was when its TaskManager registered. */
  readonly report: AttemptReport | undefined;
  /** What it told since then and nobody could use yet. */
  readonly told: Exclude<TaskReport, { kind: 'state' }>[];
}

/** Knows which TaskManager each attempt of a job is at, and tells it what is to be done. */
export class TaskExecutors {
  readonly #fence: Fence;
  readonly #lookup: TaskExecutorLookup;
  readonly #places = new Map<AttemptId, Place>();

  constructor(fence: Fence, lookup: TaskExecutorLookup) {
    this.#fence = fence;
    this.#lookup = lookup;
  }

  /** Returns the attempts whose TaskManager is gone. */
  deploy(taskManager: string, deployments: readonly TaskDeployment[]): readonly AttemptId[] {
    const attempts = deployments.map(({ attempt }) => attemptId(attempt));
    attempts.forEach((attempt) => this.#places.set(attempt, { taskManager, report: undefined, told: [] }));
    const gateway = this.#lookup(taskManager);
    gateway?.deploy(this.#fence, deployments);
    return gateway === undefined ? attempts : [];
  }

  /** What is meant for an attempt that nobody is known to run gets lost: its TaskManager will report it, or nobody does. */
  command(attempt: AttemptId, command: TaskCommand): void {
    const place = this.#places.get(attempt);
    if (place !== undefined) {
      this.#lookup(place.taskManager)?.command(this.#fence, attempt, command);
    }
  }

  reported(taskManager: string, report: AttemptReport): void {
    this.#places.set(attemptId(report.attempt), { taskManager, report, told: [] });
  }

  placeOf(attempt: AttemptId): Place | undefined {
    return this.#places.get(attempt);
  }

  ended(attempt: AttemptId): void {
    this.#places.delete(attempt);
  }

  at(taskManager: string): readonly AttemptId[] {
    return [...this.#places].filter(([, place]) => place.taskManager === taskManager).map(([attempt]) => attempt);
  }
}
