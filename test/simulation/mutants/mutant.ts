import type { CodeChange } from '../../code-changes.mjs';
import type { StoreName } from '../world/store-of-world.ts';

/** The shipped code with one rule broken. */
export interface Mutant {
  /** What it violates, and what has to notice. */
  readonly invariant: string;
  /** The rule that it breaks, in words. */
  readonly breaks: string;
  /** Of the schedules that it is played in; embedded unless said. */
  readonly store?: StoreName;
  /** Of files below `src/`. */
  readonly changes: readonly CodeChange[];
}
