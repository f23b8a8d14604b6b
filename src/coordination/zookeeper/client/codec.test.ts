import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameSplitter } from './frame-splitter.ts';
import { JuteReader, UnreadableError } from './jute-reader.ts';
import { JuteWriter } from './jute-writer.ts';
import { readAcl, readStat, writeAcl } from './stat-codec.ts';
import type { Permission } from './zookeeper-client.ts';

const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const text = fc.string({ unit: 'grapheme' });
const field = fc.oneof(
  fc.record({ kind: fc.constant('int' as const), value: int }),
  fc.record({ kind: fc.constant('long' as const), value: long }),
  fc.record({ kind: fc.constant('bool' as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant('string' as const), value: text }),
  fc.record({ kind: fc.constant('buffer' as const), value: fc.uint8Array({ maxLength: 400 }) }),
  fc.record({ kind: fc.constant('vector' as const), value: fc.array(text) }),
);
type Field = typeof field extends fc.Arbitrary<infer T> ? T : never;

const write = (writer: JuteWriter, { kind, value }: Field): unknown => {
  switch (kind) {
    case 'int':
      return writer.int(value);
    case 'long':
      return writer.long(value);
    case 'bool':
      return writer.bool(value);
    case 'string':
      return writer.string(value);
    case 'buffer':
      return writer.buffer(value);
    case 'vector':
      return writer.vector(value, (each, item) => each.string(item));
  }
};

const read = (reader: JuteReader, { kind }: Field): unknown =>
  kind === 'vector' ? reader.vector(4, (each) => each.string()) : reader[kind]();

describe('jute', () => {
  test('what is written is read', () => {
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        const writer = new JuteWriter(4);
        fields.forEach((each) => write(writer, each));
        const reader = new JuteReader(writer.take());
        expect(fields.map((each) => read(reader, each))).toEqual(fields.map(({ value }) => value));
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  test('what is cut off is unreadable', () => {
    fc.assert(
      fc.property(fc.array(field, { minLength: 1 }), fc.nat(), (fields, at) => {
        const writer = new JuteWriter();
        fields.forEach((each) => write(writer, each));
        const whole = writer.take();
        const reader = new JuteReader(whole.subarray(0, at % whole.length));
        expect(() => fields.map((each) => read(reader, each))).toThrow(UnreadableError);
      }),
    );
  });

  test('null is empty, a lie about a length is unreadable', () => {
    const reader = (...lengths: readonly number[]): JuteReader => {
      const writer = new JuteWriter();
      lengths.forEach((length) => writer.int(length));
      return new JuteReader(writer.take());
    };
    expect(reader(-1).string()).toBe('');
    expect(reader(-1).buffer()).toEqual(new Uint8Array(0));
    expect(reader(-1).vector(4, (each) => each.int())).toEqual([]);
    for (const length of [-2, 5, 2 ** 31 - 1]) {
      expect(() => reader(length, 0).buffer()).toThrow(UnreadableError);
      expect(() => reader(length, 0).string()).toThrow(UnreadableError);
      expect(() => reader(length, 0).vector(4, (each) => each.int())).toThrow(UnreadableError);
    }
  });

  test('what is read is a copy', () => {
    const bytes = new JuteWriter().buffer(new Uint8Array([1, 2, 3])).take();
    const copy = new JuteReader(bytes).buffer();
    bytes.fill(0);
    expect(copy).toEqual(new Uint8Array([1, 2, 3]));
  });
});

describe('frames', () => {
  test('are found however the bytes come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 })),
        fc.array(fc.integer({ min: 1, max: 60 })),
        (frames, sizes) => {
          const writer = new JuteWriter();
          frames.forEach((frame) => writer.buffer(frame));
          let rest = writer.take();
          const splitter = new FrameSplitter(50);
          const found: Uint8Array[] = [];
          for (let at = 0; rest.length > 0; at++) {
            const size = sizes[at] ?? 60;
            splitter.push(rest.subarray(0, size));
            rest = rest.subarray(size);
            for (let frame = splitter.next(); frame !== undefined; frame = splitter.next()) {
              found.push(new Uint8Array(frame));
            }
          }
          expect(found).toEqual(frames);
        },
      ),
    );
  });

  test.each([51, -1, 2 ** 31 - 1])('of %d bytes are refused before they are there', (length) => {
    const splitter = new FrameSplitter(50);
    splitter.push(new JuteWriter().int(length).take());
    expect(() => splitter.next()).toThrow(UnreadableError);
  });
});

describe('stats and ACLs', () => {
  const stat = (owner: bigint) => {
    const writer = new JuteWriter().long(1n).long(2n).long(3n).long(4n).int(5).int(6).int(7).long(owner);
    return readStat(new JuteReader(writer.int(8).int(9).long(10n).take()));
  };

  test('have their fields in the order of the wire', () => {
    expect(stat(11n)).toEqual({
      createdIn: 1n,
      modifiedIn: 2n,
      createdAtMs: 3,
      modifiedAtMs: 4,
      version: 5,
      childrenVersion: 6,
      aclVersion: 7,
      ephemeralOwner: 11n,
      dataLength: 8,
      childrenCount: 9,
      childrenModifiedIn: 10n,
    });
  });

  test('containers and nodes with a time to live have no owner, sessions of any server are one', () => {
    expect(stat(-(2n ** 63n)).ephemeralOwner).toBe(0n);
    expect(stat(BigInt.asIntN(64, 0xff00_0000_0000_1234n)).ephemeralOwner).toBe(0n);
    for (const id of [0x0100_0123_4567_0000n, 0xfe00_0123_4567_0000n, 0xff01_0123_4567_0000n]) {
      expect(stat(BigInt.asIntN(64, id)).ephemeralOwner).toBe(BigInt.asIntN(64, id));
    }
  });

  test('ACLs are written and read', () => {
    const permissions: readonly Permission[] = ['read', 'write', 'create', 'delete', 'admin'];
    fc.assert(
      fc.property(
        fc.array(fc.record({ scheme: text, id: text, permissions: fc.subarray([...permissions]) })),
        (acl) => {
          const writer = new JuteWriter();
          writeAcl(writer, acl);
          expect(readAcl(new JuteReader(writer.take()))).toEqual(acl);
        },
      ),
    );
  });
});
