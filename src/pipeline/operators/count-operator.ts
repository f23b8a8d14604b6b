import type { Key, KeyedTable } from '../../runtime/state/keyed-state.ts';
import type { KeySelector } from './key-selector.ts';
import { Operator, type OperatorBehavior } from './operator.ts';

/** How many records a key has so far. */
export interface KeyCount<K> {
  readonly key: K;
  readonly count: number;
}

export class CountBehavior<K, T> implements OperatorBehavior {
  readonly kind = 'count';
  readonly key: KeySelector<T, K>;

  constructor(key: KeySelector<T, K>) {
    this.key = key;
  }

  createOperator(): CountOperator<K, T> {
    return new CountOperator(this);
  }
}

export class CountOperator<K, T> extends Operator<T, KeyCount<K>> {
  readonly #keyOf: (value: T) => K;
  #table!: KeyedTable<number>;

  constructor(behavior: CountBehavior<K, T>) {
    super();
    this.#keyOf = behavior.key.keyOf;
  }

  override open(): void {
    this.#table = this.context.keyedState().table<number>('count');
  }

  process(value: T, timestamp: number): void {
    const key = this.#keyOf(value);
    const count = (this.#table.get(key as Key) ?? 0) + 1;
    this.#table.put(key as Key, count);
    this.next.process({ key, count }, timestamp);
  }
}
