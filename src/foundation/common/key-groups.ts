import { hashKey } from './key-hash.ts';

/** Inclusive on both ends; empty when `end < start`. */
export interface KeyGroupRange {
  readonly start: number;
  readonly end: number;
}

export const keyGroupOf = (key: unknown, maxParallelism: number): number => hashKey(key) % maxParallelism;

/** The subtask that owns a key group: ranges are contiguous and differ by at most one in size. */
export const subtaskOfKeyGroup = (keyGroup: number, maxParallelism: number, parallelism: number): number =>
  Math.floor((keyGroup * parallelism) / maxParallelism);

export const keyGroupRangeOf = (subtask: number, maxParallelism: number, parallelism: number): KeyGroupRange => ({
  start: Math.floor((subtask * maxParallelism + parallelism - 1) / parallelism),
  end: Math.floor(((subtask + 1) * maxParallelism - 1) / parallelism),
});
