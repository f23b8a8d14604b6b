import { closeFunction, openFunction, type FunctionObject } from './function-object.ts';
import { Operator } from './operator.ts';

/** The base of operators that call a function of the user, which may be an object with `open` and `close`. */
export abstract class FunctionOperator<In, Out> extends Operator<In, Out> {
  readonly #object: FunctionObject | undefined;

  constructor(object: FunctionObject | undefined) {
    super();
    this.#object = object;
  }

  override open(): void | Promise<void> {
    return openFunction(this.#object, this.context);
  }

  override snapshot(checkpointId: number): void {
    this.#object?.snapshot?.(checkpointId);
  }

  override close(): void | Promise<void> {
    return closeFunction(this.#object, this.context);
  }
}
