/**
 * The hash of a key, stable over processes, versions and machines: it decides the key group, so changing it breaks every
 * checkpoint. 32 bits, never negative. Strings: FNV-1a over UTF-16 code units, then an avalanche (murmur3's finalizer).
 */
export const hashKey = (key: unknown): number => {
  switch (typeof key) {
    case 'string':
      return hashString(key);
    case 'number':
      return hashNumber(key);
    case 'bigint':
      return hashString(`n${key}`);
    case 'boolean':
      return key ? 0x5bd1e995 : 0x1b873593;
    case 'undefined':
      return 0x2545f491;
    default:
      return key === null ? 0x165667b1 : hashString(canonicalKey(key));
  }
};

const hashString = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return avalanche(hash);
};

const words = new Uint32Array(2);
const double = new Float64Array(words.buffer);

const hashNumber = (value: number): number => {
  if ((value | 0) === value) {
    return avalanche(value | 0);
  }
  double[0] = value;
  return avalanche(Math.imul(words[0]! ^ Math.imul(words[1]!, 0x9e3779b1), 0x85ebca6b));
};

const avalanche = (hash: number): number => {
  let h = hash;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
};

/**
 * One string for one composite key: arrays and plain objects (fields in the order of their names), Dates and byte
 * arrays; equal content gives an equal string, whatever object holds it.
 */
export const canonicalKey = (key: unknown): string => {
  switch (typeof key) {
    case 'string':
      return `s${key.length}:${key}`;
    case 'number':
      return `d${Object.is(key, -0) ? 0 : key};`;
    case 'bigint':
      return `n${key};`;
    case 'boolean':
      return key ? 't' : 'f';
    case 'undefined':
      return 'u';
    case 'object':
      return key === null ? '0' : canonicalObject(key);
    default:
      throw new TypeError(`a ${typeof key} cannot be a key`);
  }
};

const canonicalObject = (key: object): string => {
  if (Array.isArray(key)) {
    return `[${key.map(canonicalKey).join('')}]`;
  }
  if (key instanceof Date) {
    return `D${key.getTime()};`;
  }
  if (key instanceof Uint8Array) {
    return `b${Buffer.from(key).toString('hex')};`;
  }
  const prototype = Object.getPrototypeOf(key) as unknown;
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`a ${key.constructor.name} cannot be a key; use its fields`);
  }
  const fields = Object.entries(key).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${fields.map(([name, value]) => canonicalKey(name) + canonicalKey(value)).join('')}}`;
};
