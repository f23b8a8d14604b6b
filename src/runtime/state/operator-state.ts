import { codeOf, messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { detach } from '../../foundation/serialization/detach.ts';
import type { ListStateOfOperator, OperatorStateStore } from './keyed-state.ts';
import {
  decodeOperatorState,
  encodeOperatorState,
  type OperatorStateList,
  type Redistribution,
} from './operator-state-format.ts';

/** The lists of one operator in one subtask; small, so a snapshot encodes all of them at once. */
export class OperatorState implements OperatorStateStore {
  readonly #operatorName: string;
  readonly #lists = new Map<string, List<unknown>>();

  constructor(operatorName: string) {
    this.#operatorName = operatorName;
  }

  list<T>(name: string, redistribution: Redistribution = 'split'): ListStateOfOperator<T> {
    let list = this.#lists.get(name);
    if (list === undefined) {
      list = new List(name, redistribution, []);
      this.#lists.set(name, list);
    } else if (list.redistribution !== redistribution) {
      throw new MillraceError(
        list.isRestored ? 'CHECKPOINT_MISMATCH' : 'BAD_JOB',
        `operator '${this.#operatorName}': list '${name}' is asked for as a ${redistribution} list, but it ` +
          `${list.isRestored ? 'was restored' : 'is in use'} as a ${list.redistribution} list: give one of them another name`,
      );
    }
    return list as List<T>;
  }

  /** Nothing when no list has an item. Errors: BAD_RECORD names an item that cannot be encoded. */
  snapshot(): Uint8Array<ArrayBuffer> | undefined {
    const lists = [...this.#lists.values()].filter((list) => list.items.length > 0);
    return lists.length === 0 ? undefined : encodeOperatorState(lists, `operator '${this.#operatorName}'`);
  }

  /**
   * Takes the share of `subtask` out of the states of all old subtasks, in their order; `undefined` where one had none.
   * With the old parallelism each subtask gets back the split lists that it had, with another one their items are dealt
   * out in turn.
   */
  restore(states: readonly (Uint8Array | undefined)[], subtask: number, parallelism: number): void {
    const all = new Map<string, OperatorStateList[]>();
    for (const [oldSubtask, bytes] of states.entries()) {
      for (const list of bytes === undefined ? [] : this.#decode(bytes, oldSubtask)) {
        const lists = all.get(list.name) ?? Array.from(states, () => ({ ...list, items: [] }));
        lists[oldSubtask] = list;
        all.set(list.name, lists);
      }
    }
    for (const [name, lists] of all) {
      const { redistribution } = lists[0]!;
      const items = lists.flatMap((list) => list.items);
      let own = items;
      if (redistribution === 'split') {
        own =
          states.length === parallelism
            ? [...lists[subtask]!.items]
            : items.filter((_, index) => index % parallelism === subtask);
      }
      this.#lists.set(name, new List(name, redistribution, own, true));
    }
  }

  #decode(bytes: Uint8Array, oldSubtask: number): readonly OperatorStateList[] {
    try {
      return decodeOperatorState(bytes);
    } catch (thrown) {
      const code = codeOf(thrown) === 'CHECKPOINT_NEWER_VERSION' ? 'CHECKPOINT_NEWER_VERSION' : 'CHECKPOINT_BROKEN';
      throw new MillraceError(
        code,
        `operator '${this.#operatorName}': the operator state of subtask ${oldSubtask} cannot be read: ${messageOf(thrown)}`,
        { cause: thrown },
      );
    }
  }
}

class List<T> implements ListStateOfOperator<T>, OperatorStateList {
  readonly name: string;
  readonly redistribution: Redistribution;
  readonly isRestored: boolean;
  items: T[];

  constructor(name: string, redistribution: Redistribution, items: T[], isRestored = false) {
    this.name = name;
    this.redistribution = redistribution;
    this.items = items;
    this.isRestored = isRestored;
  }

  get(): readonly T[] {
    return this.items;
  }

  update(values: readonly T[]): void {
    this.items = detach([...values]);
  }

  add(value: T): void {
    this.items.push(detach(value));
  }
}
