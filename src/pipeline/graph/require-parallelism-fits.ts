import { MillraceError } from '../../foundation/common/errors.ts';
import type { StreamNode } from './stream-graph.ts';

/** Errors: BAD_JOB where the operator cannot run with so many subtasks, whoever wants it. */
export const requireParallelismFits = (
  { name, fixedParallelism, parallelismLimit: limit = Infinity }: StreamNode,
  parallelism: number,
): void => {
  if (fixedParallelism !== undefined && parallelism !== fixedParallelism) {
    throw new MillraceError(
      'BAD_JOB',
      `operator '${name}' sees all records in one place, so its parallelism is ${fixedParallelism} and not ` +
        `${parallelism}; use keyBy(...) and a keyed window to share the work`,
    );
  }
  if (parallelism > limit) {
    throw new MillraceError(
      'BAD_JOB',
      `source '${name}' has work for ${limit} ${limit === 1 ? 'subtask' : 'subtasks'}, not for ${parallelism}; ` +
        'set the parallelism on the operators after it',
    );
  }
};
