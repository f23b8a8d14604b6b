import type { KeySelector } from './key-selector.ts';
import { Operator, type OperatorBehavior } from './operator.ts';
import { ownProcess } from './own-process.ts';

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

const COUNT = `(value, timestamp) => {
  const key = keyOf(value);
  const count = (table.get(key) ?? 0) + 1;
  table.put(key, count);
  next.process({ key, count }, timestamp);
}`;

export class CountOperator<K, T> extends Operator<T, KeyCount<K>> {
  process!: (value: T, timestamp: number) => void;
  readonly #keyOf: (value: T) => K;

  constructor(behavior: CountBehavior<K, T>) {
    super();
    this.#keyOf = behavior.key.keyOf;
  }

  override open(): void {
    const table = this.context.keyedState().table<number>('count');
    this.process = ownProcess({ keyOf: this.#keyOf, table, next: this.next }, COUNT);
  }
}
