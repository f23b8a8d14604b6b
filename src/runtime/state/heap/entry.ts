import type { Key } from '../keyed-state.ts';

/** The epoch of an entry that is no longer in its store. */
export const REMOVED = -1;

/**
 * One value of one key. An epoch is the time between two snapshots; comparing the two numbers with the mark of a
 * snapshot says whether the snapshot still needs the entry:
 *
 * - `epoch`: in which the entry was changed last; only then a snapshot has seen its present value.
 * - `savedIn`: in which the present value was last given to every snapshot that was being written. A new entry has the
 *   epoch of its birth here: no snapshot knows it while both are the current epoch.
 */
export class Entry {
  readonly key: Key;
  value: unknown;
  epoch: number;
  savedIn: number;

  constructor(key: Key, value: unknown, epoch: number) {
    this.key = key;
    this.value = value;
    this.epoch = epoch;
    this.savedIn = epoch;
  }
}

/** One value of one key and map key; of a timer: key, time and place in the order of registration. */
export class MapEntry extends Entry {
  readonly mapKey: unknown;
  next: MapEntry | undefined = undefined;

  constructor(key: Key, mapKey: unknown, value: unknown, epoch: number) {
    super(key, value, epoch);
    this.mapKey = mapKey;
  }
}
