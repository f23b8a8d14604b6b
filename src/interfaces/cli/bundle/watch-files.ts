import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';

/** Editors write a file in several steps; they count as one change. */
const QUIET_MS = 50;

/**
 * Calls `onChange` when one of the files was changed, replaced, created or deleted, once for changes that follow each
 * other closely. Returns what ends the watching. Folders are watched instead of files, because editors replace files.
 */
export const watchFiles = (files: readonly string[], onChange: () => void, clock: Clock): (() => void) => {
  const namesByFolder = new Map<string, Set<string>>();
  for (const file of files) {
    const names = namesByFolder.get(dirname(file)) ?? new Set();
    namesByFolder.set(dirname(file), names.add(basename(file)));
  }
  let timer: TimerHandle | undefined;
  const changed = (): void => {
    timer?.cancel();
    timer = clock.after(QUIET_MS, onChange);
  };
  const watchers = [...namesByFolder].flatMap(([folder, names]) => watchFolder(folder, names, changed));
  return () => {
    timer?.cancel();
    watchers.forEach((watcher) => watcher.close());
  };
};

const watchFolder = (folder: string, names: ReadonlySet<string>, changed: () => void): readonly FSWatcher[] => {
  try {
    const watcher = watch(folder, (_event, name) => {
      // Some systems do not say which file it was.
      if (name === null || names.has(name)) {
        changed();
      }
    });
    // A folder that goes away takes its files with it.
    watcher.on('error', changed);
    return [watcher];
  } catch {
    return [];
  }
};
