import type { FileSystem } from '../../foundation/filesystem/file-system.ts';
import type { OperatorSubtaskState } from '../state/state-handle.ts';
import { isUnfinished, METADATA_NAME } from './checkpoint-layout.ts';
import type { CheckpointMetadata } from './metadata.ts';
import { fileHandlesOf } from './referenced-files.ts';

/** Deletes a savepoint: its metadata, then its files, then its folder unless somebody put something else there. */
export const deleteSavepoint = async (fs: FileSystem, folder: string, metadata: CheckpointMetadata): Promise<void> => {
  await fs.delete(`${folder}/${METADATA_NAME}`);
  await deleteUnfinished(fs, folder);
  await deleteSavepointFiles(
    fs,
    folder,
    metadata.operators.flatMap((operator) => operator.subtasks),
  );
};

/** Nobody writes in the folder of a checkpoint or savepoint that is complete: what is unfinished there will remain so. */
export const deleteUnfinished = async (fs: FileSystem, folder: string): Promise<void> => {
  for (const { name, isFolder } of await fs.list(folder)) {
    if (!isFolder && isUnfinished(name)) {
      await fs.delete(`${folder}/${name}`);
    }
  }
};

/** Deletes what the tasks wrote for a savepoint that was not completed. */
export const deleteSavepointFiles = async (
  fs: FileSystem,
  folder: string,
  states: Iterable<OperatorSubtaskState | undefined>,
): Promise<void> => {
  for (const { path } of fileHandlesOf(states)) {
    await fs.delete(`${folder}/${path}`);
  }
  const left = await fs.list(folder);
  if (left.length === 0) {
    await fs.deleteFolder(folder);
  }
};
