import type { BarrierEvent } from '../../network/stream-element.ts';

/** Which checkpoints cover the end of a task, and which stop froze it. */
export class EndCoverage {
  /** Several, as one may be given up after the next one's barrier came. */
  readonly #finalIds = new Set<number>();
  /** A stop with savepoint froze the task: nothing is emitted behind its barrier. */
  #frozenBy: number | undefined;
  #isCovered = false;

  get isFrozen(): boolean {
    return this.#frozenBy !== undefined;
  }

  /** The barrier is taken. */
  add({ checkpointId, stop }: BarrierEvent, isFinal: boolean): void {
    if (isFinal) {
      this.#finalIds.add(checkpointId);
    }
    if (stop !== 'no') {
      this.#frozenBy = checkpointId;
    }
  }

  /** This checkpoint is complete. Returns whether it or an older one covers the end, which nothing takes back. */
  completed(checkpointId: number): boolean {
    this.#isCovered ||= this.#finalIds.values().some((id) => id <= checkpointId);
    return this.#isCovered;
  }

  /** Whether that lets the task go on. A new leader gives up all ids there were, the completed ones too (R10). */
  giveUp(isGivenUp: (checkpointId: number) => boolean): boolean {
    if (this.#isCovered) {
      return false;
    }
    for (const id of this.#finalIds) {
      if (isGivenUp(id)) {
        this.#finalIds.delete(id);
      }
    }
    if (this.#frozenBy === undefined || !isGivenUp(this.#frozenBy)) {
      return false;
    }
    this.#frozenBy = undefined;
    return true;
  }
}
