import type { JobId } from '../../../foundation/common/ids.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { AttemptReport } from '../../protocol/task-commands.ts';
import { isOver } from './reported-attempts.ts';

/**
 * What runs of a job that the store does not know is cancelled (R11). One that has ended is forgotten; of any other the store was older
 * than the job when somebody put it back (R12), and nothing that runs is ended without a word.
 */
export const tellUnknown = (
  logger: Logger,
  taskManager: string,
  { jobId, hasEnded }: { readonly jobId: JobId; readonly hasEnded: boolean },
  attempts: readonly AttemptReport[],
): void => {
  const what = `Cancelling ${attempts.length} attempts at ${taskManager}: there is no job ${jobId}`;
  if (hasEnded || attempts.every(({ state }) => isOver(state))) {
    return logger.info(what);
  }
  const completed = Math.max(...attempts.map(({ completedId }) => completedId));
  const last =
    completed === 0
      ? 'no checkpoint of it was complete'
      : `its checkpoint ${completed} was complete: "millrace run --fromSavepoint" with the folder chk-${completed} goes on from it`;
  logger.warn(`${what}; was an older copy of the HA store put back, from before the job was submitted? Then ${last}`);
};
