import type { FunctionObject } from './function-object.ts';
import { FunctionOperator } from './function-operator.ts';
import type { Downstream, OperatorBehavior, OperatorContext } from './operator.ts';
import { ownProcess } from './own-process.ts';

export interface RichFilterFunction<T> extends FunctionObject {
  filter(value: T): boolean;
}

export type FilterFunction<T> = ((value: T) => boolean) | RichFilterFunction<T>;

export class FilterBehavior<T> implements OperatorBehavior {
  readonly kind = 'filter';
  readonly fn: (value: T) => boolean;
  readonly functionObject: FunctionObject | undefined;

  constructor(fn: FilterFunction<T>) {
    this.fn = typeof fn === 'function' ? fn : fn.filter.bind(fn);
    this.functionObject = typeof fn === 'function' ? undefined : fn;
  }

  createOperator(): FilterOperator<T> {
    return new FilterOperator(this);
  }
}

export class FilterOperator<T> extends FunctionOperator<T, T> {
  process!: (value: T, timestamp: number) => void;
  readonly #fn: (value: T) => boolean;

  constructor(behavior: FilterBehavior<T>) {
    super(behavior.functionObject);
    this.#fn = behavior.fn;
  }

  override setup(context: OperatorContext, next: Downstream<T>): void {
    super.setup(context, next);
    this.process = ownProcess(
      { fn: this.#fn, next },
      '(value, timestamp) => { if (fn(value)) { next.process(value, timestamp); } }',
    );
  }
}
