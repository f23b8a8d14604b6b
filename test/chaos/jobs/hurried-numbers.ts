import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Source } from 'millrace';
import { source } from 'millrace/connectors/custom';

export interface HurriedNumbers {
  /** Once there is a file `hurry` in it, what is left comes at once: whoever tests decides when the job ends. */
  readonly folder: string;
  readonly count: number;
  readonly everyMs: number;
  readonly splits: number;
}

/** The numbers below `count`, in so many splits: split i has every `splits`th number from i on, one each `everyMs`. */
export const hurriedNumbers = ({ folder, count, everyMs, splits }: HurriedNumbers): Source<number> =>
  source({
    name: 'numbers',
    bounded: true,
    maxReadAhead: 16,
    splits: Array.from({ length: splits }, (_, index) => String(index)),
    read: async function* (position: number | undefined, { split, signal }) {
      let isHurried = false;
      for (let value = position ?? Number(split); value < count; value += splits) {
        isHurried ||= existsSync(`${folder}/hurry`);
        if (!isHurried) {
          await pause(everyMs, undefined, { signal });
        }
        yield [value, value + splits] as const;
      }
    },
  });
