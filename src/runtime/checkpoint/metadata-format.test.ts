import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../foundation/common/random.ts';
import { encodeValue } from '../../foundation/serialization/value-codec.ts';
import { decodeMetadata, encodeMetadata } from './metadata-format.ts';
import type { CheckpointMetadata } from './metadata.ts';

const inline = (text: string) => ({ kind: 'inline', bytes: new TextEncoder().encode(text) }) as const;

const metadata: CheckpointMetadata = {
  jobId: '0123456789abcdef0123456789abcdef',
  jobName: 'Zähler 日本',
  checkpointId: 7,
  kind: 'checkpoint',
  triggeredMs: 1_700_000_000_000,
  completedMs: 1_700_000_000_250,
  generation: { epoch: 3, number: 2 },
  graphFingerprint: 'f'.repeat(64),
  operators: [
    {
      operatorId: 'a'.repeat(32),
      uid: 'source',
      name: 'orders',
      kind: 'source',
      parallelism: 2,
      maxParallelism: 128,
      subtasks: [{ keyed: [], operatorState: inline('offsets') }, undefined],
      finishedSubtasks: [1],
      enumerator: { pending: ['split-2'], offsets: new Map([['split-1', 12n]]) },
    },
    {
      operatorId: 'b'.repeat(32),
      name: 'count',
      kind: 'keyed-process',
      parallelism: 2,
      maxParallelism: 128,
      subtasks: [0, 1].map((subtask) => ({
        keyed: [
          {
            keyGroupStart: subtask * 64,
            keyGroupEnd: subtask * 64 + 63,
            backendId: `backend-${subtask}`,
            segments: [
              {
                handle: { kind: 'file', path: `shared/count-5-${'0'.repeat(16)}`, sizeBytes: 12, checksum: 0xffffffff },
                full: true,
                checkpointId: 5,
              },
              { handle: inline('changes'), full: false, checkpointId: 7 },
            ],
          },
        ],
      })),
      finishedSubtasks: [],
    },
  ],
};

const refusal = (bytes: Uint8Array): { code: string; message: string } => {
  try {
    decodeMetadata(bytes, '/jobs/chk-7/_metadata');
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    expect(message).toContain('/jobs/chk-7/_metadata');
    return { code, message };
  }
  throw new Error('it was accepted');
};

/** The file with another version or payload, and a checksum that fits. */
const rebuilt = (version: number, payload: Uint8Array): Buffer => {
  const file = Buffer.concat([Buffer.from(encodeMetadata(metadata)).subarray(0, 24), payload]);
  file.writeUInt32LE(version, 12);
  file.writeUInt32LE(payload.length, 16);
  file.writeUInt32LE(crc32(file.subarray(24), crc32(file.subarray(8, 20))), 20);
  return file;
};

test('what was encoded is decoded', () => {
  expect(decodeMetadata(encodeMetadata(metadata), 'f')).toEqual(metadata);
});

test('the first bytes are as documented', () => {
  const file = Buffer.from(encodeMetadata(metadata));
  expect(file.subarray(0, 12).toString('latin1')).toBe('MILLRACEMETA');
  expect(file.readUInt32LE(12)).toBe(1);
  expect(file.readUInt32LE(16)).toBe(file.length - 24);
});

