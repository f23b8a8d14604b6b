import fc from 'fast-check';

const fieldName = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'id', '0', '1', '10', '__proto__', 'constructor', 'toString', 'hasOwnProperty', ''),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('\ud800', '"', "'];//", '\u2028', '${x}', '\\', '\n', 'é'),
);

const text = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ minLength: 60, maxLength: 70 }),
  fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 4 }).map((units) => String.fromCharCode(...units)),
);

const number = fc.oneof(
  fc.integer(),
  fc.integer({ min: -70, max: 70 }),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(-0, Number.NaN, 2 ** 52, -(2 ** 52), 2 ** 53, 2 ** 31, -(2 ** 31), 2 ** 32),
);

export const primitive: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: number, weight: 3 },
  { arbitrary: text, weight: 3 },
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.oneof(fc.bigInt(), fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n })),
  fc.date({ noInvalidDate: false }),
);

const binary = fc.oneof(
  fc.uint8Array(),
  fc.int8Array(),
  fc.uint8ClampedArray(),
  fc.uint16Array(),
  fc.int16Array(),
  fc.uint32Array(),
  fc.int32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.uint8Array().map((bytes) => new Uint8Array(bytes).buffer),
  fc.uint8Array().map((bytes) => new DataView(new Uint8Array(bytes).buffer)),
);

/** Fields in any order, `__proto__` as a field like others. */
export const objectOf = (names: readonly string[], values: readonly unknown[], withPrototype = true): object => {
  const object = (withPrototype ? {} : Object.create(null)) as object;
  for (const [i, name] of names.entries()) {
    Object.defineProperty(object, name, { value: values[i], writable: true, enumerable: true, configurable: true });
  }
  return object;
};

const objectWith = (value: fc.Arbitrary<unknown>): fc.Arbitrary<object> =>
  fc
    .tuple(fc.uniqueArray(fc.tuple(fieldName, value), { selector: ([name]) => name, maxLength: 5 }), fc.nat(9))
    .map(([fields, kind]) =>
      objectOf(
        fields.map(([name]) => name),
        fields.map(([, item]) => item),
        kind > 0,
      ),
    );

/** Any value that the codecs take. */
export const anyValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'value' },
    { arbitrary: primitive, weight: 4 },
    { arbitrary: objectWith(tie('value')), weight: 3 },
    { arbitrary: fc.array(tie('value'), { maxLength: 5 }), weight: 2 },
    fc.sparseArray(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => new Set(items)),
    binary,
    fc.constantFrom(/a+/gi, /\//u),
  ),
})).value;

/** Whether fields are in the same order; for values that are deeply equal otherwise. */
export const sameFieldOrder = (a: unknown, b: unknown): boolean => {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null || ArrayBuffer.isView(a)) {
    return true;
  }
  const names = Object.keys(a);
  const others = Object.keys(b);
  return (
    Object.getPrototypeOf(a) === Object.getPrototypeOf(b) &&
    names.length === others.length &&
    names.every(
      (name, i) =>
        name === others[i] &&
        sameFieldOrder((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
    )
  );
};
