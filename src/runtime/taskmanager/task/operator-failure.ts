import { MillraceError, messageOf } from '../../../foundation/common/errors.ts';

/** An error that came out of an operator. The first to know names it; outer ones pass it on. */
export class OperatorFailure extends MillraceError {
  readonly operatorName: string;

  constructor(operatorName: string, cause: unknown) {
    const what = messageOf(cause);
    super('TASK_FAILED', isNamed(operatorName, cause) ? what : `operator '${operatorName}' failed: ${what}`, { cause });
    this.operatorName = operatorName;
  }
}

export const attributeTo = (operatorName: string, thrown: unknown): OperatorFailure =>
  thrown instanceof OperatorFailure ? thrown : new OperatorFailure(operatorName, thrown);

/** Messages of the engine often name the operator already; those of users are theirs, whatever they say. */
const isNamed = (operatorName: string, cause: unknown): boolean =>
  cause instanceof MillraceError &&
  ['operator', 'sink', 'source'].some(
    (word) =>
      cause.message.includes(`${word} '${operatorName}'`) || cause.message.includes(`${word} "${operatorName}"`),
  );
