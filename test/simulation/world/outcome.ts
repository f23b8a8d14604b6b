import type { RareState } from './rare-states.ts';
import type { WorldName } from './sizes.ts';
import type { TraceLine } from './trace.ts';

/** What a schedule came to; it counts where each number is large enough. */
export interface Outcome {
  readonly seed: number;
  readonly world: WorldName;
  readonly virtualMs: number;
  readonly events: number;
  readonly checkpoints: number;
  readonly faults: number;
  readonly messages: number;
  readonly leaderChanges: number;
  /** `fault @ point`: how often it struck there. */
  readonly struck: ReadonlyMap<string, number>;
  readonly rare: ReadonlyMap<RareState, number>;
  /** What it was to do, as a person reads it. */
  readonly plan: readonly string[];
  readonly violation: { readonly invariant: string; readonly message: string } | undefined;
  readonly trace: readonly TraceLine[];
}
