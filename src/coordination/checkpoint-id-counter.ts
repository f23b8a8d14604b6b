import type { CheckpointId } from '../foundation/common/ids.ts';

/** The next checkpoint id of one job; ids are never reused (I5). Changes are conditional on leadership (I1). */
export interface CheckpointIdCounter {
  /** The highest id ever given out (R10), 0 before the first. */
  current(): Promise<number>;
  /** Counts up in the store, then resolves: nobody else gets this id any more. An unclear outcome rejects, the id is lost. */
  next(): Promise<CheckpointId>;
  /** The next id will be above this one. */
  raise(atLeast: number): Promise<void>;
}
