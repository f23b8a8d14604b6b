import type { Random } from '../../common/random.ts';

/** Pieces of a file that reach a disk or do not, each on its own. Small, so that small test files have several. */
const PIECE_BYTES = 16;

/**
 * Which of the unsynced changes reached the disk: none, all, the first ones (a journal) or any of them. Changes that are
 * left out are left out for good; the order stays.
 */
export const keepAfterPowerLoss = <T>(changes: readonly T[], random: Random): readonly T[] => {
  switch (random.int(4)) {
    case 0:
      return [];
    case 1:
      return changes.slice(0, random.int(changes.length + 1));
    case 2:
      return changes;
    default:
      return changes.filter(() => random.int(2) === 0);
  }
};

/**
 * What a disk may hold of a file whose synced content was `durable` and whose unsynced content is `written`: the size of
 * either or one between, and in each piece the old bytes, the new ones, or zeros where they differ.
 */
export const contentAfterPowerLoss = (durable: Uint8Array, written: Uint8Array, random: Random): Uint8Array => {
  const choice = random.int(4);
  if (choice === 0) {
    return durable;
  }
  if (choice === 1) {
    return written;
  }
  const shortest = Math.min(durable.length, written.length);
  const longest = Math.max(durable.length, written.length);
  const size = choice === 2 ? longest : shortest + random.int(longest - shortest + 1);
  const result = new Uint8Array(size);
  for (let start = 0; start < size; start += PIECE_BYTES) {
    const end = Math.min(start + PIECE_BYTES, size);
    const outcome = random.int(3);
    for (let at = start; at < end; at++) {
      result[at] = byteAfterPowerLoss(durable[at], written[at], outcome);
    }
  }
  return result;
};

const byteAfterPowerLoss = (durable: number | undefined, written: number | undefined, outcome: number): number => {
  if (durable === written) {
    return written ?? 0;
  }
  return (outcome === 0 ? durable : outcome === 1 ? written : 0) ?? 0;
};
