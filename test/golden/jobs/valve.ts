import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { source } from 'millrace/connectors/custom';

const POLL_MS = 2;

export interface ValveRecord {
  readonly split: string;
  readonly index: number;
}

/**
 * A source that a test opens: each split emits records 0, 1, ... as far as the number in the file `<name>` of the folder
 * says, and ends once a file `<name>.end` is there. See `Valve`.
 */
export const valve = (folder: string, name: string, splits: readonly string[] = ['0']) =>
  source({
    name,
    splits,
    maxReadAhead: 1,
    read: async function* (position: number = 0, { split, signal }) {
      for (let index = position; !signal.aborted;) {
        const isLast = existsSync(join(folder, `${name}.end`));
        for (const limit = limitIn(join(folder, name)); index < limit; index++) {
          yield [{ split, index } satisfies ValveRecord, index + 1] as const;
        }
        if (isLast) {
          return;
        }
        await sleep(POLL_MS);
      }
    },
  });

const limitIn = (file: string): number => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0);
