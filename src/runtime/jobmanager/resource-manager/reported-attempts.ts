import type { JobId } from '../../../foundation/common/ids.ts';
import type { AttemptReport } from '../../protocol/task-commands.ts';

export const isOver = (state: AttemptReport['state']): boolean =>
  state === 'FINISHED' || state === 'CANCELED' || state === 'FAILED';

/** Attempts that were cancelled or failed take no slot. */
export const slotsInUse = (attempts: readonly AttemptReport[]): ReadonlyMap<number, JobId> =>
  new Map(
    attempts
      .filter(({ state }) => state !== 'CANCELED' && state !== 'FAILED')
      .map(({ slot, attempt }) => [slot, attempt.job]),
  );
