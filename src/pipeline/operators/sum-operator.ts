import type { Key, KeyedTable } from '../../runtime/state/keyed-state.ts';
import type { KeySelector } from './key-selector.ts';
import type { NumericField } from './numeric-field.ts';
import { Operator, type OperatorBehavior } from './operator.ts';
import { addToSum, sumOf, type SumPlace, type SumState } from './sum-state.ts';

/** A running sum by key. Its state is one number for each key. */
export class SumBehavior implements OperatorBehavior {
  readonly kind = 'sum';
  readonly key: KeySelector<unknown>;
  readonly field: NumericField;

  constructor(key: KeySelector<unknown>, field: NumericField) {
    this.key = key;
    this.field = field;
  }

  createOperator(): SumOperator {
    return new SumOperator(this);
  }
}

export class SumOperator extends Operator {
  readonly #keyOf: (value: unknown) => unknown;
  readonly #field: NumericField;
  #table!: KeyedTable<SumState>;
  #place!: SumPlace;

  constructor(behavior: SumBehavior) {
    super();
    this.#keyOf = behavior.key.keyOf;
    this.#field = behavior.field;
  }

  override open(): void {
    this.#table = this.context.keyedState().table<SumState>('sum');
    this.#place = { operatorName: this.context.operatorName, field: this.#field.field };
  }

  process(record: unknown, timestamp: number): void {
    const key = this.#keyOf(record) as Key;
    const old = this.#table.get(key);
    const value = this.#field.read(record);
    // The way of almost all records; `addToSum` does the same and everything else.
    if (typeof old === 'number' && typeof value === 'number') {
      const sum = old + value;
      if (Number.isSafeInteger(sum)) {
        this.#table.put(key, sum);
        this.next.process(this.#field.replace(record, sum), timestamp);
        return;
      }
    }
    const sum = addToSum(old, value, this.#place);
    this.#table.put(key, sum);
    this.next.process(this.#field.replace(record, sumOf(sum)), timestamp);
  }
}
