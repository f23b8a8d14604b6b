import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { source } from 'millrace/connectors/custom';

const POLL_MS = 2;

/**
 * A source that emits `items` in steps: after each `every` of them it waits until one more checkpoint is complete, so that
 * a job has a number of checkpoints that does not depend on how fast the machine is. `checkpoints` is the configured
 * folder, used by one run only.
 */
export const paced = <T>(
  items: readonly T[],
  {
    checkpoints,
    every,
    name = 'paced',
  }: { readonly checkpoints: string; readonly every: number; readonly name?: string },
) =>
  source({
    name,
    bounded: true,
    maxReadAhead: 1,
    read: async function* (position: number = 0) {
      for (let i = position; i < items.length; i++) {
        yield [items[i]!, i + 1] as const;
        if ((i + 1) % every === 0 && i + 1 < items.length) {
          await oneMoreCheckpoint(checkpoints);
        }
      }
    },
  });

const oneMoreCheckpoint = async (folder: string): Promise<void> => {
  const before = newestCheckpoint(folder);
  while (newestCheckpoint(folder) <= before) {
    await sleep(POLL_MS);
  }
};

/** The highest id of a complete checkpoint in the folders of jobs below `folder`; 0 without one. */
const newestCheckpoint = (folder: string): number => {
  let newest = 0;
  for (const jobId of entries(folder)) {
    for (const name of entries(join(folder, jobId))) {
      const id = Number(/^chk-(\d+)$/.exec(name)?.[1] ?? 0);
      const metadata = join(folder, jobId, name, '_metadata');
      if (id > newest && statSync(metadata, { throwIfNoEntry: false }) !== undefined) {
        newest = id;
      }
    }
  }
  return newest;
};

const entries = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    // Not there yet, or just deleted.
    return [];
  }
};
