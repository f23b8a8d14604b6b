import type { FunctionObject } from './function-object.ts';
import { FunctionOperator } from './function-operator.ts';
import type { OperatorBehavior } from './operator.ts';

export interface RichFlatMapFunction<In, Out> extends FunctionObject {
  flatMap(value: In): Iterable<Out>;
}

export type FlatMapFunction<In, Out> = ((value: In) => Iterable<Out>) | RichFlatMapFunction<In, Out>;

export class FlatMapBehavior<In, Out> implements OperatorBehavior {
  readonly kind = 'flatMap';
  readonly fn: (value: In) => Iterable<Out>;
  readonly functionObject: FunctionObject | undefined;

  constructor(fn: FlatMapFunction<In, Out>) {
    this.fn = typeof fn === 'function' ? fn : fn.flatMap.bind(fn);
    this.functionObject = typeof fn === 'function' ? undefined : fn;
  }

  createOperator(): FlatMapOperator<In, Out> {
    return new FlatMapOperator(this);
  }
}

export class FlatMapOperator<In, Out> extends FunctionOperator<In, Out> {
  readonly #fn: (value: In) => Iterable<Out>;

  constructor(behavior: FlatMapBehavior<In, Out>) {
    super(behavior.functionObject);
    this.#fn = behavior.fn;
  }

  process(value: In, timestamp: number): void {
    const results = this.#fn(value);
    const next = this.next;
    if (Array.isArray(results)) {
      // An index loop: an array needs no iterator.
      for (let i = 0; i < results.length; i++) {
        next.process(results[i] as Out, timestamp);
      }
      return;
    }
    for (const result of results) {
      next.process(result, timestamp);
    }
  }
}
