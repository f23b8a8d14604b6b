import type { Random } from '../../../foundation/common/random.ts';

export const randomBytes = (random: Random, length: number): Buffer => Buffer.from(random.hex(length * 2), 'hex');

/** Bytes that are changed, put in, left out or cut off, in one to four places. */
export const mutate = (bytes: Uint8Array, random: Random): Buffer => {
  let mutated: Buffer = Buffer.from(bytes);
  for (let left = 1 + random.int(4); left > 0 && mutated.length > 0; left--) {
    const at = random.int(mutated.length);
    switch (random.int(5)) {
      case 0:
        mutated[at] = random.int(256);
        break;
      case 1:
        mutated[at]! ^= 1 << random.int(8);
        break;
      case 2:
        mutated = Buffer.concat([
          mutated.subarray(0, at),
          randomBytes(random, 1 + random.int(8)),
          mutated.subarray(at),
        ]);
        break;
      case 3:
        mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + 1 + random.int(8))]);
        break;
      default:
        mutated = mutated.subarray(0, at);
    }
  }
  return mutated;
};

/** A frame of the control plane with another content; its length is right, so that the rest is read at all. */
export const reframed = (frame: Uint8Array, random: Random): Buffer => {
  const payload = mutate(frame.subarray(4), random);
  const header = Buffer.alloc(4);
  header.writeUInt32LE(payload.length);
  return Buffer.concat([header, payload]);
};
