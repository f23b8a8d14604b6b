import type { AttemptId } from '../../../foundation/common/ids.ts';

/**
 * What a new leader still has to hear of: attempts that its predecessor may have started, until each was reported, or
 * every TaskManager that may run them has reported, or the time is over.
 */
export class Reconciliation {
  readonly #unseen = new Set<AttemptId>();
  readonly #awaited = new Set<string>();
  #deadlineMs = Number.POSITIVE_INFINITY;

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
    this.#unseen.delete(attempt);
  }

  /** It told all that it runs, or it is gone. */
  heardOf(taskManager: string): void {
    this.#awaited.delete(taskManager);
  }

  /** Attempts that nobody can report any more, or not in time. */
  takeGivenUp(nowMs: number): ReadonlySet<AttemptId> {
    if (this.isOver || (this.#awaited.size > 0 && nowMs < this.#deadlineMs)) {
      return new Set();
    }
    const givenUp = new Set(this.#unseen);
    this.#unseen.clear();
    return givenUp;
  }
}

/** Never reports. */
const UNKNOWN = '';
