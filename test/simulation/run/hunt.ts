import { MUTANTS } from '../mutants/mutants.ts';
import type { Outcome } from '../world/schedule.ts';
import { playAll } from './pool.ts';

/** Within so many schedules a mutant is caught. */
const SCHEDULES = 2_000;

/** Breaks the shipped code in one way after the other, and looks which invariant notices. Whether all were caught by theirs. */
export const hunt = async (
  names: readonly string[],
  first: number,
  processes: number,
  print: (line: string) => void,
): Promise<boolean> => {
  let areCaught = true;
  const width = Math.max(...names.map((name) => name.length));
  for (const name of names) {
    const wanted = MUTANTS[name]?.invariant;
    const others = new Map<string, number>();
    let caught: Outcome | undefined;
    let played = 0;
    await playAll(
      Array.from({ length: SCHEDULES }, (_, index) => first + index),
      {
        processes,
        world: 'small',
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
      },
    );
    const besides = [...others].map(([invariant, times]) => `${invariant} ${times} times`).join(', ');
    areCaught &&= caught !== undefined;
    print(
      `${name.padEnd(width)}  ${
        caught === undefined
          ? `NOT caught by ${wanted} in ${played} schedules`
          : `${wanted}: seed ${caught.seed}, ${caught.violation?.message}`
      }${besides === '' ? '' : ` (before: ${besides})`}`,
    );
  }
  return areCaught;
};
