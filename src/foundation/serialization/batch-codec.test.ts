import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BatchDecoder } from './batch-decoder.ts';
import { BatchEncoder } from './batch-encoder.ts';
import { anyValue, objectOf, primitive } from './test-support/any-value.ts';
import { Channel, HEADROOM } from './test-support/channel.ts';

const range = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** Records of a few shapes with now and then another value in a field: what streams look like. */
const likeRecords: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: fc.record({ k: fc.constantFrom('a', 'b', 'ü'), v: fc.integer() }), weight: 5 },
  { arbitrary: fc.record({ k: primitive, v: primitive }), weight: 1 },
  { arbitrary: fc.record({ k: fc.string(), v: fc.double() }, { requiredKeys: ['k'] }), weight: 3 },
  {
    arbitrary: fc.record({
      id: fc.bigInt(),
      at: fc.option(fc.date()),
      by: fc.option(fc.record({ name: fc.string(), tags: fc.array(fc.string()) })),
      lines: fc.array(fc.record({ sku: fc.string(), count: fc.option(fc.nat(), { nil: undefined }) })),
      done: fc.boolean(),
    }),
    weight: 4,
  },
  { arbitrary: fc.tuple(fc.string(), fc.nat(300)), weight: 2 },
  { arbitrary: fc.array(fc.option(fc.integer())), weight: 1 },
  { arbitrary: primitive, weight: 1 },
  { arbitrary: anyValue, weight: 1 },
);

const timestampsFor = (count: number): fc.Arbitrary<number[] | Float64Array | undefined> =>
  fc.oneof(
    fc.constant(undefined),
    fc.constant(range(count, () => Number.NEGATIVE_INFINITY)),
    fc.constant(range(count, (i) => 1.7e12 + i * 7)),
    fc.array(fc.oneof(fc.integer(), fc.double(), fc.constant(Number.NEGATIVE_INFINITY)), {
      minLength: count,
      maxLength: count,
    }),
    fc.float64Array({ minLength: count, maxLength: count }),
  );

describe('any stream', () => {
  const batch = fc
    .array(likeRecords, { maxLength: 40 })
    .chain((values) => fc.tuple(fc.constant(values), timestampsFor(values.length)));

  test('arrives as it was sent', () => {
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 8 }), (batches) => {
        const channel = new Channel();
        for (const [values, timestamps] of batches) {
          channel.send(values, timestamps);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('of any values', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyValue, { maxLength: 20 }), { maxLength: 5 }), (batches) => {
        const channel = new Channel();
        for (const values of batches) {
          channel.send(values);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('of one shape with any names of fields', () => {
    const names = fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 8 }), { maxLength: 12 });
    const odd = fc.constantFrom('__proto__', 'constructor', '"', "'", '`', '\\', '\n', '\u2028', '*/', '${a}', '7');
    const shape = fc.tuple(names, fc.uniqueArray(odd)).map(([a, b]) => [...new Set([...a, ...b])]);
    fc.assert(
      fc.property(shape, fc.array(primitive, { minLength: 1, maxLength: 30 }), (fields, values) => {
        const channel = new Channel();
        const records = values.map((_, i) =>
          objectOf(
            fields,
            fields.map((_name, j) => values[(i + j) % values.length]),
          ),
        );
        channel.send(records);
        channel.send(records.map((record) => ({ inside: record, list: [record] })));
      }),
    );
  });
});

