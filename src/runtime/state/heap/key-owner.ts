import { assert } from '../../../foundation/common/assert.ts';
import { ByteReader } from '../../../foundation/common/byte-reader.ts';
import { ByteWriter } from '../../../foundation/common/byte-writer.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { keyGroupOf } from '../../../foundation/common/key-groups.ts';
import { readValue, writeValue } from '../../../foundation/serialization/value-codec.ts';
import type { Key } from '../keyed-state.ts';
import type { KeyedBackendOptions } from '../snapshot.ts';

/** V8 makes slices of strings of this length and more. */
const SHORTEST_SLICE = 13;

/** Makes keys the property of a backend: of the right key group, and apart from the record they came in. */
export class KeyOwner {
  readonly keyGroupStart: number;
  readonly keyGroupEnd: number;
  readonly maxParallelism: number;
  readonly operatorName: string;
  readonly #copier = new ByteWriter();

  constructor(options: KeyedBackendOptions) {
    this.keyGroupStart = options.keyGroupStart;
    this.keyGroupEnd = options.keyGroupEnd;
    this.maxParallelism = options.maxParallelism;
    this.operatorName = options.operatorName;
  }

  keyGroupOf(key: Key): number {
    return keyGroupOf(key, this.maxParallelism);
  }

  /** A copy of a key that is new to a state. */
  own(key: Key): Key {
    const copy = this.ownMapKey(key);
    const group = this.keyGroupOf(key);
    assert(
      group >= this.keyGroupStart && group <= this.keyGroupEnd,
      `operator '${this.operatorName}': a key of key group ${group} came to the subtask of the key groups ` +
        `${this.keyGroupStart} to ${this.keyGroupEnd}`,
    );
    return copy as Key;
  }

  /** A copy of a map key that is new to a state. */
  ownMapKey(key: unknown): unknown {
    switch (typeof key) {
      case 'string':
        // A shorter one is no slice of a batch. The copy is flat; that of `detachString` is not.
        return key.length < SHORTEST_SLICE ? key : this.#copy(key);
      case 'object':
        return key === null ? null : this.#copy(key);
      case 'function':
      case 'symbol':
        throw new MillraceError(
          'BAD_RECORD',
          `operator '${this.operatorName}': a ${typeof key} cannot be a key of state; use a string or a number`,
        );
      default:
        return key;
    }
  }

  #copy(key: string | object): unknown {
    this.#copier.reset();
    writeValue(this.#copier, key, `a key of operator '${this.operatorName}'`);
    return readValue(new ByteReader(this.#copier.peek()));
  }
}
