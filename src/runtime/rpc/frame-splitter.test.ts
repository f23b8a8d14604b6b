import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../foundation/common/random.ts';
import { FrameSplitter } from './frame-splitter.ts';

const frame = (payload: Uint8Array): Uint8Array => {
  const bytes = Buffer.alloc(4 + payload.length);
  bytes.writeUInt32LE(payload.length);
  bytes.set(payload, 4);
  return bytes;
};

const pushAll = (splitter: FrameSplitter, chunks: readonly Uint8Array[]): string[] => {
  const payloads: string[] = [];
  for (const chunk of chunks) {
    splitter.push(chunk, (payload) => {
      payloads.push(Buffer.from(payload).toString('hex'));
      return true;
    });
  }
  return payloads;
};

describe('the splitter of frames', () => {
  test('finds the same payloads however the bytes are cut', () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = seededRandom(seed);
      const payloads = Array.from({ length: 1 + random.int(20) }, () =>
        Buffer.from(random.hex(2 * (1 + random.int(random.int(4) === 0 ? 5000 : 20))), 'hex'),
      );
      const stream = Buffer.concat(payloads.map(frame));
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < stream.length;) {
        const size = 1 + random.int(random.int(3) === 0 ? 3000 : 6);
        chunks.push(stream.subarray(at, at + size));
        at += size;
      }
      expect(pushAll(new FrameSplitter('x', 5000), chunks), `seed ${seed}`).toEqual(
        payloads.map((payload) => payload.toString('hex')),
      );
    }
  });

  test('takes memory for what has come, not for what is announced', () => {
    const splitter = new FrameSplitter('x', 0x7fff_ffff);
    const before = process.memoryUsage().arrayBuffers;
    expect(pushAll(splitter, [Buffer.from('ffffff7f00', 'hex')])).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });

  test('refuses lengths above the limit, and none', () => {
    for (const header of ['e9030000', '00000000', 'ffffffff']) {
      for (const chunks of [[header], [header.slice(0, 2), header.slice(2)]]) {
        const splitter = new FrameSplitter('1.2.3.4:5', 1000);
        const bytes = chunks.map((chunk) => Buffer.from(chunk, 'hex'));
        expect(() => pushAll(splitter, bytes)).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
      }
    }
    const later = new FrameSplitter('x', 1000);
    expect(() => pushAll(later, [frame(Buffer.alloc(5)), Buffer.from('e9030000', 'hex')])).toThrow(/pekko.framesize/);
  });

  test('names who speaks another protocol', () => {
    const start = (text: string): (() => string[]) => {
      return () => pushAll(new FrameSplitter('1.2.3.4:5', 1000), [Buffer.from(text, 'latin1')]);
    };
    expect(start('GET / HTTP/1.1')).toThrow(/1.2.3.4:5 does not speak Millrace's protocol: its first bytes are "GET "/);
    expect(start('\x16\x03\x01\x02\x00')).toThrow(/uses TLS, this process does not/);
  });

  test('stops when nobody wants more, and takes a new limit between two frames', () => {
    const splitter = new FrameSplitter('x', 10);
    const seen: number[] = [];
    splitter.push(Buffer.concat([frame(Buffer.alloc(10)), frame(Buffer.alloc(100))]), (payload) => {
      seen.push(payload.length);
      splitter.payloadBytesMax = 100;
      return true;
    });
    splitter.push(Buffer.concat([frame(Buffer.alloc(1)), frame(Buffer.alloc(2))]), (payload) => {
      seen.push(payload.length);
      return false;
    });
    expect(seen).toEqual([10, 100, 1]);
  });
});
