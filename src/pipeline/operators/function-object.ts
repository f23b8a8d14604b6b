import { MillraceError } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { OperatorStateStore } from '../../runtime/state/keyed-state.ts';
import type { OperatorContext } from './operator.ts';

/** What a function object learns when it is opened in one subtask. */
export interface RuntimeContext {
  readonly jobName: string;
  readonly operatorName: string;
  readonly subtask: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly logger: Logger;
  /** Lists that belong to the subtask instead of a key. */
  readonly operatorState: OperatorStateStore;
}

/** Wherever a plain function is taken, an object with a method of the operation's name is taken too. */
export interface FunctionObject {
  /** Before the first record, state restored. */
  open?(context: RuntimeContext): void | Promise<void>;
  /** At each checkpoint: puts what the object keeps in fields into state. */
  snapshot?(checkpointId: number): void;
  close?(): void | Promise<void>;
}

/** The subtask that has an object open: two of them would overwrite each other's fields. */
const openIn = new WeakMap<FunctionObject, OperatorContext>();

export const openFunction = (
  object: FunctionObject | undefined,
  context: OperatorContext,
  extension: object = {},
): void | Promise<void> => {
  if (object?.open === undefined) {
    return;
  }
  const other = openIn.get(object);
  if (other !== undefined) {
    throw new MillraceError(
      'BAD_JOB',
      `the function object of operator '${context.operatorName}' is open already, in subtask ${other.subtask} of ` +
        `'${other.operatorName}'; create it inside the builder, one for each operator, so that each subtask has its own`,
    );
  }
  openIn.set(object, context);
  return object.open({ ...runtimeContext(context), ...extension });
};

export const closeFunction = (object: FunctionObject | undefined, context: OperatorContext): void | Promise<void> => {
  if (object === undefined) {
    return;
  }
  if (openIn.get(object) === context) {
    openIn.delete(object);
  }
  return object.close?.();
};

const runtimeContext = (context: OperatorContext): RuntimeContext => ({
  jobName: context.jobName,
  operatorName: context.operatorName,
  subtask: context.subtask,
  parallelism: context.parallelism,
  maxParallelism: context.maxParallelism,
  logger: context.logger,
  operatorState: context.operatorState,
});
