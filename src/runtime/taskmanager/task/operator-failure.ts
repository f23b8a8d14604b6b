import { MillraceError, messageOf } from '../../../foundation/common/errors.ts';

/** An error of user code, with the operator it came out of. The first to know names it; outer ones pass it on. */
export class OperatorFailure extends MillraceError {
  readonly operatorName: string;

  constructor(operatorName: string, cause: unknown) {
    super('TASK_FAILED', `operator '${operatorName}' failed: ${messageOf(cause)}`, { cause });
    this.operatorName = operatorName;
  }
}

export const attributeTo = (operatorName: string, thrown: unknown): OperatorFailure =>
  thrown instanceof OperatorFailure ? thrown : new OperatorFailure(operatorName, thrown);