describe('records of one shape', () => {
  test('cost few bytes', () => {
    const channel = new Channel();
    const records = range(1000, (i) => ({ k: `key-${i % 50}`, v: i % 200, ok: i % 2 === 0, none: null }));
    channel.send(records);
    expect(channel.send(records)).toBeLessThan(1000 * 2 + 250);
  });

  test('timestamps cost nothing when there are none and little when they rise', () => {
    const channel = new Channel();
    const values = range(1000, () => 0);
    const none = channel.send(values, undefined);
    expect(
      channel.send(
        values,
        range(1000, () => Number.NEGATIVE_INFINITY),
      ) - none,
    ).toBeLessThanOrEqual(0);
    expect(
      channel.send(
        values,
        range(1000, () => 1.7e12),
      ) - none,
    ).toBeLessThan(20);
    expect(
      channel.send(
        values,
        range(1000, (i) => 1.7e12 + i * 200),
      ) - none,
    ).toBeLessThan(1030);
    expect(channel.send(values, new Float64Array(1000).fill(-1)) - none).toBeLessThan(20);
  });

  test.each([
    [
      'numbers',
      (i: number) => ({ a: i, b: -i, c: i / 4, d: i % 2 === 0 ? -0 : Number.NaN, e: 2 ** 31 + i, f: 1e300 * i }),
    ],
    [
      'numbers near the limits',
      (i: number) => ({ a: 2 ** 31 - 1 - i, b: -(2 ** 31) + i, c: 2 ** 53 - i, d: 2 ** 32 * i }),
    ],
    ['rising numbers', (i: number) => ({ a: i * 70_000, b: i * 0.1, c: 1.7e12 + i, d: -1e9 + i * 255, e: i * 5e9 })],
    [
      'strings',
      (i: number) => ({ a: `a${i % 3}`, b: `b${i}`.repeat(i % 40), c: i % 3 === 0 ? 'ü€😀' : '', d: '\ud800' }),
    ],
    [
      'dates and bigints',
      (i: number) => ({ a: new Date(i), b: new Date(Number.NaN), c: -(2n ** 63n) + BigInt(i), d: 2n ** 63n - 1n }),
    ],
    [
      'nulls',
      (i: number) => {
        const none = i % 2 === 0 ? null : undefined;
        return {
          a: i % 3 ? i : none,
          b: i % 4 ? 's' : none,
          c: i % 5 ? true : none,
          d: i % 6 ? new Date(i) : none,
          e: i % 7 ? 1n : none,
          f: none,
          g: i % 3 ? { h: i } : none,
          j: i % 4 ? [i] : none,
        };
      },
    ],
    ['lists in lists', (i: number) => ({ a: range(i % 4, (j) => range(j, (k) => ({ x: k, y: `${k}` }))), b: [] })],
    ['tuples', (i: number) => ['key', i, { a: [i, 'x', null] }]],
    ['maps and bytes', (i: number) => ({ a: new Map([[i, { b: 1 }]]), c: new Uint8Array(i % 5), d: /x/ })],
    ['no fields', () => ({})],
    ['undefined', () => undefined],
    ['booleans', (i: number) => i % 3 === 0],
    ['mixed kinds in a field', (i: number) => ({ a: i % 2 === 0 ? i : String(i) })],
  ])('%s', (_, make) => {
    const channel = new Channel();
    channel.send(range(1, make));
    channel.send(range(100, make));
    channel.send(range(3000, make));
    channel.send(range(7, make));
  });

  test('that have very many or very deep fields', () => {
    const channel = new Channel();
    const wide = (fields: number) => Object.fromEntries(range(fields, (i) => [`f${i}`, i]));
    let deep: unknown = 1;
    for (let i = 0; i < 100; i++) {
      deep = { deep };
    }
    for (const record of [wide(128), wide(129), wide(1000), { a: wide(120), b: wide(120), c: wide(120) }, deep]) {
      channel.send(range(3, () => record));
    }
  });

  test('with a list longer than a batch may have rows', () => {
    const channel = new Channel();
    const list = range(1_100_000, (i) => i);
    channel.send([{ list: [1] }, { list }, { list: [2] }]);
    channel.send([{ list }]);
  });
});

describe('dictionaries', () => {
  test('grow over batches, begin anew and are given up', () => {
    const channel = new Channel();
    let unique = 0;
    for (let batch = 0; batch < 120; batch++) {
      channel.send(
        range(1000, (i) => ({
          few: `few-${i % 7}`,
          many: `many-${(i * 7919 + batch * 104_729) % 40_000}`,
          drifting: `drifting-${batch * 100 + (i % 300)}`,
          unique: `unique-${unique++}`,
        })),
      );
    }
  });

  test('hold the words of a record that did not fit', () => {
    const channel = new Channel();
    channel.send([{ a: 'x', b: 1 }]);
    // 'y' becomes a word before `b` turns out not to be a number.
    channel.send([{ a: 'y', b: 'no' }]);
    channel.send([{ a: 'y', b: 2 }]);
    channel.send(
      [
        { a: 'z', b: 2 },
        { a: 'y', b: () => 1 },
      ].slice(0, 1),
    );
  });
});

