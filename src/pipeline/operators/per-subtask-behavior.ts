import type { FunctionObject } from './function-object.ts';
import type { Operator, OperatorBehavior } from './operator.ts';

/** A behavior that calls an object of the user, which may keep things in fields. */
export interface FunctionObjectBehavior extends OperatorBehavior {
  readonly kind: string;
  readonly functionObject: FunctionObject | undefined;
}

export const hasFunctionObject = (behavior: object): behavior is FunctionObjectBehavior =>
  'functionObject' in behavior && behavior.functionObject !== undefined;

/**
 * Gives each subtask a function object of its own, also where several run in one thread: the first takes the one that
 * was drawn, each further one is taken from another run of the builder.
 */
export class PerSubtaskBehavior implements OperatorBehavior {
  readonly kind: string;
  readonly #drawn: OperatorBehavior;
  readonly #drawAgain: () => OperatorBehavior;
  #isTaken = false;

  constructor(drawn: FunctionObjectBehavior, drawAgain: () => OperatorBehavior) {
    this.kind = drawn.kind;
    this.#drawn = drawn;
    this.#drawAgain = drawAgain;
  }

  createOperator(): Operator<never, unknown> {
    const behavior = this.#isTaken ? this.#drawAgain() : this.#drawn;
    this.#isTaken = true;
    return behavior.createOperator();
  }
}
