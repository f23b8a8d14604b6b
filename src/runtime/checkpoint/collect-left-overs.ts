import { messageOf } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import { fileSystemOf } from '../../foundation/filesystem/file-systems.ts';
import type { Location } from '../../foundation/filesystem/file-systems.ts';
import { CheckpointCleaner } from './checkpoint-cleaner.ts';
import type { CompletedFiles } from './checkpoint-cleaner.ts';
import { checkpointFolderName, METADATA_NAME } from './checkpoint-layout.ts';
import { listCheckpoints, readCheckpoint } from './read-checkpoint.ts';
import { filesOf } from './referenced-files.ts';

/**
 * Deletes what killed processes left in the checkpoint folder of a job that the caller runs: files of checkpoints below
 * the newest complete one that no complete one refers to (R16). All that are complete stay, whoever may want them. Where one
 * of them cannot be read, nobody knows what it refers to, and everything stays. Never throws (I7).
 */
export const collectLeftOvers = async (
  jobFolder: string,
  logger: Logger,
  locate: (uri: string) => Location = fileSystemOf,
): Promise<void> => {
  try {
    const { fs, path } = locate(jobFolder);
    const kept: CompletedFiles[] = [];
    for (const { checkpointId, complete } of await listCheckpoints(fs, path)) {
      const place = `${jobFolder}/${checkpointFolderName(checkpointId)}/${METADATA_NAME}`;
      if (complete) {
        const { metadata } = await readCheckpoint(place, { checkpointId, locate });
        kept.push({ checkpointId, files: filesOf(metadata).keys() });
      }
    }
    await new CheckpointCleaner(fs, path, logger).collect(kept);
  } catch (error) {
    logger.warn(`what earlier runs left in ${jobFolder} stays there: ${messageOf(error)}`);
  }
};
