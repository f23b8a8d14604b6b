import { decodeValue, encodeValue } from '../foundation/serialization/value-codec.ts';
import type { ListStateOfOperator, OperatorStateStore } from '../runtime/state/keyed-state.ts';

type Redistribution = 'split' | 'union';

interface SavedList {
  readonly name: string;
  readonly redistribution: Redistribution;
  readonly values: readonly unknown[];
}

/** Operator state of one subtask in a test; it travels through the codec, as in a checkpoint. */
export class HarnessOperatorState implements OperatorStateStore {
  readonly #lists = new Map<string, { redistribution: Redistribution; values: unknown[] }>();

  list<T>(name: string, redistribution: Redistribution = 'split'): ListStateOfOperator<T> {
    let list = this.#lists.get(name);
    if (list === undefined) {
      list = { redistribution, values: [] };
      this.#lists.set(name, list);
    }
    const found = list;
    return {
      get: () => found.values as T[],
      update: (values) => {
        found.values = [...values];
      },
      add: (value) => {
        found.values.push(value);
      },
    };
  }

  save(): Uint8Array {
    return encodeValue([...this.#lists].map(([name, list]): SavedList => ({ name, ...list })));
  }

  /** The lists of all old subtasks, in order, as subtask `subtask` of `parallelism` gets them. */
  restore(saved: readonly Uint8Array[], subtask: number, parallelism: number): void {
    for (const { name, redistribution, values } of saved.flatMap((bytes) => decodeValue(bytes) as SavedList[])) {
      const list = this.#lists.get(name) ?? { redistribution, values: [] };
      list.values.push(...values);
      this.#lists.set(name, list);
    }
    for (const list of this.#lists.values()) {
      if (list.redistribution === 'split') {
        list.values = list.values.filter((_value, index) => index % parallelism === subtask);
      }
    }
  }
}
