/** The parts of DER that an X.509 certificate needs: each function makes one element, tag and length included. */
export type Der = Buffer;

const element = (tag: number, ...contents: readonly Uint8Array[]): Der => {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
};

const lengthOf = (length: number): Buffer => {
  if (length < 128) {
    return Buffer.from([length]);
  }
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
};

export const sequence = (...parts: readonly Der[]): Der => element(0x30, ...parts);

export const set = (...parts: readonly Der[]): Der => element(0x31, ...parts);

/** Not negative. */
export const integer = (bytes: Uint8Array): Der => {
  const start = bytes.findIndex((byte) => byte !== 0);
  const trimmed = start < 0 ? Buffer.from([0]) : bytes.subarray(start);
  return element(0x02, (trimmed[0] ?? 0) > 127 ? Buffer.concat([Buffer.from([0]), trimmed]) : trimmed);
};

export const boolean = (value: boolean): Der => element(0x01, Buffer.from([value ? 0xff : 0]));

export const octetString = (content: Uint8Array): Der => element(0x04, content);

export const bitString = (content: Uint8Array, unusedBits = 0): Der =>
  element(0x03, Buffer.from([unusedBits]), content);

export const utf8String = (text: string): Der => element(0x0c, Buffer.from(text, 'utf8'));

/** `1.2.840.10045.4.3.2` */
export const objectId = (dotted: string): Der => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
};

const base128 = (value: number): number[] => {
  const digits = [value & 127];
  for (let left = value >>> 7; left > 0; left >>>= 7) {
    digits.unshift(128 | (left & 127));
  }
  return digits;
};

/** To the second: two digits for the year until 2049, four from then on. */
export const time = (ms: number): Der => {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+Z$/g, '');
  const isShort = Number(digits.slice(0, 4)) < 2050;
  return element(isShort ? 0x17 : 0x18, Buffer.from(`${isShort ? digits.slice(2) : digits}Z`));
};

/** An element around another. */
export const explicit = (number: number, content: Der): Der => element(0xa0 | number, content);

/** An element in place of another: only its bytes. */
export const implicit = (number: number, content: Uint8Array): Der => element(0x80 | number, content);
