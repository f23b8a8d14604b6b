import type { CodeChange } from '../../code-changes.mjs';

/** The shipped code with one rule broken. */
export interface Mutant {
  /** What it violates, and what has to notice. */
  readonly invariant: string;
  /** The rule that it breaks, in words. */
  readonly breaks: string;
  /** Of files below `src/`. */
  readonly changes: readonly CodeChange[];
}