describe('a changing stream', () => {
  test('is learned anew: bytes get as few again', () => {
    const channel = new Channel();
    const before = (i: number) => ({ id: i % 100, name: `n${i % 10}` });
    const after = (i: number) => ({ id: i % 100, name: `n${i % 10}`, added: i % 2 === 0 });
    channel.send(range(1000, before));
    const small = channel.send(range(1000, before));
    channel.send(range(1000, after));
    expect(channel.send(range(1000, after))).toBeLessThan(small + 200);
  });

  test('with a shape for each record costs no more and more', () => {
    const channel = new Channel();
    for (let batch = 0; batch < 60; batch++) {
      channel.send(range(100, (i) => ({ [`field-${batch * 100 + i}`]: i, common: 'c' })));
    }
    channel.send(range(1000, (i) => ({ a: i })));
  });

  test('with many shapes at once', () => {
    const channel = new Channel();
    for (let batch = 0; batch < 20; batch++) {
      channel.send(range(1000, (i) => ({ kind: i % 40, [`f${i % 40}`]: i, payload: { [`p${i % 3}`]: i } })));
    }
  });
});

describe('what cannot travel', () => {
  test('names the field and the operator, and the channel goes on', () => {
    const channel = new Channel();
    channel.send([{ a: 1, items: [{ b: 'x' }] }]);
    const bad = [
      { a: 1, items: [] },
      { a: 2, items: [{ b: 'new word' }, { b: () => 1 }] },
    ];
    expect(() => channel.encoder.encode(bad, undefined, 2)).toThrow(
      expect.objectContaining({
        code: 'BAD_RECORD',
        message: expect.stringMatching(/operator "map orders".*record\.items\[1\]\.b is a function/),
      }),
    );
    channel.send([{ a: 1, items: [{ b: 'new word' }] }]);
  });

  test('class instances', () => {
    class Order {
      id = 1;
    }
    const channel = new Channel();
    channel.send([{ id: 1 }]);
    expect(() => channel.encoder.encode([{ id: 1 }, new Order()], undefined, 2)).toThrow('an instance of Order');
  });
});

describe('corrupt batches', () => {
  const stream = (): Uint8Array[] => {
    const encoder = new BatchEncoder({ headroom: 0, operatorName: 'x' });
    const batches: unknown[][] = [
      range(20, (i) => ({
        k: `k${i % 3}`,
        v: i,
        o: i % 2 ? { d: new Date(i), l: range(i % 4, (j) => `plain ${j}`) } : null,
      })),
      range(30, (i) => (i % 3 ? { k: `k${i}`, v: i / 3, o: null } : [i, 'x'])),
      [new Map(), 1, 'ü', ...range(10, (i) => ({ k: `k${i}`, v: i, o: null }))],
    ];
    return batches.map((values) =>
      encoder.encode(
        values,
        range(values.length, (i) => i * 1000),
        values.length,
      ),
    );
  };
  const batches = stream();

  /** Decodes all, the last one being corrupt; true when nobody noticed. */
  const decodes = (count: number, corrupt: Uint8Array): boolean => {
    const decoder = new BatchDecoder();
    for (const batch of batches.slice(0, count)) {
      decoder.decode(batch);
    }
    try {
      decoder.decode(corrupt);
      return true;
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'CORRUPT_DATA' });
      expect(() => decoder.decode(batches[count + 1] ?? corrupt)).toThrow('a batch before this one was corrupt');
      return false;
    }
  };

  test('truncated', () => {
    for (const [i, batch] of batches.entries()) {
      const last = batch.findLastIndex((byte) => byte !== 0);
      for (let length = 0; length <= last; length++) {
        expect(decodes(i, batch.subarray(0, length))).toBe(false);
      }
    }
  });

  test('changed', () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.nat(batches.length - 1), fc.array(change, { minLength: 1, maxLength: 4 }), (i, changes) => {
        const corrupt = batches[i]!.slice();
        for (const [at, byte] of changes) {
          corrupt[at % corrupt.length] = byte;
        }
        decodes(i, corrupt);
      }),
      { numRuns: 5000 },
    );
  });

  test('made up', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        decodes(0, bytes);
        decodes(
          0,
          new Uint8Array([1, 0, bytes[0]! & 15, 0, bytes.length + 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...bytes]),
        );
      }),
      { numRuns: 5000 },
    );
  });

  test('lost, or in another order', () => {
    expect(decodes(0, batches[1]!)).toBe(false);
    expect(decodes(1, batches[2]!)).toBe(false);
    expect(decodes(1, batches[0]!)).toBe(false);
  });
});

test('the timestamps and values of a larger array are taken up to the count', () => {
  const { encoder, decoder } = new Channel();
  const encoded = encoder.encode([1, 2, 3, undefined], [5, 6, 7, 8], 2);
  expect(decoder.decode(encoded.subarray(HEADROOM))).toEqual({
    values: [1, 2],
    timestamps: Float64Array.of(5, 6),
    count: 2,
  });
  expect([...encoded.subarray(0, HEADROOM)]).toEqual(range(HEADROOM, () => 0));
});
