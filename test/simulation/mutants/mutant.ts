import type { CodeChange } from '../../code-changes.mjs';
import type { WorldName } from '../world/sizes.ts';

/** The shipped code with one rule broken. */
export interface Mutant {
  /** What it violates, and what has to notice. */
  readonly invariant: string;
  /** The rule that it breaks, in words. */
  readonly breaks: string;
  /** Whose schedules it is played in; the small one's unless said. */
  readonly world?: WorldName;
  /** Of files below `src/`. */
  readonly changes: readonly CodeChange[];
}
