import type { AttemptId, Generation } from '../../../foundation/common/ids.ts';

export type RegionPhase =
  /** A leader before this one started it: what of it runs is asked for (R1). */
  | 'reconciling'
  /** Nothing runs: before the first start, or all attempts ended and the restart is due at `restartAtMs`. */
  | 'waiting'
  /** Its generation is being written to the job's record. */
  | 'recording'
  | 'deployed'
  /** Attempts are told to end; no new generation before each confirmed it (R1). */
  | 'cancelling'
  | 'finished';

/** Subtasks that fail and restart together. */
export interface Region {
  readonly subtasks: readonly number[];
  phase: RegionPhase;
  restartAtMs: number;
  generation: Generation | undefined;
  /** Attempts of other generations that somebody still runs: they have to end before the next start (R1). */
  readonly strays: Set<AttemptId>;
}

export const newRegion = (subtasks: readonly number[]): Region => ({
  subtasks,
  phase: 'waiting',
  restartAtMs: Number.NEGATIVE_INFINITY,
  generation: undefined,
  strays: new Set(),
});
