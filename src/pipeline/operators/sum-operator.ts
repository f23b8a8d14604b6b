import type { KeySelector } from './key-selector.ts';
import type { NumericField } from './numeric-field.ts';
import { Operator, type OperatorBehavior } from './operator.ts';
import { ownProcess } from './own-process.ts';
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

const SUM = `(record, timestamp) => {
  const key = keyOf(record);
  const old = table.get(key);
  const value = read(record);
  // The way of almost all records; 'addToSum' does the same and everything else.
  if (typeof old === 'number' && typeof value === 'number') {
    const sum = old + value;
    if (Number.isSafeInteger(sum)) {
      table.put(key, sum);
      next.process(replace(record, sum), timestamp);
      return;
    }
  }
  const sum = addToSum(old, value, place);
  table.put(key, sum);
  next.process(replace(record, sumOf(sum)), timestamp);
}`;

export class SumOperator extends Operator {
  process!: (record: unknown, timestamp: number) => void;
  readonly #keyOf: (value: unknown) => unknown;
  readonly #field: NumericField;

  constructor(behavior: SumBehavior) {
    super();
    this.#keyOf = behavior.key.keyOf;
    this.#field = behavior.field;
  }

  override open(): void {
    const { context, next } = this;
    const { field, read, replace } = this.#field;
    const table = context.keyedState().table<SumState>('sum');
    const place: SumPlace = { operatorName: context.operatorName, field };
    this.process = ownProcess({ keyOf: this.#keyOf, table, read, replace, addToSum, sumOf, place, next }, SUM);
  }
}
