import { z } from 'zod';
import { codeOf, MillraceError } from '../../foundation/common/errors.ts';
import type { Random } from '../../foundation/common/random.ts';
import { schemaIssues } from '../../foundation/common/schema-issues.ts';
import type { FileSystem } from '../../foundation/filesystem/file-system.ts';
import { newUuid } from '../uuid.ts';
import { LogFolder } from './log-folder.ts';
import { brokenFile, decodeStoreFile, encodeStoreFile } from './store-file.ts';
import { emptyStore } from './store-state.ts';

export interface StoreRootOptions {
  readonly fs: FileSystem;
  readonly folder: string;
  readonly random: Random;
  /** `undefined`: this process never makes the store, it waits for one that does. Rejects where a new store would be wrong (R12). */
  readonly beforeCreation: (() => Promise<void>) | undefined;
}

const rootSchema = z.object({ lineage: z.string() });

/**
 * Finds the store, or makes it: first the root with its lineage, then the empty snapshot. Several processes may do so at once, or
 * stop half way: who comes next goes on. Nobody builds on what another has not flushed yet.
 */
export const openStoreRoot = async (
  options: StoreRootOptions,
): Promise<{ readonly lineage: string; readonly folder: LogFolder }> => {
  const { fs, random, beforeCreation } = options;
  const path = `${options.folder}/root`;
  let lineage = await readRoot(fs, path);
  let isChecked = false;
  if (lineage === undefined) {
    if (beforeCreation === undefined) {
      throw notMade(options.folder);
    }
    await unlessMadeMeanwhile(beforeCreation, async () => (await readRoot(fs, path)) !== undefined);
    isChecked = true;
    lineage = await makeRoot(fs, path, newUuid(random));
  }
  const folder = new LogFolder(fs, options.folder, lineage, random);
  await folder.syncRoot();
  // A hidden name is a file that another process is about to finish.
  const isComplete = async (): Promise<boolean> =>
    (await fs.names(`${options.folder}/snapshots`)).some((name) => !name.startsWith('.'));
  if (!(await isComplete())) {
    // Nobody writes an entry before there is a snapshot, so that entries without one are what is left of a store.
    if ((await folder.highestEntry()) > 0 && !(await isComplete())) {
      throw brokenFile(`${options.folder}/snapshots`, 'there are entries in the log but no snapshot');
    }
    if (beforeCreation === undefined) {
      throw notMade(options.folder);
    }
    if (!isChecked) {
      await unlessMadeMeanwhile(beforeCreation, isComplete);
    }
    await folder.writeSnapshot(emptyStore(lineage));
  }
  await folder.syncSnapshots();
  return { lineage, folder };
};

const notMade = (folder: string): MillraceError =>
  new MillraceError(
    'STORE_AWAY',
    `there is no HA store at ${folder} yet: no JobManager of this cluster has been started there`,
    { retryable: true },
  );

/** What speaks against a new store does not count once another process has made it. */
const unlessMadeMeanwhile = async (check: () => Promise<void>, isMade: () => Promise<boolean>): Promise<void> => {
  try {
    await check();
  } catch (error) {
    if (!(await isMade())) {
      throw error;
    }
  }
};

const makeRoot = async (fs: FileSystem, path: string, lineage: string): Promise<string> => {
  try {
    await fs.write(path, encodeStoreFile('HROT', { lineage }), { ifAbsent: true });
    return lineage;
  } catch (error) {
    const made = codeOf(error) === 'FILE_EXISTS' ? await readRoot(fs, path) : undefined;
    if (made === undefined) {
      throw error;
    }
    return made;
  }
};

const readRoot = async (fs: FileSystem, path: string): Promise<string | undefined> => {
  let bytes: Uint8Array;
  try {
    bytes = await fs.read(path);
  } catch (error) {
    if (codeOf(error) === 'FILE_NOT_FOUND') {
      return undefined;
    }
    throw error;
  }
  const parsed = rootSchema.safeParse(decodeStoreFile('HROT', bytes, path));
  if (!parsed.success) {
    throw brokenFile(path, schemaIssues(parsed.error), parsed.error);
  }
  return parsed.data.lineage;
};
