import type { Clock } from './clock.ts';

/** The longest delay that `setTimeout` takes. */
const LONGEST_DELAY_MS = 2_147_483_647;

/** The clock of a real process. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), LONGEST_DELAY_MS));
    return { cancel: () => clearTimeout(timer) };
  },
};
