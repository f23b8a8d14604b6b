import { seededRandom, type Random } from '../../../foundation/common/random.ts';
import type { SimulatedWorld } from './simulated-world.ts';

export const SEEDS = Number(process.env['EXPLORATION_SEEDS'] ?? 150);
const FIRST_SEED = Number(process.env['EXPLORATION_FIRST_SEED'] ?? 1);
const LINES = Number(process.env['LOGN'] ?? 40);

/** A failure names its seed, and what the last of the worlds that were made logged. */
export const forEachSeed = async (
  worlds: readonly SimulatedWorld[],
  run: (seed: number, random: Random) => Promise<void>,
): Promise<void> => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    try {
      await run(seed, seededRandom(seed));
    } catch (error) {
      throw new Error(`seed ${seed}\n${worlds.at(-1)?.log.slice(-LINES).join('\n')}`, { cause: error });
    }
  }
};
