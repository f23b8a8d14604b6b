import { checkNumeric, isBetter, type Extremum } from './extremum-state.ts';
import type { KeySelector } from './key-selector.ts';
import type { NumericField } from './numeric-field.ts';
import { Operator, type OperatorBehavior } from './operator.ts';
import { ownProcess } from './own-process.ts';

/** A running minimum or maximum by key. Its state is one number for each key. */
export class ExtremumBehavior implements OperatorBehavior {
  readonly kind: Extremum;
  readonly key: KeySelector<unknown>;
  readonly field: NumericField;

  constructor(kind: Extremum, key: KeySelector<unknown>, field: NumericField) {
    this.kind = kind;
    this.key = key;
    this.field = field;
  }

  createOperator(): ExtremumOperator {
    return new ExtremumOperator(this);
  }
}

const EXTREMUM = `(record, timestamp) => {
  const key = keyOf(record);
  const value = checkNumeric(extremum, read(record), operatorName, field);
  let best = table.get(key);
  if (best === undefined || isBetter(extremum, value, best)) {
    best = value;
    table.put(key, value);
  }
  next.process(replace(record, best), timestamp);
}`;

export class ExtremumOperator extends Operator {
  process!: (record: unknown, timestamp: number) => void;
  readonly #extremum: Extremum;
  readonly #keyOf: (value: unknown) => unknown;
  readonly #field: NumericField;

  constructor(behavior: ExtremumBehavior) {
    super();
    this.#extremum = behavior.kind;
    this.#keyOf = behavior.key.keyOf;
    this.#field = behavior.field;
  }

  override open(): void {
    const { context, next } = this;
    const extremum = this.#extremum;
    const { operatorName } = context;
    const table = context.keyedState().table<number | bigint>(extremum);
    this.process = ownProcess(
      { keyOf: this.#keyOf, table, extremum, ...this.#field, operatorName, checkNumeric, isBetter, next },
      EXTREMUM,
    );
  }
}
