import { present } from '../../foundation/common/assert.ts';
import { isBetter, type Extremum, type Ordered } from './extremum-state.ts';
import type { FunctionObject } from './function-object.ts';
import { FunctionOperator } from './function-operator.ts';
import { fieldReader, type KeySelector } from './key-selector.ts';
import type { OperatorBehavior } from './operator.ts';
import { ownProcess } from './own-process.ts';

export interface RichReduceFunction<T> extends FunctionObject {
  reduce(a: T, b: T): T;
}

/**
 * Combines what there is so far with the next record into a new value; neither argument may be changed.
 *
 * Taken from a method, whose parameters the compiler compares both ways: with a plain function type a stream of special
 * records could not be used as a stream of general ones, since `T` goes in and comes out.
 */
export type ReduceFunction<T> = { combine(a: T, b: T): T }['combine'] | RichReduceFunction<T>;

/** A running reduce by key; also what `minBy` and `maxBy` are. */
export class ReduceBehavior<T> implements OperatorBehavior {
  readonly kind: 'reduce' | 'minBy' | 'maxBy';
  readonly key: KeySelector<T>;
  readonly fn: (a: T, b: T) => T;
  readonly functionObject: FunctionObject | undefined;

  constructor(key: KeySelector<T>, fn: ReduceFunction<T>, kind: 'reduce' | 'minBy' | 'maxBy' = 'reduce') {
    this.kind = kind;
    this.key = key;
    this.fn = typeof fn === 'function' ? fn : fn.reduce.bind(fn);
    this.functionObject = typeof fn === 'function' ? undefined : fn;
  }

  createOperator(): ReduceOperator<T> {
    return new ReduceOperator(this);
  }
}

const REDUCE = `(value, timestamp) => {
  const key = keyOf(value);
  const old = table.get(key);
  const result = old === undefined ? value : fn(old, value);
  table.put(key, result);
  next.process(result, timestamp);
}`;

export class ReduceOperator<T> extends FunctionOperator<T, T> {
  process!: (value: T, timestamp: number) => void;
  readonly #keyOf: (value: T) => unknown;
  readonly #fn: (a: T, b: T) => T;

  constructor(behavior: ReduceBehavior<T>) {
    super(behavior.functionObject);
    this.#keyOf = behavior.key.keyOf;
    this.#fn = behavior.fn;
  }

  override open(): void | Promise<void> {
    const table = this.context.keyedState().table<T>('reduced');
    this.process = ownProcess({ keyOf: this.#keyOf, fn: this.#fn, table, next: this.next }, REDUCE);
    return super.open();
  }
}

/** Keeps the record whose field is the smallest or largest; of equal ones the first. */
export const extremeRecord = <T>(extremum: Extremum, field: string): ((a: T, b: T) => T) => {
  const read = fieldReader(field) as (record: T) => Ordered | undefined;
  return (a, b) =>
    isBetter(extremum, present(read(b), `field '${field}'`), present(read(a), `field '${field}'`)) ? b : a;
};
