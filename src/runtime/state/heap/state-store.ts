import type { ByteReader } from '../../../foundation/common/byte-reader.ts';
import type { ByteWriter } from '../../../foundation/common/byte-writer.ts';
import type { Key } from '../keyed-state.ts';
import { ChunkedList } from './chunked-list.ts';
import { type Entry, REMOVED } from './entry.ts';
import type { KeyOwner } from './key-owner.ts';
import type { SnapshotLedger } from './snapshot-ledger.ts';
import type { StateKind } from './state-kind.ts';

/** Removals that are remembered beyond the number of entries; with more, a full snapshot is smaller. */
const SPARE_REMOVALS = 10_000;

interface EpochRemovals {
  readonly epoch: number;
  readonly entries: ChunkedList<Entry>;
}

export interface StoreContext {
  readonly operatorName: string;
  readonly ledger: SnapshotLedger;
  readonly owner: KeyOwner;
}

/** The entries of one state of one subtask, and what snapshots need to know of their changes. */
export abstract class StateStore {
  readonly name: string;
  readonly kind: StateKind;
  /** The ledger's, here for the hot path. */
  epoch: number;
  protected readonly owner: KeyOwner;
  /** Names the state in the message about a value that cannot be encoded. */
  protected readonly label: string;
  readonly #ledger: SnapshotLedger;
  #removals: EpochRemovals[] = [];
  #removalCount = 0;

  constructor(kind: StateKind, name: string, context: StoreContext) {
    this.kind = kind;
    this.name = name;
    this.#ledger = context.ledger;
    this.owner = context.owner;
    this.epoch = context.ledger.epoch;
    this.label = `state '${name}' of operator '${context.operatorName}'`;
  }

  abstract readonly size: number;

  /** Every entry that is there during the whole iteration, once or more, whatever else comes and goes meanwhile. */
  abstract scan(): Iterator<Entry, unknown>;
  abstract keys(): IterableIterator<Key>;

  abstract writeName(writer: ByteWriter, entry: Entry): void;

  writeEntry(writer: ByteWriter, entry: Entry): void {
    this.writeName(writer, entry);
    this.writeValue(writer, entry);
  }

  protected abstract writeValue(writer: ByteWriter, entry: Entry): void;

  /** Takes in one record of `writeEntry`, as an entry that is older than any snapshot. */
  abstract restoreEntry(reader: ByteReader): void;
  /** Takes in one record of `writeName`: the entry is gone. */
  abstract restoreRemoval(reader: ByteReader): void;
  /** After the last record. */
  endRestore(): void {}

  /** What was removed in the epochs after `baseMark`; complete for a `baseMark` that is that of a base. */
  removalsSince(baseMark: number): readonly ChunkedList<Entry>[] {
    return this.#removals.filter(({ epoch }) => epoch > baseMark).map(({ entries }) => entries);
  }

  dropRemovalsUpTo(mark: number): void {
    if (this.#removals.length > 0 && this.#removals[0]!.epoch <= mark) {
      this.#removals = this.#removals.filter(({ epoch }) => epoch > mark);
      this.#removalCount = this.#removals.reduce((sum, { entries }) => sum + entries.length, 0);
    }
  }

  /** To be called before the value of an entry changes, or may be changed by who gets it. */
  protected touch(entry: Entry): void {
    if (entry.epoch !== this.epoch) {
      this.#ledger.save(this, entry);
      entry.epoch = this.epoch;
      entry.savedIn = 0;
    }
  }

  /** To be called when an entry was taken out. */
  protected removed(entry: Entry): void {
    const isNew = entry.epoch === this.epoch && entry.savedIn === this.epoch;
    if (!isNew) {
      this.touch(entry);
      if (this.#ledger.tracksRemovals) {
        this.#addRemoval(entry);
      }
    }
    entry.epoch = REMOVED;
    entry.value = undefined;
  }

  #addRemoval(entry: Entry): void {
    let last = this.#removals.at(-1);
    if (last?.epoch !== this.epoch) {
      last = { epoch: this.epoch, entries: new ChunkedList() };
      this.#removals.push(last);
    }
    last.entries.push(entry);
    this.#removalCount++;
    if (this.#removalCount > this.size + SPARE_REMOVALS) {
      this.#ledger.forgetBases();
      this.#removals = [];
      this.#removalCount = 0;
    }
  }
}
