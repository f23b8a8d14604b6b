import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader } from '../common/byte-reader.ts';
import { ByteWriter } from '../common/byte-writer.ts';
import { anyValue, sameFieldOrder } from './test-support/any-value.ts';
import { sameValue } from './test-support/same-value.ts';
import { decodeValue, encodeValue, readValue, writeValue } from './value-codec.ts';

const hex = (value: unknown): string => Buffer.from(encodeValue(value)).toString('hex');

const holes: unknown[] = [1];
holes[2] = 3;
const ownProto: unknown = JSON.parse('{"__proto__":1}');

/** The format: a change here breaks checkpoints. */
const golden: readonly (readonly [name: string, value: unknown, hex: string])[] = [
  ['undefined', undefined, '0100'],
  ['null', null, '0101'],
  ['false', false, '0102'],
  ['true', true, '0103'],
  ['0', 0, '01c0'],
  ['63', 63, '01ff'],
  ['64', 64, '01048001'],
  ['-1', -1, '010401'],
  ['a timestamp', 1_700_000_000_000, '010480a0abfef962'],
  ['2^52 - 1', 2 ** 52 - 1, '0104feffffffffffff0f'],
  ['2^52', 2 ** 52, '01050000000000003043'],
  ['-0', -0, '01050000000000000080'],
  ['NaN', Number.NaN, '0105000000000000f87f'],
  ['-Infinity', Number.NEGATIVE_INFINITY, '0105000000000000f0ff'],
  ['0.5', 0.5, '0105000000000000e03f'],
  ['0n', 0n, '01060100'],
  ['-1n', -1n, '010601ff'],
  ['128n', 128n, '0106028000'],
  ['2n ** 64n', 2n ** 64n, '010609000000000000000001'],
  ['an empty string', '', '0180'],
  ['a short string', 'abc', '0183616263'],
  ['a string that is not ASCII', 'é€', '010705c3a9e282ac'],
  ['a string of 64 units', 'x'.repeat(64), `010740${'78'.repeat(64)}`],
  ['a lone surrogate', '\ud800a', '01080400d86100'],
  ['a Date', new Date(1), '0109000000000000f03f'],
  ['an invalid Date', new Date(Number.NaN), '0109000000000000f87f'],
  ['an array', [1, 'a'], '010a02c18161'],
  ['an array with a hole', holes, '010a03c10fc3'],
  ['an object', { a: 1, b: undefined }, '010b028161c1816200'],
  ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), '010c018161c1'],
  ['a field __proto__', ownProto, '010b01895f5f70726f746f5f5fc1'],
  ['a Map', new Map([[1, 'a']]), '010d01c18161'],
  ['a Set', new Set([1, 2]), '010e02c1c2'],
  ['a RegExp', /a+/gi, '011082612b826769'],
  ['a Buffer', Buffer.from([1, 2]), '0120020102'],
  ['an ArrayBuffer', new Uint8Array([1, 2]).buffer, '0121020102'],
  ['a DataView', new DataView(new Uint8Array([1]).buffer), '01220101'],
  ['a Uint8Array', new Uint8Array([1, 2]), '0123020102'],
  ['a Uint8ClampedArray', new Uint8ClampedArray([1]), '01240101'],
  ['an Int8Array', new Int8Array([-1]), '012501ff'],
  ['a Uint16Array', new Uint16Array([1]), '0126020100'],
  ['an Int16Array', new Int16Array([-2]), '012702feff'],
  ['a Uint32Array', new Uint32Array([1]), '01280401000000'],
  ['an Int32Array', new Int32Array([-1]), '012904ffffffff'],
  ['a BigUint64Array', new BigUint64Array([1n]), '012a080100000000000000'],
  ['a BigInt64Array', new BigInt64Array([-1n]), '012b08ffffffffffffffff'],
  ['a Float32Array', new Float32Array([0.5]), '012c040000003f'],
  ['a Float64Array', new Float64Array([0.5]), '012d08000000000000e03f'],
];

describe('the format', () => {
  test.each(golden)('%s', (_, value, bytes) => {
    expect(hex(value)).toBe(bytes);
    expect(sameValue(decodeValue(Buffer.from(bytes, 'hex')), value)).toBe(true);
  });

  test('an Error', () => {
    const error = Object.assign(new TypeError('m', { cause: 'c' }), { code: 'E', stack: 's' });
    const bytes = '011189547970654572726f72816d817381630b0184636f64658145';
    expect(hex(error)).toBe(bytes);
    const decoded = decodeValue(Buffer.from(bytes, 'hex')) as TypeError & { readonly code: string };
    expect(decoded).toBeInstanceOf(TypeError);
    expect([decoded.name, decoded.message, decoded.stack, decoded.cause, decoded.code]).toEqual([
      'TypeError',
      'm',
      's',
      'c',
      'E',
    ]);
    expect(Object.keys(decoded)).toEqual(['code']);
  });
});

