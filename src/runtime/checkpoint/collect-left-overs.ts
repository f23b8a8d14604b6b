import { messageOf } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import { fileSystemOf } from '../../foundation/filesystem/file-systems.ts';
import type { Location } from '../../foundation/filesystem/file-systems.ts';
import { CheckpointCleaner } from './checkpoint-cleaner.ts';
import type { CompletedFiles } from './checkpoint-cleaner.ts';
import { checkpointFolderName, METADATA_NAME } from './checkpoint-layout.ts';
import { listCheckpoints, readCheckpoint } from './read-checkpoint.ts';
import { filesOf } from './referenced-files.ts';

/** Of checkpoints: above the one, up to the other. */
export interface UnpointedIds {
  readonly above: number;
  readonly upTo: number;
}

const NONE: UnpointedIds = { above: 0, upTo: 0 };

/**
 * Deletes what killed processes left in the checkpoint folder of a job that the caller runs: files of checkpoints below
 * the newest complete one that no complete one refers to, and complete ones of `unpointed` (R16). All others that are complete stay,
 * whoever may want them. Where one of them cannot be read, nobody knows what it refers to, and everything stays. Never throws (I7).
 */
export const collectLeftOvers = async (
  jobFolder: string,
  logger: Logger,
  locate: (uri: string) => Location = fileSystemOf,
  unpointed: UnpointedIds = NONE,
): Promise<void> => {
  try {
    const { fs, path } = locate(jobFolder);
    const kept: CompletedFiles[] = [];
    const dropped: CompletedFiles[] = [];
    for (const { checkpointId, complete } of await listCheckpoints(fs, path)) {
      const place = `${jobFolder}/${checkpointFolderName(checkpointId)}/${METADATA_NAME}`;
      if (complete && checkpointId > unpointed.above && checkpointId <= unpointed.upTo) {
        dropped.push({ checkpointId, files: [] });
      } else if (complete) {
        const { metadata } = await readCheckpoint(place, { checkpointId, locate });
        kept.push({ checkpointId, files: [...filesOf(metadata).keys()] });
      }
    }
    const cleaner = new CheckpointCleaner(fs, path, logger);
    await cleaner.delete(dropped, kept);
    await cleaner.collect(kept);
  } catch (error) {
    logger.warn(`what earlier runs left in ${jobFolder} stays there: ${messageOf(error)}`);
  }
};
