import type { AttemptId } from '../../../foundation/common/ids.ts';

/**
 * What a new leader still has to hear of: attempts that its predecessor may have started, until each was reported, or
 * every TaskManager that may run them has reported, or the time is over.
 */
export class Reconciliation {
  readonly #unseen = new Set<AttemptId>();
  readonly #awaited = new Set<string>();
  #deadlineMs = Number.POSITIVE_INFINITY;
  #sawSomething = false;

  /** `awaited`: instance ids; `undefined`: it is not known who may run them. */
  begin(attempts: Iterable<AttemptId>, awaited: Iterable<string> | undefined, deadlineMs: number): void {
    for (const attempt of attempts) {
      this.#unseen.add(attempt);
    }
    for (const taskManager of awaited ?? [UNKNOWN]) {
      this.#awaited.add(taskManager);
    }
    this.#deadlineMs = deadlineMs;
  }

  get isOver(): boolean {
    return this.#unseen.size === 0;
  }

  /** When to give up; infinite when there is nothing to wait for. */
  get deadlineMs(): number {
    return this.isOver ? Number.POSITIVE_INFINITY : this.#deadlineMs;
  }

  isUnseen(attempt: AttemptId): boolean {
    return this.#unseen.has(attempt);
  }

  saw(attempt: AttemptId): void {
    this.#sawSomething = true;
    this.#unseen.delete(attempt);
  }

  /** Nobody has reported anything of the job, not even an end: it was stopped with all that ran it. */
  get sawNothing(): boolean {
    return !this.#sawSomething;
  }

  /** It told all that it runs, or it is gone. */
  heardOf(taskManager: string): void {
    this.#awaited.delete(taskManager);
  }

  /** Attempts that nobody can report any more, or not in time. */
  takeGivenUp(nowMs: number): readonly AttemptId[] {
    if (this.isOver || (this.#awaited.size > 0 && nowMs < this.#deadlineMs)) {
      return [];
    }
    const givenUp = [...this.#unseen];
    this.#unseen.clear();
    return givenUp;
  }
}

/** Never reports. */
const UNKNOWN = '';
