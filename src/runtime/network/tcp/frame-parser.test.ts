import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../foundation/common/random.ts';
import { FRAME_HEADER_BYTES, makeFrame, readFrameHeader } from '../frame.ts';
import { FrameParser } from './frame-parser.ts';

const frames = [
  makeFrame('hello', 0, 0, Buffer.from('key'), true),
  makeFrame('data', 1, 0, new Uint8Array(0), true),
  makeFrame('data', 1, 1, Buffer.alloc(100, 7), true),
  makeFrame('cancel', 0, 0, new Uint8Array(0), true),
];
const stream = Buffer.concat(frames);

const parsed = (pieces: readonly Uint8Array[], limit = 1_000): Uint8Array[] => {
  const seen: Uint8Array[] = [];
  const parser = new FrameParser(limit, (frame) => void seen.push(frame));
  for (const piece of pieces) {
    const reused = Buffer.from(piece);
    parser.push(reused);
    reused.fill(0xff); // the parser keeps nothing of it
  }
  return seen;
};

describe('FrameParser', () => {
  test('finds the frames however the stream is split in two', () => {
    for (let at = 0; at <= stream.byteLength; at++) {
      const seen = parsed([stream.subarray(0, at), stream.subarray(at)]);
      expect(seen.map((frame) => Buffer.compare(frame, frames[seen.indexOf(frame)]!))).toEqual([0, 0, 0, 0]);
    }
  });

  test('finds them byte by byte', () => {
    const seen = parsed([...stream].map((byte) => Uint8Array.of(byte)));
    expect(seen.map((frame) => readFrameHeader(frame, true).type)).toEqual(['hello', 'data', 'data', 'cancel']);
  });

  test('a frame larger than what it makes room for at first', () => {
    const large = makeFrame('data', 1, 2, Buffer.alloc(5_000_001, 'large'), true);
    const bytes = Buffer.concat([large, frames[0]!]);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.byteLength; at += 65_537) {
      pieces.push(bytes.subarray(at, at + 65_537));
    }
    const seen = parsed(pieces, 6_000_000);
    expect(seen.map((frame) => frame.byteLength)).toEqual([large.byteLength, frames[0]!.byteLength]);
    expect(Buffer.compare(seen[0]!, large)).toBe(0);
  });

  test('refuses a frame above the limit when its header is there, before there is any room for it', () => {
    const frame = makeFrame('data', 1, 0, new Uint8Array(977), true);
    expect(frame.byteLength).toBe(1001);
    expect(() => parsed([frame.subarray(0, FRAME_HEADER_BYTES - 1)])).not.toThrow();
    expect(() => parsed([frame.subarray(0, FRAME_HEADER_BYTES)])).toThrow(/1001 bytes was announced, 1000 are allowed/);
    const before = process.memoryUsage().arrayBuffers;
    const huge = makeFrame('data', 1, 0, new Uint8Array(0), true);
    new DataView(huge.buffer).setUint32(4, 0xffff_0000, true);
    const parser = new FrameParser(0xffff_ffff, () => {});
    parser.push(huge);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1_048_576);
  });

  test('refuses a header that is none', () => {
    for (const [offset, value] of [
      [8, 200],
      [9, 0],
      [9, 3],
      [10, 1],
      [21, 1],
    ] as const) {
      const frame = makeFrame('data', 1, 0, new Uint8Array(3), true);
      frame[offset] = value;
      expect(() => parsed([frame])).toThrow(/broken header/);
    }
  });

  test('a flipped bit anywhere is noticed, by the parser or by the checksum', () => {
    const frame = makeFrame('data', 1, 5, Buffer.from('some payload'), true);
    for (let bit = 0; bit < frame.byteLength * 8; bit++) {
      const damaged = Uint8Array.from(frame);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      const read = (): void => {
        const seen = parsed([damaged, Buffer.alloc(2_000)], 1_000_000);
        if (seen.length === 0) {
          throw new Error('it waits for more than came');
        }
        readFrameHeader(seen[0]!, true);
      };
      expect(read).toThrow(/frame|waits for more/);
    }
  });

  test('random bytes never give a frame', () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = seededRandom(seed);
    for (let round = 0; round < 2_000; round++) {
      const bytes = Uint8Array.from({ length: random.int(200) }, () => random.int(256));
      let problem: unknown;
      try {
        for (const frame of parsed([bytes], 200)) {
          readFrameHeader(frame, true);
          problem = `a frame of random bytes was taken, seed ${seed}`;
        }
      } catch {
        // refused, as it should be
      }
      expect(problem).toBeUndefined();
    }
  });
});
