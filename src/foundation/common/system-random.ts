import { randomBytes } from 'node:crypto';
import type { Random } from './random.ts';

/** Unpredictable random numbers of the operating system. */
export const systemRandom: Random = {
  next: () => randomBytes(4).readUInt32LE(0) / 4_294_967_296,
  int: (bound) => Math.floor((randomBytes(6).readUIntLE(0, 6) / 281_474_976_710_656) * bound),
  hex: (digits) =>
    randomBytes(Math.ceil(digits / 2))
      .toString('hex')
      .slice(0, digits),
};
