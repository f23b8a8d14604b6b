import type { JobId } from '../../../src/foundation/common/ids.ts';
import type { StoreName } from './store-of-world.ts';

/** A job of a schedule. */
export interface Size {
  readonly name: string;
  /**
   * - `pulled`, `at once`: counts numbers by key, whose splits are handed out one after the other, or all of them when readers register;
   * - `windowed`: sums in windows of event time, with records that come too late;
   * - `broken`: its code throws whenever it is called, it fails and is nobody else's problem (I7).
   */
  readonly kind: 'pulled' | 'at once' | 'windowed' | 'broken';
  readonly jobId: JobId;
  readonly parallelism: number;
  readonly splits: number;
  readonly records: number;
  readonly intervalMs: number;
}

/** Records of a job in a second. */
export const RATE = 1;

export const CHECKPOINT_TIMEOUT_MS = 60_000;

/** The one that users do something with. */
export const MAIN: Size = {
  name: 'counted',
  kind: 'pulled',
  jobId: 'a'.repeat(32) as JobId,
  parallelism: 2,
  splits: 8,
  records: 48,
  intervalMs: 7_000,
};
/** It goes on from a stop of the main one. */
export const RESUMED = 'b'.repeat(32) as JobId;

const OTHER: Size = {
  name: 'other',
  kind: 'windowed',
  jobId: 'c'.repeat(32) as JobId,
  parallelism: 1,
  splits: 1,
  records: 16,
  intervalMs: 7_000,
};
const THIRD: Size = {
  name: 'third',
  kind: 'at once',
  jobId: 'd'.repeat(32) as JobId,
  parallelism: 3,
  splits: 5,
  records: 60,
  intervalMs: 6_000,
};

export const BROKEN: Size = {
  name: 'broken',
  kind: 'broken',
  jobId: 'e'.repeat(32) as JobId,
  parallelism: 1,
  splits: 1,
  records: 3,
  intervalMs: 4_000,
};

export interface WorldSize {
  readonly store: StoreName;
  readonly taskManagers: readonly string[];
  /** Beside the main one; each comes later than the one before it. */
  readonly others: readonly Size[];
  /** An older copy of its HA store is put back under it (R12); nothing hits its tasks, and users leave its job alone. */
  readonly goesBack?: true;
}

const SMALL = { taskManagers: ['tm1', 'tm2'], others: [OTHER] };
const MEDIUM = { taskManagers: ['tm1', 'tm2', 'tm3', 'tm4', 'tm5'], others: [OTHER, THIRD] };

export const WORLD_SIZES = {
  small: { ...SMALL, store: 'embedded' },
  medium: { ...MEDIUM, store: 'embedded' },
  'small on ZooKeeper': { ...SMALL, store: 'zookeeper' },
  'medium on ZooKeeper': { ...MEDIUM, store: 'zookeeper' },
  'older store': { ...SMALL, others: [], store: 'embedded', goesBack: true },
} as const satisfies Record<string, WorldSize>;
export type WorldName = keyof typeof WORLD_SIZES;
