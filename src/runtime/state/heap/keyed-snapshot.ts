import { MillraceError } from '../../../foundation/common/errors.ts';
import type { PendingKeyedSnapshot } from '../snapshot.ts';
import type { CheckpointTarget, KeyedSegment, KeyedStateHandle } from '../state-handle.ts';
import { ChecksummedParts } from './checksummed-parts.ts';
import type { ChunkedList } from './chunked-list.ts';
import type { Entry } from './entry.ts';
import type { KeyOwner } from './key-owner.ts';
import { encodeSegmentHead } from './keyed-state-format.ts';
import { SegmentContent } from './segment-content.ts';
import type { SnapshotBase, SnapshotInProgress, SnapshotLedger } from './snapshot-ledger.ts';
import type { StateStore } from './state-store.ts';
import { type SliceClock, TimeSlice } from './time-slice.ts';

/** See `SliceClock`. */
const EFFORT_PER_ENTRY = 16;
/** The checksum of a byte costs less than its encoding. */
const CHECKED_BYTES_PER_EFFORT = 16;

export interface KeyedSnapshotPlan {
  readonly checkpointId: number;
  /** Builds on nothing, and nothing is built on it. */
  readonly savepoint: boolean;
  /** What the increment is built on; none: a full image. */
  readonly base: SnapshotBase | undefined;
  readonly backendId: string;
}

/** One snapshot of all stores as they were when it was made. */
export class KeyedSnapshot implements PendingKeyedSnapshot, SnapshotInProgress {
  readonly #plan: KeyedSnapshotPlan;
  readonly #ledger: SnapshotLedger;
  readonly #owner: KeyOwner;
  readonly #clock: SliceClock;
  readonly #stores: readonly StateStore[];
  readonly #removals: readonly (readonly ChunkedList<Entry>[])[];
  /** The last epoch that is part of the snapshot. */
  readonly #mark: number;
  /** The last epoch that is not, because the base has it. */
  readonly #baseMark: number;
  readonly #content: SegmentContent;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    plan: KeyedSnapshotPlan,
    stores: readonly StateStore[],
    ledger: SnapshotLedger,
    owner: KeyOwner,
    clock: SliceClock,
  ) {
    this.#plan = plan;
    this.#ledger = ledger;
    this.#owner = owner;
    this.#clock = clock;
    this.#stores = [...stores];
    this.#mark = ledger.epoch;
    this.#baseMark = plan.base?.mark ?? -1;
    this.#removals = this.#stores.map((store) => (plan.base === undefined ? [] : store.removalsSince(plan.base.mark)));
    this.#content = new SegmentContent(this.#stores, owner);
    ledger.begin(this, !plan.savepoint);
  }

  save(store: StateStore, entry: Entry): void {
    if (this.#failure === undefined && this.#needs(entry)) {
      try {
        this.#content.addEntry(store, entry);
      } catch (thrown) {
        this.#fail(thrown);
      }
    }
  }

  cancel(): void {
    this.#fail(new MillraceError('CHECKPOINT_FAILED', `checkpoint ${this.#plan.checkpointId} was cancelled`));
  }

  async write(target: CheckpointTarget, pause: () => Promise<void>): Promise<KeyedStateHandle> {
    try {
      const slice = new TimeSlice(this.#clock, pause);
      await this.#scan(slice);
      const segments = await this.#writeSegments(target, slice);
      this.#check();
      if (!this.#plan.savepoint) {
        this.#ledger.addBase(this.#plan.checkpointId, { mark: this.#mark, segments });
      }
      return {
        keyGroupStart: this.#owner.keyGroupStart,
        keyGroupEnd: this.#owner.keyGroupEnd,
        backendId: this.#plan.backendId,
        segments,
      };
    } catch (thrown) {
      this.#fail(thrown);
      throw thrown;
    } finally {
      this.#ledger.closed(this);
    }
  }

  #needs(entry: Entry): boolean {
    return entry.epoch <= this.#mark && entry.epoch > this.#baseMark && entry.savedIn <= this.#mark;
  }

  async #scan(slice: TimeSlice): Promise<void> {
    for (const [index, store] of this.#stores.entries()) {
      const entries = store.scan();
      while (!this.#scanSlice(store, entries, slice)) {
        await slice.pause();
      }
      for (const removals of this.#removals[index]!) {
        const names = removals[Symbol.iterator]();
        while (!this.#removalsSlice(store, names, slice)) {
          await slice.pause();
        }
      }
    }
    this.#check();
    this.#ledger.scanned(this);
  }

  /** Returns whether that was the last slice. */
  #scanSlice(store: StateStore, entries: Iterator<Entry, unknown>, slice: TimeSlice): boolean {
    this.#check();
    for (let next = entries.next(); next.done !== true; next = entries.next()) {
      let effort = EFFORT_PER_ENTRY;
      if (this.#needs(next.value)) {
        const before = this.#content.byteLength;
        this.#ledger.save(store, next.value);
        effort += this.#content.byteLength - before;
      }
      if (slice.spend(effort)) {
        return false;
      }
    }
    return true;
  }

  #removalsSlice(store: StateStore, removals: Iterator<Entry, unknown>, slice: TimeSlice): boolean {
    this.#check();
    for (let next = removals.next(); next.done !== true; next = removals.next()) {
      const before = this.#content.byteLength;
      this.#content.addRemoval(store, next.value);
      if (slice.spend(EFFORT_PER_ENTRY + this.#content.byteLength - before)) {
        return false;
      }
    }
    return true;
  }

  async #writeSegments(target: CheckpointTarget, slice: TimeSlice): Promise<readonly KeyedSegment[]> {
    const { base, checkpointId, savepoint } = this.#plan;
    if (base !== undefined && this.#content.byteLength === 0) {
      return base.segments;
    }
    const { parts, checksum } = await this.#pack(slice);
    const handle = await target.writeState(savepoint ? 'exclusive' : 'shared', parts, checksum);
    return [...(base?.segments ?? []), { handle, full: base === undefined, checkpointId }];
  }

  async #pack(slice: TimeSlice): Promise<ReturnType<ChecksummedParts['finish']>> {
    const head = encodeSegmentHead({
      full: this.#plan.base === undefined,
      checkpointId: this.#plan.checkpointId,
      operatorName: this.#owner.operatorName,
      maxParallelism: this.#owner.maxParallelism,
      keyGroupStart: this.#owner.keyGroupStart,
      keyGroupEnd: this.#owner.keyGroupEnd,
      states: this.#stores,
      blocks: this.#content.blocks(),
    });
    const parts = new ChecksummedParts();
    parts.add(head);
    for (const chunk of this.#content.chunks()) {
      parts.add(chunk);
      if (slice.spend(chunk.length / CHECKED_BYTES_PER_EFFORT)) {
        await slice.pause();
        this.#check();
      }
    }
    return parts.finish();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#ledger.closed(this);
  }

  #check(): void {
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
  }
}