describe('bytes that are no whole checkpoint are refused', () => {
  const file = encodeMetadata(metadata);

  test('cut off at each byte', () => {
    for (let length = 0; length < file.length; length++) {
      const { code, message } = refusal(file.subarray(0, length));
      expect(code).toBe('CHECKPOINT_BROKEN');
      expect(message).toContain('it is cut off');
    }
  });

  test('each bit flipped', () => {
    for (let at = 0; at < file.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Uint8Array.from(file);
        flipped[at] = flipped[at]! ^ (1 << bit);
        expect(refusal(flipped).code, `bit ${bit} of byte ${at}`).toBe('CHECKPOINT_BROKEN');
      }
    }
  });

  test('a piece zeroed, as a disk does that lost it', () => {
    for (let at = 0; at < file.length; at += 16) {
      const zeroed = Uint8Array.from(file);
      zeroed.fill(0, at, at + 16);
      if (Buffer.compare(zeroed, file) === 0) {
        continue;
      }
      expect(refusal(zeroed).code).toBe('CHECKPOINT_BROKEN');
    }
  });

  test('something appended', () => {
    expect(refusal(Buffer.concat([file, Buffer.from('x')])).message).toContain('1 bytes too many');
  });

  test('any other file', () => {
    expect(refusal(Buffer.from('{"not": "a checkpoint"}')).message).toContain('is not the metadata of a checkpoint');
    const random = seededRandom(1);
    for (let round = 0; round < 200; round++) {
      refusal(Buffer.from(random.hex(2 * random.int(200)), 'hex'));
    }
  });

  test('a newer version, with both versions named', () => {
    const newer = rebuilt(9, Buffer.from('nobody knows'));
    expect(refusal(newer)).toEqual({
      code: 'CHECKPOINT_NEWER_VERSION',
      message: expect.stringContaining('format version 9, this Millrace reads versions up to 1') as string,
    });
    expect(refusal(rebuilt(0, Buffer.alloc(0))).code).toBe('CHECKPOINT_BROKEN');
  });

  test('a newer version that is cut off or damaged is broken, not newer', () => {
    const newer = rebuilt(9, Buffer.from('nobody knows'));
    expect(refusal(newer.subarray(0, -1)).code).toBe('CHECKPOINT_BROKEN');
    newer[30] = newer[30]! ^ 1;
    expect(refusal(newer).code).toBe('CHECKPOINT_BROKEN');
  });

  test('a payload that is no value', () => {
    expect(refusal(rebuilt(1, Buffer.from([1, 2, 3]))).code).toBe('CHECKPOINT_BROKEN');
  });

  const [source, count] = metadata.operators;
  const handle = (path: string) => ({ kind: 'file', path, sizeBytes: 1, checksum: 1 });
  const keyed = (segments: unknown, range = [0, 1]) => ({
    ...metadata,
    operators: [
      {
        ...count,
        subtasks: [{ keyed: [{ keyGroupStart: range[0], keyGroupEnd: range[1], backendId: 'b', segments }] }],
      },
    ],
  });
  test.each([
    ['no object', 42],
    ['a missing field', { ...metadata, operators: undefined }],
    ['a negative id', { ...metadata, checkpointId: -1 }],
    ['an unknown kind', { ...metadata, kind: 'other' }],
    ['an operator twice', { ...metadata, operators: [source, source] }],
    ['more states than subtasks', { ...metadata, operators: [{ ...source, parallelism: 1 }] }],
    ['a subtask that is not there', { ...metadata, operators: [{ ...source, finishedSubtasks: [2] }] }],
    ['a path upwards', keyed([{ handle: handle('../../etc/passwd'), full: true, checkpointId: 1 }])],
    ['an absolute path', keyed([{ handle: handle('/etc/passwd'), full: true, checkpointId: 1 }])],
    ['no segment', keyed([])],
    ['no full segment', keyed([{ handle: handle('shared/a'), full: false, checkpointId: 1 }])],
    ['key groups upside down', keyed([{ handle: handle('a'), full: true, checkpointId: 1 }], [2, 1])],
    ['key groups above the last', keyed([{ handle: handle('a'), full: true, checkpointId: 1 }], [2, 128])],
  ])('%s, though the checksum fits', (_, content) => {
    const { code, message } = refusal(rebuilt(1, encodeValue(content)));
    expect(code).toBe('CHECKPOINT_BROKEN');
    expect(message).toContain('its content makes no sense');
  });
});

test('metadata that make no sense are never written', () => {
  expect(() => encodeMetadata({ ...metadata, checkpointId: 0 })).toThrow('checkpoint 0 makes no sense');
});

test('an increment in the middle that claims to be full is refused', () => {
  const [, count] = metadata.operators;
  const [first] = count!.subtasks[0]!.keyed[0]!.segments;
  const twice = { ...count!.subtasks[0]!.keyed[0]!, segments: [first!, first!] };
  expect(() => encodeMetadata({ ...metadata, operators: [{ ...count!, subtasks: [{ keyed: [twice] }] }] })).toThrow(
    'has a full segment after the first',
  );
});
