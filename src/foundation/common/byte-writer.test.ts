import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';

const hexOf = (write: (writer: ByteWriter) => void): string => {
  const writer = new ByteWriter(1);
  write(writer);
  return Buffer.from(writer.take()).toString('hex');
};
const readerOf = (hex: string): ByteReader => new ByteReader(Buffer.from(hex, 'hex'));
const corrupt = expect.objectContaining({ code: 'CORRUPT_DATA' });

test('the bytes of each kind', () => {
  expect(hexOf((writer) => writer.u8(255))).toBe('ff');
  expect(hexOf((writer) => writer.u16(0x1234))).toBe('3412');
  expect(hexOf((writer) => writer.u32(0x12345678))).toBe('78563412');
  expect(hexOf((writer) => writer.u64(2 ** 53 - 1))).toBe('ffffffffffff1f00');
  expect(hexOf((writer) => writer.f64(0.5))).toBe('000000000000e03f');
  expect(hexOf((writer) => writer.varint(300))).toBe('ac02');
  expect(hexOf((writer) => writer.varint(2 ** 53 - 1))).toBe('ffffffffffffff0f');
  expect(hexOf((writer) => writer.zigzag(-2))).toBe('03');
  expect(hexOf((writer) => writer.string('aé'))).toBe('0361c3a9');
  expect(hexOf((writer) => writer.bytes(Uint8Array.of(1, 2)))).toBe('0102');
});

test('what was written is read', () => {
  const item = fc.oneof(
    fc.tuple(fc.constant('u8' as const), fc.integer({ min: 0, max: 255 })),
    fc.tuple(fc.constant('u16' as const), fc.integer({ min: 0, max: 65_535 })),
    fc.tuple(fc.constant('u32' as const), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
    fc.tuple(fc.constant('u64' as const), fc.maxSafeNat()),
    fc.tuple(fc.constant('varint' as const), fc.oneof(fc.maxSafeNat(), fc.nat())),
    fc.tuple(fc.constant('zigzag' as const), fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 })),
    fc.tuple(fc.constant('f64' as const), fc.double()),
    fc.tuple(fc.constant('string' as const), fc.string({ unit: 'grapheme', maxLength: 100 })),
  );
  fc.assert(
    fc.property(fc.array(item), (items) => {
      const writer = new ByteWriter(1);
      for (const [kind, value] of items) {
        writer[kind](value as never);
      }
      const reader = new ByteReader(writer.take());
      for (const [kind, value] of items) {
        expect(reader[kind]()).toBe(value);
      }
      expect(reader.remaining).toBe(0);
    }),
  );
});

describe('a writer', () => {
  test('is used again after take, which gives a copy', () => {
    const writer = new ByteWriter();
    writer.u8(1);
    const first = writer.take();
    writer.u8(2);
    expect([...first, ...writer.take()]).toEqual([1, 2]);
    expect(first.buffer.byteLength).toBe(1);
    expect(writer.take().length).toBe(0);
  });

  test('overwrites a length', () => {
    const writer = new ByteWriter();
    writer.u32(0);
    writer.string('abc');
    writer.patchU32(0, writer.length);
    expect(new ByteReader(writer.peek()).u32()).toBe(8);
    expect(() => writer.patchU32(6, 1)).toThrow(RangeError);
  });

  test.each([-1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d as a varint and as u64', (value) => {
    const writer = new ByteWriter();
    expect(() => writer.varint(value)).toThrow(RangeError);
    expect(() => writer.u64(value)).toThrow(RangeError);
    expect(writer.length).toBe(0);
  });
});

describe('a reader', () => {
  test('stays within its part of the bytes', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3, 4, 5), 1, 3);
    expect(reader.u16()).toBe(0x0302);
    expect(() => reader.u8()).toThrow(corrupt);
    expect(reader.offset).toBe(3);
  });

  test('gives bytes without a copy', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const view = new ByteReader(bytes.subarray(1)).bytes(2);
    bytes[1] = 9;
    expect(view).toEqual(Uint8Array.of(9, 3));
  });

  test('refuses what makes no sense', () => {
    expect(() => readerOf('01').u16()).toThrow(corrupt);
    expect(() => readerOf('ffffffffffffffff').u64()).toThrow(corrupt);
    expect(() => readerOf('8080808080808080808001').varint()).toThrow(corrupt);
    expect(() => readerOf('ffffffffffffff1f').varint()).toThrow(corrupt);
    expect(() => readerOf('0561').string()).toThrow(corrupt);
    expect(() => readerOf('0261').count()).toThrow(corrupt);
    expect(() => readerOf('026161').count(2)).toThrow(corrupt);
    expect(() => readerOf('61').bytes(-1)).toThrow(corrupt);
  });
});
