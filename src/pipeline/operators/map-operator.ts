import type { FunctionObject } from './function-object.ts';
import { FunctionOperator } from './function-operator.ts';
import type { Downstream, OperatorBehavior, OperatorContext } from './operator.ts';
import { ownProcess } from './own-process.ts';

export interface RichMapFunction<In, Out> extends FunctionObject {
  map(value: In): Out;
}

export type MapFunction<In, Out> = ((value: In) => Out) | RichMapFunction<In, Out>;

export class MapBehavior<In, Out> implements OperatorBehavior {
  readonly kind = 'map';
  readonly fn: (value: In) => Out;
  readonly functionObject: FunctionObject | undefined;

  constructor(fn: MapFunction<In, Out>) {
    this.fn = typeof fn === 'function' ? fn : fn.map.bind(fn);
    this.functionObject = typeof fn === 'function' ? undefined : fn;
  }

  createOperator(): MapOperator<In, Out> {
    return new MapOperator(this);
  }
}

export class MapOperator<In, Out> extends FunctionOperator<In, Out> {
  process!: (value: In, timestamp: number) => void;
  readonly #fn: (value: In) => Out;

  constructor(behavior: MapBehavior<In, Out>) {
    super(behavior.functionObject);
    this.#fn = behavior.fn;
  }

  override setup(context: OperatorContext, next: Downstream<Out>): void {
    super.setup(context, next);
    this.process = ownProcess({ fn: this.#fn, next }, '(value, timestamp) => { next.process(fn(value), timestamp); }');
  }
}
