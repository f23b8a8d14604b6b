import type { AggregateFunction } from '../../runtime/state/keyed-state.ts';
import type { FunctionObject } from './function-object.ts';
import { FunctionOperator } from './function-operator.ts';
import type { KeySelector } from './key-selector.ts';
import type { OperatorBehavior } from './operator.ts';
import { ownProcess } from './own-process.ts';

/** A running aggregate by key: each record gives the result so far. */
export class AggregateBehavior<In, Acc, Out> implements OperatorBehavior {
  readonly kind = 'aggregate';
  readonly key: KeySelector<In>;
  readonly fn: AggregateFunction<In, Acc, Out>;
  readonly functionObject: FunctionObject;

  constructor(key: KeySelector<In>, fn: AggregateFunction<In, Acc, Out>) {
    this.key = key;
    this.fn = fn;
    this.functionObject = fn as FunctionObject;
  }

  createOperator(): AggregateOperator<In, Acc, Out> {
    return new AggregateOperator(this);
  }
}

const AGGREGATE = `(value, timestamp) => {
  const key = keyOf(value);
  const accumulator = fn.add(value, table.get(key) ?? fn.createAccumulator());
  table.put(key, accumulator);
  next.process(fn.getResult(accumulator), timestamp);
}`;

export class AggregateOperator<In, Acc, Out> extends FunctionOperator<In, Out> {
  process!: (value: In, timestamp: number) => void;
  readonly #keyOf: (value: In) => unknown;
  readonly #fn: AggregateFunction<In, Acc, Out>;

  constructor(behavior: AggregateBehavior<In, Acc, Out>) {
    super(behavior.functionObject);
    this.#keyOf = behavior.key.keyOf;
    this.#fn = behavior.fn;
  }

  override open(): void | Promise<void> {
    const table = this.context.keyedState().table<Acc>('accumulator');
    this.process = ownProcess({ keyOf: this.#keyOf, fn: this.#fn, table, next: this.next }, AGGREGATE);
    return super.open();
  }
}
