import type { Key, KeyedTable } from '../../runtime/state/keyed-state.ts';
import { checkNumeric, isBetter, type Extremum } from './extremum-state.ts';
import type { KeySelector } from './key-selector.ts';
import type { NumericField } from './numeric-field.ts';
import { Operator, type OperatorBehavior } from './operator.ts';

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

export class ExtremumOperator extends Operator {
  readonly #extremum: Extremum;
  readonly #keyOf: (value: unknown) => unknown;
  readonly #field: NumericField;
  #table!: KeyedTable<number | bigint>;

  constructor(behavior: ExtremumBehavior) {
    super();
    this.#extremum = behavior.kind;
    this.#keyOf = behavior.key.keyOf;
    this.#field = behavior.field;
  }

  override open(): void {
    this.#table = this.context.keyedState().table<number | bigint>(this.#extremum);
  }

  process(record: unknown, timestamp: number): void {
    const key = this.#keyOf(record) as Key;
    const { operatorName } = this.context;
    const value = checkNumeric(this.#extremum, this.#field.read(record), operatorName, this.#field.field);
    let best = this.#table.get(key);
    if (best === undefined || isBetter(this.#extremum, value, best)) {
      best = value;
      this.#table.put(key, value);
    }
    this.next.process(this.#field.replace(record, best), timestamp);
  }
}