describe('any value', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const decoded = decodeValue(encodeValue(value));
        return sameValue(decoded, value) && sameFieldOrder(decoded, value);
      }),
      { numRuns: 1000 },
    );
  });

  test('may follow others in one writer', () => {
    fc.assert(
      fc.property(fc.array(anyValue), (values) => {
        const writer = new ByteWriter(1);
        for (const value of values) {
          writeValue(writer, value);
        }
        const reader = new ByteReader(writer.take());
        return values.every((value) => sameValue(readValue(reader), value)) && reader.remaining === 0;
      }),
    );
  });

  test('that is a view is copied without what is around it', () => {
    const view = new Uint16Array(new Uint8Array([9, 9, 1, 0, 9, 9]).buffer, 2, 1);
    const decoded = decodeValue(encodeValue(view)) as Uint16Array;
    expect(decoded).toEqual(new Uint16Array([1]));
    expect(decoded.buffer.byteLength).toBe(2);
  });

  test('may be large', () => {
    const value = { text: 'ü'.repeat(1_000_000), bytes: new Uint8Array(3_000_000).fill(7), big: -(3n ** 20_000n) };
    expect(sameValue(decodeValue(encodeValue(value)), value)).toBe(true);
  });
});

describe('what cannot travel', () => {
  class User {
    name = 'x';
  }
  const cycle: Record<string, unknown> = { a: {} };
  (cycle['a'] as Record<string, unknown>)['b'] = [cycle];
  const list = (length: number): unknown => {
    let head: unknown = null;
    for (let i = 0; i < length; i++) {
      head = { next: head };
    }
    return head;
  };

  test.each([
    ['a function', () => 1, 'order is a function'],
    ['a field', { items: [1, 2, 3, { callback: () => 1 }] }, 'order.items[3].callback is a function'],
    ['a symbol', { 'two words': Symbol('s') }, 'order["two words"] is a symbol'],
    ['in a Map', new Map([['k', new Map([[1, () => 1]])]]), 'order.get("k").get(1) is a function'],
    ['in a Set', new Set([[() => 1]]), 'order.values()[…][0] is a function'],
    ['a class', { user: new User() }, 'order.user is an instance of User'],
    ['a subclass of Map', new (class Registry extends Map {})(), 'order is an instance of Registry'],
    ['a promise', [Promise.resolve()], 'order[0] is an instance of Promise'],
    ['a WeakMap', new WeakMap(), 'order is an instance of WeakMap'],
    ['memory that threads share', new SharedArrayBuffer(1), 'order is an instance of SharedArrayBuffer'],
    ['a cycle', cycle, 'order.a.b[0] refers back to an object that contains it'],
    ['a long linked list', list(501), 'is nested deeper than 500 levels'],
    ['a false Date', Object.create(Date.prototype), 'order cannot be encoded: this is not a Date object'],
    [
      'a getter that throws',
      {
        get x() {
          throw new Error('no');
        },
      },
      'order cannot be encoded: no',
    ],
  ])('%s', (_, value, message) => {
    expect(() => encodeValue(value, 'order')).toThrow(
      expect.objectContaining({ code: 'BAD_RECORD', message: expect.stringContaining(message) }),
    );
  });

  test('500 levels do', () => {
    expect(decodeValue(encodeValue(list(500)))).toEqual(list(500));
  });

  test('leaves nothing in the writer', () => {
    const writer = new ByteWriter();
    writeValue(writer, 1);
    expect(() => writeValue(writer, [1, 2, () => 1])).toThrow('value[2] is a function');
    writeValue(writer, 2);
    expect(Buffer.from(writer.take()).toString('hex')).toBe('c1c2');
  });
});

describe('corrupt bytes', () => {
  /** A value or CORRUPT_DATA. */
  const decodes = (bytes: Uint8Array): boolean => {
    try {
      decodeValue(bytes);
      return true;
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'CORRUPT_DATA' });
      return false;
    }
  };

  test('truncated', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const bytes = encodeValue(value);
        for (let length = 0; length < bytes.length; length++) {
          expect(decodes(bytes.subarray(0, length))).toBe(false);
        }
      }),
    );
  });

  test('with more behind', () => {
    expect(decodes(new Uint8Array([...encodeValue({ a: 1 }), 0]))).toBe(false);
  });

  test('changed', () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(anyValue, fc.array(change, { minLength: 1, maxLength: 4 }), (value, changes) => {
        const bytes = encodeValue(value);
        for (const [at, byte] of changes) {
          bytes[at % bytes.length] = byte;
        }
        decodes(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  test('made up', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void decodes(new Uint8Array([1, ...bytes]))),
      { numRuns: 5000 },
    );
  });

  test.each([
    ['an array of 2^40 elements', '010a808080808020'],
    ['an object of 2^40 fields', '010b808080808020'],
    ['a string of 2^40 bytes', '0107808080808020'],
    ['a bigint of no bytes', '010600'],
    ['a varint without an end', '0104ffffffffffffffffff'],
    ['half a UTF-16 unit', '01080161'],
    ['half an element', '01260101'],
    ['a hole alone', '010f'],
    ['a hole as a field', '010b0181610f'],
    ['a number as the name of a field', '010b01c1c1'],
    ['a RegExp that is none', '0110812880'],
    ['an unknown tag', '0130'],
    ['deep nesting', `01${'0a01'.repeat(501)}c0`],
    ['another version', '0200'],
  ])('%s', (_, bytes) => {
    expect(decodes(Buffer.from(bytes, 'hex'))).toBe(false);
  });
});
