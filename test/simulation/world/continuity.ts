import {
  attemptId,
  compareGenerations,
  type AttemptId,
  type AttemptRef,
  type Generation,
} from '../../../src/foundation/common/ids.ts';
import { GOES_BACK, NOT_OF_TASKS, type Fault } from './faults.ts';
import { isZooKeeperFault } from './zookeeper-faults.ts';
import type { TaskManagerProcess } from './task-manager-process.ts';

interface Started {
  readonly generation: Generation;
  readonly tasks: number;
  /** All of them ran, or were done, whenever somebody began to lead. */
  isWhole: boolean;
}

/** A sink gets records all the time, whoever leads: what is between two of them, at the most. */
const GAP_MAX_MS = 2_000;

/** I9: while only JobManagers fail, nothing is started again. */
export class Continuity {
  readonly #jobs = new Map<string, Started>();
  /** Leaders have heard of their end. */
  readonly #finished = new Set<AttemptId>();
  #isDisturbed = false;
  #lastArrivalMs: number | undefined;

  /** Something was hit that tasks may notice. */
  struck(fault: Fault): void {
    this.#isDisturbed ||= !NOT_OF_TASKS.includes(fault) && !isZooKeeperFault(fault) && fault !== GOES_BACK;
  }

  /** A sink of the main job got a record, or is to get none any more. Returns what is wrong with that, if it is. */
  arrived(nowMs: number, isLast: boolean): string | undefined {
    const gapMs = nowMs - (this.#lastArrivalMs ?? nowMs);
    this.#lastArrivalMs = isLast ? undefined : nowMs;
    return gapMs > GAP_MAX_MS && !this.#isDisturbed
      ? `no record came to any sink for ${Math.round(gapMs)} ms, and only JobManagers have failed`
      : undefined;
  }

  /** A user wants it to start again, or to end. */
  asked(): void {
    this.#isDisturbed = true;
  }

  finished(attempt: AttemptId): void {
    this.#finished.add(attempt);
  }

  /** Something was started, and all of it runs, or has finished and is there. */
  isWhole(taskManagers: readonly TaskManagerProcess[]): boolean {
    const there = [...accountedFor(taskManagers)];
    return (
      this.#jobs.size > 0 &&
      [...this.#jobs].every(
        ([job, { tasks }]) => there.filter((attempt) => attempt.startsWith(`${job}/`)).length === tasks,
      )
    );
  }

  /** Somebody leads; `taskManagers`: those that live. */
  granted(taskManagers: readonly TaskManagerProcess[]): void {
    const alive = new Set([...this.#finished, ...accountedFor(taskManagers)]);
    for (const [job, started] of this.#jobs) {
      const own = [...alive].filter((attempt) => attempt.startsWith(`${job}/`));
      started.isWhole &&= own.length === started.tasks;
    }
  }

  /** What is wrong with that, if it is. `tasks`: how many the job has. */
  deployed(attempt: AttemptRef, tasks: number): string | undefined {
    const started = this.#jobs.get(attempt.job);
    if (started === undefined) {
      this.#jobs.set(attempt.job, { generation: attempt.generation, tasks, isWhole: true });
      return undefined;
    }
    if (this.#isDisturbed || !started.isWhole || compareGenerations(started.generation, attempt.generation) === 0) {
      return undefined;
    }
    return `${attemptId(attempt)} starts, and only JobManagers have failed`;
  }
}

/** What runs in them, or has finished. */
const accountedFor = (taskManagers: readonly TaskManagerProcess[]): ReadonlySet<AttemptId> =>
  new Set(
    taskManagers
      .flatMap(({ tasks }) => tasks.reports)
      .filter(({ state }) => state === 'RUNNING' || state === 'FINISHED')
      .map(({ attempt }) => attemptId(attempt)),
  );
