import type { FunctionObject } from './function-object.ts';
import { FunctionOperator } from './function-operator.ts';
import type { OperatorBehavior } from './operator.ts';

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
  readonly #fn: (value: T) => boolean;

  constructor(behavior: FilterBehavior<T>) {
    super(behavior.functionObject);
    this.#fn = behavior.fn;
  }

  process(value: T, timestamp: number): void {
    if (this.#fn(value)) {
      this.next.process(value, timestamp);
    }
  }
}
