import type { AggregateFunction, Key, KeyedTable } from '../../runtime/state/keyed-state.ts';
import type { FunctionObject } from './function-object.ts';
import { FunctionOperator } from './function-operator.ts';
import type { KeySelector } from './key-selector.ts';
import type { OperatorBehavior } from './operator.ts';

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

export class AggregateOperator<In, Acc, Out> extends FunctionOperator<In, Out> {
  readonly #keyOf: (value: In) => unknown;
  readonly #fn: AggregateFunction<In, Acc, Out>;
  #table!: KeyedTable<Acc>;

  constructor(behavior: AggregateBehavior<In, Acc, Out>) {
    super(behavior.functionObject);
    this.#keyOf = behavior.key.keyOf;
    this.#fn = behavior.fn;
  }

  override open(): void | Promise<void> {
    this.#table = this.context.keyedState().table<Acc>('accumulator');
    return super.open();
  }

  process(value: In, timestamp: number): void {
    const key = this.#keyOf(value) as Key;
    const accumulator = this.#fn.add(value, this.#table.get(key) ?? this.#fn.createAccumulator());
    this.#table.put(key, accumulator);
    this.next.process(this.#fn.getResult(accumulator), timestamp);
  }
}
