import type { Mutant } from '../mutants/mutant.ts';
import { MUTANTS } from '../mutants/mutants.ts';
import type { Outcome } from '../world/outcome.ts';
import { planOf, type Plan } from '../world/plan.ts';
import { playAll } from './pool.ts';

/** Within so many schedules a mutant is caught. */
export const HUNTED_SCHEDULES = 2_000;

/** What came of one mutant; of `simulate --mutants --json`. */
export interface Hunted {
  readonly name: string;
  /** The rule that it breaks, in words, and the invariant that has to notice. */
  readonly breaks: string;
  readonly invariant: string;
  readonly isCaught: boolean;
  /** Of the schedule that caught it, with what the invariant said. */
  readonly seed?: number;
  readonly message?: string;
  /** So many were played. */
  readonly schedules: number;
  readonly seconds: number;
  /** Which other invariants noticed something before, and in how many schedules. */
  readonly others: Readonly<Record<string, number>>;
}

/** Breaks the shipped code in one way after the other, and looks which invariant notices. */
export const hunt = async (
  names: readonly string[],
  { first, count, processes }: { readonly first: number; readonly count: number; readonly processes: number },
  print: (line: string) => void,
): Promise<readonly Hunted[]> => {
  const hunted: Hunted[] = [];
  const width = Math.max(...names.map((name) => name.length));
  for (const name of names) {
    const mutant = MUTANTS[name]!;
    const { invariant: wanted, breaks, world = 'small' } = mutant;
    const beganMs = performance.now();
    const others = new Map<string, number>();
    let caught: Outcome | undefined;
    let played = 0;
    await playAll(seedsFor(mutant, first, count), {
      processes,
      world,
      mutant: name,
      heed: (outcome) => {
        played++;
        const { invariant } = outcome.violation ?? {};
        if (invariant === wanted) {
          caught ??= outcome;
        } else if (invariant !== undefined) {
          others.set(invariant, (others.get(invariant) ?? 0) + 1);
        }
        return caught === undefined;
      },
    });
    const besides = [...others].map(([invariant, times]) => `${invariant} ${times} times`).join(', ');
    hunted.push({
      name,
      breaks,
      invariant: wanted,
      isCaught: caught !== undefined,
      ...(caught === undefined ? {} : { seed: caught.seed, message: caught.violation?.message ?? '' }),
      schedules: played,
      seconds: (performance.now() - beganMs) / 1_000,
      others: Object.fromEntries(others),
    });
    print(
      `${name.padEnd(width)}  ${
        caught === undefined
          ? `NOT caught by ${wanted} in ${played} schedules`
          : `${wanted}: seed ${caught.seed}, ${caught.violation?.message}`
      }${besides === '' ? '' : ` (before: ${besides})`}`,
    );
  }
  return hunted;
};

/** So many, in ascending order, whose schedules may notice. */
const seedsFor = ({ needs, world = 'small' }: Mutant, first: number, count: number): readonly number[] => {
  const seeds: number[] = [];
  for (let seed = first; seeds.length < count; seed++) {
    if (needs === undefined || has(planOf(seed, world), needs)) {
      seeds.push(seed);
    }
  }
  return seeds;
};

const has = ({ faults, keepsCopies }: Plan, needs: NonNullable<Mutant['needs']>): boolean =>
  (keepsCopies && needs.includes('copies')) || faults.some(({ fault }) => needs.includes(fault));
