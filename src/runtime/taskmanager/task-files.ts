import type { Random } from '../../foundation/common/random.ts';
import type { Location } from '../../foundation/filesystem/file-systems.ts';
import { createCheckpointTarget } from '../checkpoint/checkpoint-target.ts';
import { createStateReader } from '../checkpoint/state-reader.ts';
import { createLocalFirstReader } from './local-state/local-first-reader.ts';
import type { ThreadEffects } from './task-thread.ts';

export interface TaskFilesOptions {
  readonly locate: (uri: string) => Location;
  readonly random: Random;
  /** Unless the job says another. */
  readonly inlineThresholdBytes: number;
  /** Whether a restore reads the copies of this machine first. */
  readonly readsLocal: boolean;
}

/** Where the tasks of a thread write their state, and from where they restore it. */
export const taskFiles = (options: TaskFilesOptions): Pick<ThreadEffects, 'openTarget' | 'openReader'> => {
  const { locate, random, readsLocal } = options;
  return {
    openTarget: (barrier, { tag, copies, inlineThresholdBytes = options.inlineThresholdBytes }) => {
      const { fs, path } = locate(barrier.folder);
      return createCheckpointTarget(fs, {
        folder: path,
        checkpointId: barrier.checkpointId,
        kind: barrier.checkpoint,
        inlineThresholdBytes,
        tag,
        random,
        copies,
      });
    },
    openReader: (baseFolder, copies) => {
      const { fs, path } = locate(baseFolder);
      const storage = { reader: createStateReader(fs, path), scheme: fs.scheme, folder: path };
      return createLocalFirstReader(storage, copies, readsLocal);
    },
  };
};
