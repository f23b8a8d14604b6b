import type { KeyedSegment } from '../state-handle.ts';
import type { Entry } from './entry.ts';
import type { StateStore } from './state-store.ts';

/** A snapshot that is being written and may need the present value of an entry that is about to change. */
export interface SnapshotInProgress {
  /** Encodes the entry if the snapshot needs it and does not have it. Does not throw. */
  save(store: StateStore, entry: Entry): void;
}

/** What an increment can be built on. */
export interface SnapshotBase {
  /** The last epoch that it covers. */
  readonly mark: number;
  readonly segments: readonly KeyedSegment[];
}

/** Acknowledged snapshots that are kept as possible bases while none of them is announced as completed. */
const MOST_BASES = 32;

/** The epochs of a backend: which snapshots are being written, and which may become the base of an increment. */
export class SnapshotLedger {
  #epoch = 1;
  #inProgress: SnapshotInProgress[] = [];
  /** Marks of snapshots that are not written yet and may become bases. */
  readonly #candidates = new Map<SnapshotInProgress, number>();
  readonly #bases = new Map<number, SnapshotBase>();
  #completedId: number | undefined;
  #oldestUsableMark = 0;
  #tracksRemovals = false;

  get epoch(): number {
    return this.#epoch;
  }

  /** Whether a base exists, or may come to exist, that knows entries which are removed now. */
  get tracksRemovals(): boolean {
    return this.#tracksRemovals;
  }

  /** Ends the epoch: its number is the mark of `snapshot`, which is of the state as of now. */
  begin(snapshot: SnapshotInProgress, mayBecomeBase: boolean): void {
    if (mayBecomeBase) {
      this.#tracksRemovals = true;
      this.#candidates.set(snapshot, this.#epoch);
    }
    this.#inProgress.push(snapshot);
    this.#epoch++;
  }

  /** The snapshot needs no further entries. */
  scanned(snapshot: SnapshotInProgress): void {
    this.#inProgress = this.#inProgress.filter((other) => other !== snapshot);
  }

  /** The snapshot is written, or will not be. */
  closed(snapshot: SnapshotInProgress): void {
    this.scanned(snapshot);
    this.#candidates.delete(snapshot);
  }

  /**
   * Hands the entry to every snapshot in progress. Whoever saves for one saves for all: so one number in the entry
   * says for each of them whether it has it.
   */
  save(store: StateStore, entry: Entry): void {
    for (const snapshot of this.#inProgress) {
      snapshot.save(store, entry);
    }
    entry.savedIn = this.#epoch;
  }

  base(checkpointId: number | undefined): SnapshotBase | undefined {
    return checkpointId === undefined ? undefined : this.#bases.get(checkpointId);
  }

  addBase(checkpointId: number, base: SnapshotBase): void {
    if (base.mark < this.#oldestUsableMark) {
      return;
    }
    this.#tracksRemovals = true;
    this.#bases.set(checkpointId, base);
    if (this.#bases.size > MOST_BASES) {
      const [first, second] = this.#bases.keys();
      this.#bases.delete(first === this.#completedId ? second! : first!);
    }
  }

  /** Older ones than the completed checkpoint will not be named as base again. */
  completed(checkpointId: number): void {
    if (!this.#bases.has(checkpointId)) {
      return;
    }
    this.#completedId = checkpointId;
    for (const id of this.#bases.keys()) {
      if (id < checkpointId) {
        this.#bases.delete(id);
      }
    }
  }

  /** What was removed up to this epoch no base knows, nor what may become one. */
  get oldestBaseMark(): number {
    let oldest = this.#epoch - 1;
    for (const { mark } of this.#bases.values()) {
      oldest = Math.min(oldest, mark);
    }
    for (const mark of this.#candidates.values()) {
      oldest = Math.min(oldest, mark);
    }
    return oldest;
  }

  /** From now on no removals are known since any of the bases: the next snapshot is full. */
  forgetBases(): void {
    this.#bases.clear();
    this.#oldestUsableMark = this.#epoch;
    this.#tracksRemovals = false;
  }
}
