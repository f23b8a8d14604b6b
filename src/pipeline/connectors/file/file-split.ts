import type { Split } from '../source.ts';

/** The records of one file that start in `[start, end)`. */
export interface FileSplit extends Split {
  /** As the job named it: a plain path or a URI. */
  readonly path: string;
  readonly start: number;
  readonly end: number;
  /** Where the next record starts, once the split is begun. */
  readonly position?: number;
  /** How many lines of the split are read. */
  readonly lines?: number;
}

export const fileSplits = (path: string, sizeBytes: number, splitSizeBytes: number): FileSplit[] => {
  const splits: FileSplit[] = [];
  for (let start = 0; start < sizeBytes; start += splitSizeBytes) {
    splits.push({ id: `${path}@${start}`, path, start, end: Math.min(start + splitSizeBytes, sizeBytes) });
  }
  return splits;
};
