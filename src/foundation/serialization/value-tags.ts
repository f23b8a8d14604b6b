/** Version of the value format; the first byte of `encodeValue`. docs/formats/values.md describes it byte by byte. */
export const VALUE_FORMAT_VERSION = 1;

/** How deep values may nest: an encoder refuses deeper ones (as cycles are), a decoder calls them corrupt. */
export const DEEPEST_VALUE = 500;

/** The first byte of each value. Numbers are part of the format: never change or reuse one. */
export const TAG = {
  undefined: 0x00,
  null: 0x01,
  false: 0x02,
  true: 0x03,
  integer: 0x04,
  double: 0x05,
  bigint: 0x06,
  utf8: 0x07,
  utf16: 0x08,
  date: 0x09,
  array: 0x0a,
  object: 0x0b,
  nullObject: 0x0c,
  map: 0x0d,
  set: 0x0e,
  hole: 0x0f,
  regExp: 0x10,
  error: 0x11,
  buffer: 0x20,
  arrayBuffer: 0x21,
  dataView: 0x22,
  uint8Array: 0x23,
  uint8ClampedArray: 0x24,
  int8Array: 0x25,
  uint16Array: 0x26,
  int16Array: 0x27,
  uint32Array: 0x28,
  int32Array: 0x29,
  bigUint64Array: 0x2a,
  bigInt64Array: 0x2b,
  float32Array: 0x2c,
  float64Array: 0x2d,
  /** 0x80 to 0xbf: a string of 0 to 63 bytes, all ASCII. */
  shortString: 0x80,
  /** 0xc0 to 0xff: the integers 0 to 63. */
  smallInteger: 0xc0,
} as const;

export const LONGEST_SHORT_STRING = 63;
export const LARGEST_SMALL_INTEGER = 63;
/** Integers of a smaller magnitude are zigzag varints; others are doubles. */
export const INTEGER_LIMIT = 2 ** 52;

export type BinaryValue = ArrayBuffer | DataView | TypedArray;
type TypedArray =
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

export interface BinaryKind {
  readonly tag: number;
  readonly elementBytes: number;
  /** A value of the kind over all of `buffer`. */
  readonly over: (buffer: ArrayBuffer) => BinaryValue;
}

/** Every kind of binary data, by its prototype. */
export const BINARY_KINDS: ReadonlyMap<unknown, BinaryKind> = new Map<unknown, BinaryKind>([
  [Buffer.prototype, { tag: TAG.buffer, elementBytes: 1, over: (buffer) => Buffer.from(buffer) }],
  [ArrayBuffer.prototype, { tag: TAG.arrayBuffer, elementBytes: 1, over: (buffer) => buffer }],
  [DataView.prototype, { tag: TAG.dataView, elementBytes: 1, over: (buffer) => new DataView(buffer) }],
  [Uint8Array.prototype, { tag: TAG.uint8Array, elementBytes: 1, over: (buffer) => new Uint8Array(buffer) }],
  [
    Uint8ClampedArray.prototype,
    { tag: TAG.uint8ClampedArray, elementBytes: 1, over: (buffer) => new Uint8ClampedArray(buffer) },
  ],
  [Int8Array.prototype, { tag: TAG.int8Array, elementBytes: 1, over: (buffer) => new Int8Array(buffer) }],
  [Uint16Array.prototype, { tag: TAG.uint16Array, elementBytes: 2, over: (buffer) => new Uint16Array(buffer) }],
  [Int16Array.prototype, { tag: TAG.int16Array, elementBytes: 2, over: (buffer) => new Int16Array(buffer) }],
  [Uint32Array.prototype, { tag: TAG.uint32Array, elementBytes: 4, over: (buffer) => new Uint32Array(buffer) }],
  [Int32Array.prototype, { tag: TAG.int32Array, elementBytes: 4, over: (buffer) => new Int32Array(buffer) }],
  [
    BigUint64Array.prototype,
    { tag: TAG.bigUint64Array, elementBytes: 8, over: (buffer) => new BigUint64Array(buffer) },
  ],
  [BigInt64Array.prototype, { tag: TAG.bigInt64Array, elementBytes: 8, over: (buffer) => new BigInt64Array(buffer) }],
  [Float32Array.prototype, { tag: TAG.float32Array, elementBytes: 4, over: (buffer) => new Float32Array(buffer) }],
  [Float64Array.prototype, { tag: TAG.float64Array, elementBytes: 8, over: (buffer) => new Float64Array(buffer) }],
]);

export const BINARY_KINDS_BY_TAG: ReadonlyMap<number, BinaryKind> = new Map(
  [...BINARY_KINDS.values()].map((kind) => [kind.tag, kind]),
);

/** Errors that come back as their own class; others come back as `Error` with their name. */
export const ERROR_CLASSES: ReadonlyMap<string, ErrorConstructor> = new Map(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((type) => [type.name, type]),
);

/** Whether `prototype` is that of a plain object, of this or another realm. */
export const isPlainPrototype = (prototype: unknown): boolean =>
  prototype === Object.prototype ||
  (typeof prototype === 'object' &&
    prototype !== null &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'isPrototypeOf'));
