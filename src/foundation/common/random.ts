/** A source of random numbers; seeded where a run must be repeatable. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** An integer in [0, bound). */
  int(bound: number): number;
  /** `digits` hex digits. */
  hex(digits: number): string;
}

/** A repeatable generator (sfc32); not for secrets. */
export const seededRandom = (seed: number): Random => {
  let a = seed | 0;
  let b = (seed / 4_294_967_296) | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const uint32 = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) {
    uint32();
  }
  return fromUint32(uint32);
};

const fromUint32 = (uint32: () => number): Random => ({
  next: () => uint32() / 4_294_967_296,
  int: (bound) => Math.floor((uint32() / 4_294_967_296) * bound),
  hex: (digits) => {
    let text = '';
    while (text.length < digits) {
      text += uint32().toString(16).padStart(8, '0');
    }
    return text.slice(0, digits);
  },
});
