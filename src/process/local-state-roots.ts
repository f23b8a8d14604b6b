import { chmodSync, lstatSync, mkdirSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { messageOf, MillraceError } from '../foundation/common/errors.ts';
import type { Logger } from '../foundation/common/logger.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { checkpointingOptions } from '../foundation/config/options/checkpointing-options.ts';
import { processOptions } from '../foundation/config/options/process-options.ts';

/** `f_type` of file systems whose files take memory. */
export const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */]);

/** Where local copies of state may go: made, of this user alone. What cannot be used is left out with a warning. */
export const localStateRoots = (configuration: Configuration, logger: Logger): readonly string[] => {
  const named = configuration.get(checkpointingOptions.localBackupFolders);
  const working = configuration.get(processOptions.workingFolder);
  const temporary = configuration.get(processOptions.temporaryFolders) ?? [];
  const chosen = named ?? (working === undefined ? temporary.slice(0, 1) : [working]);
  const folders = chosen.length > 0 ? chosen : onDisk([tmpdir(), '/var/tmp']);
  if (folders.length === 0) {
    logger.info(
      'No local copies of state are kept: the folders for temporary files are in memory; ' +
        `${checkpointingOptions.localBackupFolders.key} names others`,
    );
  }
  return folders.flatMap((folder) => {
    const root = join(resolve(folder), `millrace-local-state-${process.getuid?.() ?? 'user'}`);
    try {
      makePrivate(root);
      return [root];
    } catch (error) {
      logger.warn(
        `no local copies of state are kept in ${root}: ${messageOf(error)}; name another folder with ` +
          checkpointingOptions.localBackupFolders.key,
      );
      return [];
    }
  });
};

/** The first of them that takes no memory. */
const onDisk = (folders: readonly string[]): readonly string[] => {
  const found = folders.find((folder) => {
    try {
      return !IN_MEMORY.has(statfsSync(folder).type);
    } catch {
      return false;
    }
  });
  return found === undefined ? [] : [found];
};

/** Others must not read state: also not in a folder that one of them made under this name before. */
const makePrivate = (root: string): void => {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const entry = lstatSync(root);
  if (!entry.isDirectory() || (process.getuid !== undefined && entry.uid !== process.getuid())) {
    throw new MillraceError('FILESYSTEM', 'it belongs to another user');
  }
  if ((entry.mode & 0o077) !== 0) {
    chmodSync(root, 0o700);
  }
};
