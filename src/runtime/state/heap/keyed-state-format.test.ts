import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { seededRandom } from '../../../foundation/common/random.ts';
import { MemoryStateStorage } from '../memory-state-storage.ts';
import type { KeyedStateHandle } from '../state-handle.ts';
import { encodeChecksum } from '../trailing-checksum.ts';
import { HeapKeyedBackend } from './heap-keyed-backend.ts';

const SEED = Number(process.env['STATE_SEED'] ?? 5);
const backendOf = (): HeapKeyedBackend =>
  new HeapKeyedBackend({ operatorName: 'op', maxParallelism: 4, keyGroupStart: 0, keyGroupEnd: 3, backendId: 'b' });

/** A full image and an increment with every kind of state in them. */
const segments = async (): Promise<{ handle: KeyedStateHandle; contents: readonly Uint8Array[] }> => {
  const storage = new MemoryStateStorage();
  const backend = backendOf();
  let handle: KeyedStateHandle | undefined;
  for (const checkpointId of [1, 2]) {
    for (const key of ['a key', 7, ['x', 1n], { f: null }]) {
      backend.setCurrentKey(key);
      backend.value('value').update(new Date(checkpointId));
      backend.list('list').add('item');
      backend.map('map').put('m', new Map([[1, new Set([2])]]));
      backend.mapTable('mapTable').put(key, [1], checkpointId);
      backend.timers('timers').register(key, checkpointId * 1000);
    }
    backend.timers('timers').poll(1000);
    backend.mapTable('mapTable').delete(7, [1]);
    handle = await backend.snapshot({ checkpointId, baseId: 1 }).write(storage, () => Promise.resolve());
  }
  const contents = await Promise.all(handle!.segments.map((segment) => storage.read(segment.handle)));
  return { handle: handle!, contents };
};

const outcome = async (handle: KeyedStateHandle, contents: readonly Uint8Array[]): Promise<string> => {
  let next = 0;
  try {
    await backendOf().restore([handle], { read: () => Promise.resolve(contents[next++]!) }, 1);
    return 'restored';
  } catch (thrown) {
    return thrown instanceof MillraceError ? thrown.code : `${String(thrown)} ${(thrown as Error).stack}`;
  }
};

test('every truncated or changed segment is refused', async () => {
  const { handle, contents } = await segments();
  expect(contents.length).toBe(2);
  expect(await outcome(handle, contents)).toBe('restored');
  for (const [index, content] of contents.entries()) {
    for (let at = 0; at < content.length; at++) {
      const cut = contents.with(index, content.subarray(0, at));
      expect(await outcome(handle, cut), `${at} bytes`).toBe('CHECKPOINT_BROKEN');
      const flipped = Buffer.from(content);
      flipped[at]! ^= 1 << (at % 8);
      expect(await outcome(handle, contents.with(index, flipped)), `byte ${at} changed`).toMatch(
        at === 4 || at === 5 ? /^CHECKPOINT_(BROKEN|NEWER_VERSION)$/u : /^CHECKPOINT_BROKEN$/u,
      );
    }
  }
});

test('content that makes no sense under a right checksum is refused or read, without a crash', async () => {
  const { handle, contents } = await segments();
  const random = seededRandom(SEED);
  const outcomes = new Set<string>();
  for (let round = 0; round < 4000; round++) {
    const index = random.int(contents.length);
    const changed = Buffer.from(contents[index]!);
    for (let changes = 1 + random.int(3); changes > 0; changes--) {
      changed[6 + random.int(changed.length - 10)] = random.int(256);
    }
    changed.set(encodeChecksum(crc32(changed.subarray(0, -4))), changed.length - 4);
    const result = await outcome(handle, contents.with(index, changed));
    expect(result, `STATE_SEED=${SEED}, round ${round}`).toMatch(/^(restored|CHECKPOINT_(BROKEN|MISMATCH))$/u);
    outcomes.add(result);
  }
  expect(outcomes.size).toBe(3);
});
