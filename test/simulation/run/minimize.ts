import { NOTHING_OMITTED, planOf, type Omission } from '../world/plan.ts';
import type { Outcome } from '../world/outcome.ts';
import { play } from '../world/schedule.ts';

/** The shortest schedule of a seed that still violates the same invariant: fewer faults, no requests, one job. */
export const minimize = async (failed: Outcome): Promise<Outcome> => {
  const { seed, world, violation } = failed;
  let best = { omitted: NOTHING_OMITTED, outcome: failed };
  const keep = async (omitted: Omission): Promise<boolean> => {
    const outcome = await play(seed, world, omitted);
    const isSame = outcome.violation !== undefined && outcome.violation.invariant === violation?.invariant;
    if (isSame) {
      best = { omitted, outcome };
    }
    return isSame;
  };
  await keep({ ...best.omitted, other: true });
  await keep({ ...best.omitted, life: true });
  const places = planOf(seed, world).faults.map((_, place) => place);
  let goesOn = true;
  while (goesOn) {
    goesOn = false;
    for (const place of places.filter((one) => !best.omitted.faults.includes(one))) {
      goesOn = (await keep({ ...best.omitted, faults: [...best.omitted.faults, place] })) || goesOn;
    }
  }
  return best.outcome;
};
