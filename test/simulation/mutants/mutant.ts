import type { CodeChange } from '../../code-changes.mjs';
import type { Fault } from '../world/faults.ts';
import type { WorldName } from '../world/sizes.ts';

/** The shipped code with one rule broken. */
export interface Mutant {
  /** What it violates, and what has to notice. */
  readonly invariant: string;
  /** The rule that it breaks, in words. */
  readonly breaks: string;
  /** Whose schedules it is played in; the small one's unless said. */
  readonly world?: WorldName;
  /** What it takes to notice: only schedules that have one of these planned are played. */
  readonly needs?: readonly (Fault | 'copies')[];
  /** Of files below `src/`. */
  readonly changes: readonly CodeChange[];
}
