import type { JobId } from '../../../src/foundation/common/ids.ts';

/** A job of a schedule. */
export interface Size {
  readonly name: string;
  readonly jobId: JobId;
  readonly parallelism: number;
  readonly splits: number;
  readonly records: number;
  readonly intervalMs: number;
}

/** Records of a job in a second. */
export const RATE = 2.4;

/** The one that users do something with. */
export const MAIN: Size = {
  name: 'counted',
  jobId: 'a'.repeat(32) as JobId,
  parallelism: 2,
  splits: 8,
  records: 120,
  intervalMs: 5_000,
};
/** It goes on from a stop of the main one. */
export const RESUMED = 'b'.repeat(32) as JobId;

const OTHER: Size = {
  name: 'other',
  jobId: 'c'.repeat(32) as JobId,
  parallelism: 1,
  splits: 2,
  records: 30,
  intervalMs: 4_000,
};
const THIRD: Size = {
  name: 'third',
  jobId: 'd'.repeat(32) as JobId,
  parallelism: 3,
  splits: 5,
  records: 60,
  intervalMs: 6_000,
};

export interface WorldSize {
  readonly taskManagers: readonly string[];
  /** Beside the main one; each comes later than the one before it. */
  readonly others: readonly Size[];
}

export const WORLD_SIZES = {
  small: { taskManagers: ['tm1', 'tm2'], others: [OTHER] },
  medium: { taskManagers: ['tm1', 'tm2', 'tm3', 'tm4', 'tm5'], others: [OTHER, THIRD] },
} as const satisfies Record<string, WorldSize>;
export type WorldName = keyof typeof WORLD_SIZES;
