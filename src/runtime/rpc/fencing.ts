import { MillraceError } from '../../foundation/common/errors.ts';
import type { Fence } from '../../foundation/common/fence.ts';

/** How the fence of a message compares with the newest that a process knows. */
export type FenceVerdict =
  /** The leader that is known. */
  | 'current'
  /** A later leader of the same lineage. */
  | 'newer'
  /** A deposed leader. */
  | 'older'
  /** Another lineage, or any while none is known: only the store can say which one counts (R12). */
  | 'foreign';

export const compareFence = (known: Fence | undefined, fence: Fence): FenceVerdict => {
  if (known === undefined || known.lineage !== fence.lineage) {
    return 'foreign';
  }
  return fence.epoch === known.epoch ? 'current' : fence.epoch > known.epoch ? 'newer' : 'older';
};

/** The side that is led (I2): remembers the newest leadership it has heard of and refuses any before it. */
export class NewestFence {
  #known: Fence | undefined;
  #leader: string | undefined;

  constructor(known?: Fence) {
    this.#known = known;
  }

  /** `undefined` until the store was read. */
  get known(): Fence | undefined {
    return this.#known;
  }

  /** Instance id of the process that leads under it; `undefined` until this one has registered there. */
  get leader(): string | undefined {
    return this.#leader;
  }

  registeredWith(leader: string): void {
    this.#leader = leader;
  }

  /**
   * Of a message that was pushed: a newer epoch of the known lineage counts from now on, before the message itself does
   * anything (R15). Returns whether it was newer.
   *
   * Errors: FENCED for an older epoch; FENCED and retryable for a lineage that the store has to confirm first.
   */
  admit(fence: Fence): boolean {
    switch (compareFence(this.#known, fence)) {
      case 'current':
        return false;
      case 'newer':
        this.#known = fence;
        this.#leader = undefined;
        return true;
      case 'older':
        throw new MillraceError('FENCED', `${show(fence)} is deposed: ${show(this.#known)} leads`);
      case 'foreign': {
        const known = this.#known === undefined ? 'no leader is known yet' : `${show(this.#known)} is known`;
        const message = `${show(fence)} is not followed before the HA store names its lineage; ${known}`;
        throw new MillraceError('FENCED', message, { retryable: true });
      }
    }
  }

  /**
   * Of what was read in the store, the only place where a lineage is learned (R12). Returns `lineage` when another one
   * took over (whatever runs belongs to the old one), `epoch` when a later leader did, `nothing` otherwise: a read that is
   * older than what was pushed changes nothing.
   */
  learn(fence: Fence): 'lineage' | 'epoch' | 'nothing' {
    const known = this.#known;
    if (known !== undefined && known.lineage === fence.lineage && fence.epoch <= known.epoch) {
      return 'nothing';
    }
    this.#known = fence;
    this.#leader = undefined;
    return known === undefined || known.lineage === fence.lineage ? 'epoch' : 'lineage';
  }
}

/** The side that leads (I2): a message for another leadership than its own is refused. */
export const demandOwnFence = (own: Fence, fence: Fence): void => {
  if (compareFence(own, fence) !== 'current') {
    throw new MillraceError('FENCED', `this is meant for ${show(fence)}, and this is ${show(own)}`);
  }
};

/** No cluster gets there by itself; above it there has to be room for the epochs that the store can count. */
const LARGEST_EPOCH = 2 ** 52;

/**
 * Whether a report shows that a later epoch of the same lineage exists, or that this one was another process's before
 * (`hadAnotherLeader`), so that the leader has to prove its leadership by a write and raise its epoch above it (R12).
 */
export const isChallenged = (own: Fence, reported: Fence, hadAnotherLeader = false): boolean => {
  const reportedIs = reported.epoch > LARGEST_EPOCH ? 'foreign' : compareFence(own, reported);
  return reportedIs === 'newer' || (hadAnotherLeader && reportedIs === 'current');
};

const show = (fence: Fence | undefined): string =>
  fence === undefined ? 'nobody' : `the leader of epoch ${fence.epoch} (lineage ${fence.lineage})`;
