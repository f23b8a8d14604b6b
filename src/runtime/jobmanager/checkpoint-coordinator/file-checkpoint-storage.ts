import type { CheckpointPointer } from '../../../coordination/completed-checkpoint-store.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { ReadAhead } from '../../../foundation/common/read-ahead.ts';
import type { Random } from '../../../foundation/common/random.ts';
import { present } from '../../../foundation/common/assert.ts';
import type { CheckpointId } from '../../../foundation/common/ids.ts';
import { fileSystemOf, uriOf, type Location } from '../../../foundation/filesystem/file-systems.ts';
import { CheckpointCleaner } from '../../checkpoint/checkpoint-cleaner.ts';
import { newSavepointFolder } from '../../checkpoint/checkpoint-layout.ts';
import { createCheckpointTarget } from '../../checkpoint/checkpoint-target.ts';
import { collectLeftOvers, type UnpointedIds } from '../../checkpoint/collect-left-overs.ts';
import { deleteSavepointFiles } from '../../checkpoint/delete-savepoint.ts';
import type { CheckpointMetadata } from '../../checkpoint/metadata.ts';
import { readCheckpoint } from '../../checkpoint/read-checkpoint.ts';
import { filesOf } from '../../checkpoint/referenced-files.ts';
import { createStateReader } from '../../checkpoint/state-reader.ts';
import { writeMetadata } from '../../checkpoint/write-metadata.ts';
import { METADATA_NAME } from '../../checkpoint/checkpoint-layout.ts';
import type { OperatorSubtaskState, StateHandle, SubtaskState } from '../../state/state-handle.ts';
import type { CheckpointStorage, CopyTarget } from './checkpoint-storage.ts';
import type { CompletedCheckpoint } from './completed-checkpoint.ts';

export interface FileCheckpointStorageOptions {
  readonly jobId: string;
  /** `<checkpoints.dir>/<job id>`, a path or URI; `undefined`: savepoints only. */
  readonly checkpointFolder: string | undefined;
  readonly inlineThresholdBytes: number;
  readonly logger: Logger;
  readonly random: Random;
  readonly locate?: (uri: string) => Location;
  /** What a standby read, by `metadataKey`. */
  readonly ahead?: ReadAhead<CheckpointMetadata> | undefined;
}

/** A pointer with another write id may name another content. */
export const metadataKey = ({ metadataPath, writeId }: CheckpointPointer): string => `${writeId} ${metadataPath}`;

/** Errors: see `readCheckpoint`. */
export const readPointedMetadata = async (
  { metadataPath, jobId, checkpointId }: CheckpointPointer,
  locate: (uri: string) => Location = fileSystemOf,
): Promise<CheckpointMetadata> => {
  const { metadata } = await readCheckpoint(metadataPath, { jobId, checkpointId, locate });
  return metadata;
};

/** Checkpoints in a file system, in the layout of docs/formats/checkpoint.md. */
export class FileCheckpointStorage implements CheckpointStorage {
  readonly #options: FileCheckpointStorageOptions;
  readonly #locate: (uri: string) => Location;
  readonly #cleaner: CheckpointCleaner | undefined;

  constructor(options: FileCheckpointStorageOptions) {
    this.#options = options;
    this.#locate = options.locate ?? fileSystemOf;
    if (options.checkpointFolder !== undefined) {
      const { fs, path } = this.#locate(options.checkpointFolder);
      this.#cleaner = new CheckpointCleaner(fs, path, options.logger);
    }
  }

  async newSavepointFolder(directory: string): Promise<string> {
    const { fs, path } = this.#locate(directory);
    const folder = newSavepointFolder(path, this.#options.jobId, this.#options.random);
    await fs.makeFolder(folder);
    return uriOf({ fs, path: folder });
  }

  async writeMetadata(folder: string, metadata: CheckpointMetadata): Promise<{ readonly metadataPath: string }> {
    const { fs, path } = this.#locate(folder);
    const written = await writeMetadata(fs, path, metadata);
    return { metadataPath: uriOf({ fs, path: written.path }) };
  }

  async readMetadata(pointer: CheckpointPointer): Promise<CheckpointMetadata> {
    return this.#options.ahead?.take(metadataKey(pointer)) ?? readPointedMetadata(pointer, this.#locate);
  }

  async copyState(fromFolder: string, to: CopyTarget, state: OperatorSubtaskState): Promise<OperatorSubtaskState> {
    const from = this.#locate(fromFolder);
    const { fs, path } = this.#locate(to.folder);
    const { random, inlineThresholdBytes } = this.#options;
    const reader = createStateReader(from.fs, from.path);
    const target = createCheckpointTarget(fs, {
      folder: path,
      checkpointId: to.checkpointId,
      kind: to.kind,
      inlineThresholdBytes,
      tag: 'carried',
      random,
    });
    const copy = async (handle: StateHandle): Promise<StateHandle> =>
      handle.kind === 'inline' ? handle : await target.writeState('shared', [await reader.read(handle)]);
    const keyed = [];
    for (const handle of state.keyed) {
      const segments = [];
      for (const segment of handle.segments) {
        segments.push({ ...segment, handle: await copy(segment.handle) });
      }
      keyed.push({ ...handle, segments });
    }
    return state.operatorState === undefined ? { keyed } : { keyed, operatorState: await copy(state.operatorState) };
  }

  async deleteCheckpoint(checkpoint: CompletedCheckpoint, retained: readonly CompletedCheckpoint[]): Promise<void> {
    const kept = retained.filter(({ kind }) => kind === 'checkpoint');
    if (this.#cleaner !== undefined && kept.length > 0) {
      await this.#cleaner.retire({
        completed: [...kept, checkpoint].map(({ checkpointId, metadata }) => ({
          checkpointId,
          files: filesOf(metadata).keys(),
        })),
        numRetained: kept.length,
        held: new Set(),
      });
    }
  }

  async deleteBroken(checkpointId: CheckpointId, retained: readonly CompletedCheckpoint[]): Promise<void> {
    const kept = retained.map((one) => ({ checkpointId: one.checkpointId, files: filesOf(one.metadata).keys() }));
    await this.#cleaner?.delete([{ checkpointId, files: [] }], kept);
  }

  async discard(
    { checkpointId, folder, savepoint }: Parameters<CheckpointStorage['discard']>[0],
    states: readonly SubtaskState[],
  ): Promise<void> {
    const operatorStates = states.flatMap((state) => Object.values(state));
    if (savepoint) {
      const { fs, path } = this.#locate(folder);
      await fs.delete(`${path}/${METADATA_NAME}`);
      await deleteSavepointFiles(fs, path, operatorStates);
    } else {
      await present(this.#cleaner, 'checkpoint folder').discardAborted(checkpointId, operatorStates);
    }
  }

  async collectLeftOvers(unpointed: UnpointedIds): Promise<void> {
    const { checkpointFolder, logger } = this.#options;
    if (checkpointFolder !== undefined) {
      await collectLeftOvers(checkpointFolder, logger, this.#locate, unpointed);
    }
  }

  async deleteAll(): Promise<void> {
    await this.#cleaner?.deleteAll();
  }
}
