import type { CheckpointPointer, CompletedCheckpointStore } from '../../../coordination/completed-checkpoint-store.ts';
import { errorInfo, MillraceError } from '../../../foundation/common/errors.ts';
import { checkpointId, type JobId } from '../../../foundation/common/ids.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { Random } from '../../../foundation/common/random.ts';
import { checkpointFolderName, METADATA_NAME } from '../../checkpoint/checkpoint-layout.ts';
import type { JobGraph } from '../../../pipeline/graph/job-graph.ts';
import type { CheckpointStorage } from '../checkpoint-coordinator/checkpoint-storage.ts';
import type { RestoreBan } from '../checkpoint-coordinator/restore-ban.ts';
import { isBroken, repeats } from './older-checkpoint.ts';

/** What tasks have heard of checkpoints, and who said so. */
export interface HeardIds {
  /** The newest that is known to be complete. */
  readonly completed: number;
  /** The highest id of all. */
  readonly highest: number;
  /** What people call the TaskManager. */
  readonly taskManager: string;
  /** The newest that the store pointed to when it was heard; 0: none. */
  readonly inStore: number;
}

export interface ForgottenOptions {
  readonly jobId: JobId;
  readonly checkpoints: CompletedCheckpointStore;
  readonly checkpointFolder: string | undefined;
  readonly storage: CheckpointStorage;
  readonly random: Random;
  readonly logger: Logger;
  readonly heard?: HeardIds | undefined;
}

/**
 * The store went back (R12): points again to the checkpoint that tasks know to be complete, if its files are still there. What is
 * running goes on from nothing else: only its metadata has what enumerators had given out by then. `undefined`: it is gone, or
 * nobody has heard of a newer one. Rejects where it cannot be read or written for now.
 */
export const pointAgain = async (
  options: ForgottenOptions,
  newest: CheckpointPointer | undefined,
): Promise<CheckpointPointer | undefined> => {
  const { jobId, checkpoints, checkpointFolder, storage, random, logger, heard } = options;
  if (heard === undefined || heard.completed <= (newest?.checkpointId ?? 0) || checkpointFolder === undefined) {
    return undefined;
  }
  const pointer: CheckpointPointer = {
    jobId,
    checkpointId: checkpointId(heard.completed),
    kind: 'checkpoint',
    metadataPath: `${checkpointFolder}/${checkpointFolderName(heard.completed)}/${METADATA_NAME}`,
    baseFolder: checkpointFolder,
    writeId: random.hex(32),
  };
  try {
    await storage.readMetadata(pointer);
  } catch (thrown) {
    const error = errorInfo(thrown);
    if (!isBroken(error)) {
      throw thrown;
    }
    logger.warn(`Checkpoint ${heard.completed} of job ${jobId} is complete, and gone: ${error.message}`);
    return undefined;
  }
  const write = await checkpoints.add(pointer);
  if (write.outcome !== 'written') {
    const message = `checkpoint ${heard.completed} of job ${jobId} cannot be pointed to again: ${write.error.message}`;
    throw new MillraceError('STORE_AWAY', message, { retryable: true, cause: write.error });
  }
  logger.warn(`The HA store points to checkpoint ${heard.completed} of job ${jobId} again`);
  return pointer;
};

/** `usable`: the newest that there is to start from; 0: none. */
export const storeIsOlder = (
  { jobId, graph }: { readonly jobId: JobId; readonly graph: JobGraph },
  { completed, highest, taskManager, inStore }: HeardIds,
  usable: number,
): RestoreBan => {
  const has = inStore === 0 ? 'it has no checkpoint' : `the newest that it has is checkpoint ${inStore}`;
  const retry = `"millrace retry ${jobId}"`;
  const bringBack = `stop the JobManagers, bring the newer copy back and start them`;
  const others =
    usable === 0
      ? 'cancel the job and start it from a savepoint, for there is no checkpoint that can be used'
      : `set execution.state-recovery.allow-older-checkpoint: true for the JobManagers to start from checkpoint ${usable}: ` +
        repeats(graph, usable, completed);
  return {
    aboveId: Math.max(completed, highest),
    reason:
      `the HA store is older than what TaskManager ${taskManager} has seen: checkpoint ${completed} was complete, ${has}; ` +
      'was an older copy of its folder put back?',
    choices:
      usable >= completed
        ? `run ${retry} to start from checkpoint ${completed}, which is still there; or, if a later one was complete, ${bringBack}`
        : `${bringBack}; or ${others}`,
  };
};
