import { messageOf } from '../foundation/common/errors.ts';
import type { Logger } from '../foundation/common/logger.ts';
import type { FileSystem } from '../foundation/filesystem/file-system.ts';
import { fileSystemOf } from '../foundation/filesystem/file-systems.ts';
import type { Location } from '../foundation/filesystem/file-systems.ts';
import { CheckpointCleaner } from '../runtime/checkpoint/checkpoint-cleaner.ts';
import { checkpointFolderName, METADATA_NAME } from '../runtime/checkpoint/checkpoint-layout.ts';
import { collectLeftOvers } from '../runtime/checkpoint/collect-left-overs.ts';
import { deleteSavepoint, deleteUnfinished } from '../runtime/checkpoint/delete-savepoint.ts';
import { listCheckpoints, readCheckpoint } from '../runtime/checkpoint/read-checkpoint.ts';
import type { ReadCheckpoint } from '../runtime/checkpoint/read-checkpoint.ts';
import { filesOf } from '../runtime/checkpoint/referenced-files.ts';

export interface ClaimedSnapshotOptions {
  readonly snapshot: ReadCheckpoint;
  /** The job's own checkpoints, which may be in the same folder: when it goes on under the old id. */
  readonly ownFolder: string | undefined;
  /** `execution.checkpointing.num-retained`: the claimed snapshot counts as the oldest of them. */
  readonly numRetained: number;
  readonly logger: Logger;
  readonly locate?: (uri: string) => Location;
}

/**
 * A snapshot that a job was restored from with `CLAIM`: the job deletes it as it would one of its own. The first
 * checkpoint after such a restore is complete in itself, so nothing refers to these files once there is one.
 */
export class ClaimedSnapshot {
  readonly #options: ClaimedSnapshotOptions;
  #ownCheckpoints = 0;
  #deletion: Promise<void> | undefined;

  constructor(options: ClaimedSnapshotOptions) {
    this.#options = options;
  }

  /** The pointer of a checkpoint of the job itself was written. */
  checkpointCompleted(): void {
    this.#ownCheckpoints++;
    if (this.#ownCheckpoints >= this.#options.numRetained) {
      this.#delete();
    }
  }

  /** The job ended. What it goes on from, if it does, is a checkpoint of its own, unless it never had one. */
  async ended(finished: boolean): Promise<void> {
    if (finished || this.#ownCheckpoints > 0) {
      this.#delete();
    }
    await this.#deletion;
  }

  #delete(): void {
    this.#deletion ??= this.#deleteNow().catch((error: unknown) => {
      const { snapshot, logger } = this.#options;
      logger.warn(`the claimed ${snapshot.metadata.kind} ${snapshot.folder} cannot be deleted: ${messageOf(error)}`);
    });
  }

  async #deleteNow(): Promise<void> {
    const { snapshot, locate = fileSystemOf } = this.#options;
    const { fs, path } = locate(snapshot.baseFolder);
    if (snapshot.metadata.kind === 'savepoint') {
      await deleteSavepoint(fs, path, snapshot.metadata);
    } else {
      await this.#deleteCheckpoint(fs, path);
    }
  }

  /** The pointer, then the files that no other checkpoint in the folder refers to (I3). */
  async #deleteCheckpoint(fs: FileSystem, jobFolder: string): Promise<void> {
    const { snapshot, ownFolder, logger, locate = fileSystemOf } = this.#options;
    const { checkpointId } = snapshot.metadata;
    const others = (await listCheckpoints(fs, jobFolder)).filter(
      (other) => other.complete && other.checkpointId !== checkpointId,
    );
    if (others.length === 0 && snapshot.baseFolder !== ownFolder) {
      await new CheckpointCleaner(fs, jobFolder, logger).deleteAll();
      return;
    }
    const folder = `${jobFolder}/${checkpointFolderName(checkpointId)}`;
    const files = new Set(filesOf(snapshot.metadata).keys());
    for (const other of others) {
      const { metadata } = await readCheckpoint(`${snapshot.baseFolder}/${checkpointFolderName(other.checkpointId)}`, {
        locate,
      });
      for (const file of filesOf(metadata).keys()) {
        files.delete(file);
      }
    }
    await fs.delete(`${folder}/${METADATA_NAME}`);
    for (const file of files) {
      await fs.delete(`${jobFolder}/${file}`);
    }
    await deleteUnfinished(fs, folder);
    const left = await fs.list(folder);
    if (left.length === 0) {
      await fs.deleteFolder(folder);
    }
    if (snapshot.baseFolder === ownFolder) {
      // Now there are newer ones: what a kill left of those that were to follow the snapshot is below them.
      await collectLeftOvers(ownFolder, logger, locate);
    }
  }
}
