import type { Entry } from './entry.ts';
import type { KeyOwner } from './key-owner.ts';
import type { SegmentBlock } from './keyed-state-format.ts';
import { RecordBuffer } from './record-buffer.ts';
import type { StateStore } from './state-store.ts';

interface GroupContent {
  removals: RecordBuffer | undefined;
  entries: RecordBuffer | undefined;
}

/** The records of a snapshot as they are encoded, by key group and state. */
export class SegmentContent {
  readonly #stores: readonly StateStore[];
  readonly #owner: KeyOwner;
  /** By store, then by key group from the first of the backend. */
  readonly #groups = new Map<StateStore, (GroupContent | undefined)[]>();
  #byteLength = 0;

  constructor(stores: readonly StateStore[], owner: KeyOwner) {
    this.#stores = stores;
    this.#owner = owner;
    const groups = owner.keyGroupEnd - owner.keyGroupStart + 1;
    for (const store of stores) {
      this.#groups.set(store, Array.from({ length: groups }));
    }
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  addEntry(store: StateStore, entry: Entry): void {
    const group = this.#group(store, entry);
    const buffer = (group.entries ??= new RecordBuffer());
    const { writer } = buffer;
    const before = writer.length;
    try {
      store.writeEntry(writer, entry);
    } catch (thrown) {
      writer.reset(before);
      throw thrown;
    }
    this.#byteLength += writer.length - before;
    buffer.endRecord();
  }

  addRemoval(store: StateStore, entry: Entry): void {
    const group = this.#group(store, entry);
    const buffer = (group.removals ??= new RecordBuffer());
    const before = buffer.writer.length;
    store.writeName(buffer.writer, entry);
    this.#byteLength += buffer.writer.length - before;
    buffer.endRecord();
  }

  blocks(): readonly SegmentBlock[] {
    const blocks: SegmentBlock[] = [];
    for (const { keyGroup, state, removals, entries } of this.#ordered()) {
      blocks.push({
        keyGroup,
        state,
        removals: removals?.records ?? 0,
        entries: entries?.records ?? 0,
        byteLength: (removals?.byteLength ?? 0) + (entries?.byteLength ?? 0),
      });
    }
    return blocks;
  }

  /** The bytes of `blocks`; each is valid until the next write. */
  *chunks(): Generator<Uint8Array, undefined> {
    for (const { removals, entries } of this.#ordered()) {
      yield* removals?.chunks() ?? [];
      yield* entries?.chunks() ?? [];
    }
    return undefined;
  }

  *#ordered(): Generator<GroupContent & { keyGroup: number; state: number }, undefined> {
    const { keyGroupStart, keyGroupEnd } = this.#owner;
    for (let keyGroup = keyGroupStart; keyGroup <= keyGroupEnd; keyGroup++) {
      for (const [state, store] of this.#stores.entries()) {
        const content = this.#groups.get(store)?.[keyGroup - keyGroupStart];
        if (content !== undefined) {
          yield { keyGroup, state, ...content };
        }
      }
    }
    return undefined;
  }

  #group(store: StateStore, entry: Entry): GroupContent {
    const groups = this.#groups.get(store)!;
    const index = this.#owner.keyGroupOf(entry.key) - this.#owner.keyGroupStart;
    return (groups[index] ??= { removals: undefined, entries: undefined });
  }
}
