import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { source } from 'millrace/connectors/custom';

const POLL_MS = 2;

export interface PacedOptions {
  /** The configured folder, used by one run only. */
  readonly checkpoints: string;
  readonly name?: string;
  /** What has to be true, and then stays true, before the next step; after the last one, before the source ends. */
  readonly ready?: (step: number) => boolean;
}

/**
 * A source that emits its items step by step: after each step it waits until one more checkpoint is complete, so that a
 * job has a number of checkpoints that does not depend on how fast the machine is.
 */
export const paced = <T>(steps: readonly (readonly T[])[], { checkpoints, name = 'paced', ready }: PacedOptions) =>
  source({
    name,
    bounded: true,
    maxReadAhead: 1,
    read: async function* (position: number = 0, { signal }) {
      let end = 0;
      for (const [step, items] of steps.entries()) {
        const start = end;
        end += items.length;
        if (position < end) {
          for (let i = Math.max(start, position); i < end; i++) {
            yield [items[i - start] as T, i + 1] as const;
          }
        }
        if (position <= end) {
          if (step < steps.length - 1) {
            await oneMoreCheckpoint(checkpoints, signal);
          }
          await until(() => ready?.(step) !== false, signal);
        }
      }
    },
  });

/** `items` in `count` steps of about the same length. */
export const inSteps = <T>(items: readonly T[], count: number): T[][] =>
  Array.from({ length: count }, (_, step) =>
    items.slice(Math.floor((step * items.length) / count), Math.floor(((step + 1) * items.length) / count)),
  );

const oneMoreCheckpoint = (folder: string, signal: AbortSignal): Promise<void> => {
  const before = newestCheckpoint(folder);
  return until(() => newestCheckpoint(folder) > before, signal);
};

/** Returns too, whatever the condition is, when the task is to end: nothing that it would emit then goes anywhere. */
const until = async (condition: () => boolean, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted && !condition()) {
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
