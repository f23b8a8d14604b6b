import { codeOf } from '../../foundation/common/errors.ts';
import type { LogFolder } from './log-folder.ts';
import { StoreState } from './store-state.ts';

/** The newest that can be read: all entries after the second newest are kept for the case that the newest is broken. */
export const newestSnapshot = async (folder: LogFolder, found: readonly number[]): Promise<StoreState> => {
  let snapshots = found;
  for (;;) {
    let broken: unknown;
    for (const number of snapshots.slice(-2).toReversed()) {
      try {
        const image = await folder.readSnapshot(number);
        if (image !== undefined) {
          return new StoreState(image);
        }
      } catch (error) {
        if (codeOf(error) !== 'STORE_BROKEN') {
          throw error;
        }
        broken ??= error;
      }
    }
    if (broken !== undefined) {
      throw broken;
    }
    snapshots = await folder.snapshots();
  }
};
