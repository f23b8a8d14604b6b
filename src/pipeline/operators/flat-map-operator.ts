import type { FunctionObject } from './function-object.ts';
import { FunctionOperator } from './function-operator.ts';
import type { Downstream, OperatorBehavior, OperatorContext } from './operator.ts';
import { ownProcess } from './own-process.ts';

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

const FLAT_MAP = `(value, timestamp) => {
  const results = fn(value);
  if (Array.isArray(results)) {
    // An index loop: an array needs no iterator.
    for (let i = 0; i < results.length; i++) {
      next.process(results[i], timestamp);
    }
    return;
  }
  for (const result of results) {
    next.process(result, timestamp);
  }
}`;

export class FlatMapOperator<In, Out> extends FunctionOperator<In, Out> {
  process!: (value: In, timestamp: number) => void;
  readonly #fn: (value: In) => Iterable<Out>;

  constructor(behavior: FlatMapBehavior<In, Out>) {
    super(behavior.functionObject);
    this.#fn = behavior.fn;
  }

  override setup(context: OperatorContext, next: Downstream<Out>): void {
    super.setup(context, next);
    this.process = ownProcess({ fn: this.#fn, next }, FLAT_MAP);
  }
}
