import { describe, expect, test } from 'vitest';
import { keyGroupOf, keyGroupRangeOf } from '../../../foundation/common/key-groups.ts';
import type { Key } from '../keyed-state.ts';
import { MemoryStateStorage } from '../memory-state-storage.ts';
import type { SnapshotOptions } from '../snapshot.ts';
import type { CheckpointTarget, KeyedStateHandle } from '../state-handle.ts';
import { HeapKeyedBackend } from './heap-keyed-backend.ts';
import { decodeSegment } from './keyed-state-format.ts';

const GROUPS = 8;

const backendOf = (subtask = 0, parallelism = 1, maxParallelism = GROUPS): HeapKeyedBackend => {
  const { start, end } = keyGroupRangeOf(subtask, maxParallelism, parallelism);
  const options = { operatorName: 'count', maxParallelism, backendId: `backend ${subtask}` };
  return new HeapKeyedBackend({ ...options, keyGroupStart: start, keyGroupEnd: end });
};
const noPause = (): Promise<void> => Promise.resolve();
const write = (
  backend: HeapKeyedBackend,
  target: CheckpointTarget,
  options: SnapshotOptions,
): Promise<KeyedStateHandle> => backend.snapshot(options).write(target, noPause);
const restored = async (
  handles: readonly KeyedStateHandle[],
  storage: MemoryStateStorage,
): Promise<HeapKeyedBackend> => {
  const backend = backendOf();
  await backend.restore(handles, storage, 1);
  return backend;
};
const shapeOf = ({ segments }: KeyedStateHandle): string =>
  segments.map(({ full, checkpointId }) => `${full ? 'full' : '+'}${checkpointId}`).join(' ');

/** Keys 0 to 999 with themselves as values. */
const filled = (): HeapKeyedBackend => {
  const backend = backendOf();
  const table = backend.table<number>('t');
  for (let i = 0; i < 1000; i++) {
    table.put(i, i);
  }
  return backend;
};

describe('values that replace equal ones', () => {
  test('are taken, -0 for 0 too', () => {
    const backend = backendOf();
    const table = backend.table<unknown>('t');
    const map = backend.mapTable<string, unknown>('m');
    const first = { name: 'a name of some length' };
    const second = { name: 'a name of some length' };
    for (const [former, value] of [
      [0, -0],
      ['a text of some length', 'a text of some length'],
      [first, second],
      [Number.NaN, Number.NaN],
    ]) {
      table.put('k', former);
      table.put('k', value);
      map.put('k', 'x', former);
      map.put('k', 'x', value);
      expect(table.get('k')).toBe(value);
      expect(map.get('k', 'x')).toBe(value);
    }
  });
});

describe('increments', () => {
  test('are built on the base that the trigger names, and on nothing else (R6)', async () => {
    const storage = new MemoryStateStorage();
    const backend = filled();
    const table = backend.table<number>('t');
    expect(shapeOf(await write(backend, storage, { checkpointId: 1 }))).toBe('full1');
    table.put(1, -1);
    expect(shapeOf(await write(backend, storage, { checkpointId: 2, baseId: 1 }))).toBe('full1 +2');
    table.put(2, -2);
    const third = await write(backend, storage, { checkpointId: 3, baseId: 1 });
    expect(shapeOf(third)).toBe('full1 +3');
    const copy = (await restored([third], storage)).table<number>('t');
    expect([0, 1, 2, 3].map((key) => copy.get(key))).toEqual([0, -1, -2, 3]);
    expect(shapeOf(await write(backend, storage, { checkpointId: 4, baseId: 99 }))).toBe('full4');
    expect(shapeOf(await write(backend, storage, { checkpointId: 5 }))).toBe('full5');
  });

  test('refer to the same segments when nothing changed', async () => {
    const storage = new MemoryStateStorage();
    const backend = filled();
    await write(backend, storage, { checkpointId: 1 });
    expect(shapeOf(await write(backend, storage, { checkpointId: 2, baseId: 1 }))).toBe('full1');
    backend.table('t').get(5);
    expect(shapeOf(await write(backend, storage, { checkpointId: 3, baseId: 2 }))).toBe('full1');
    expect(storage.files.size).toBe(1);
  });

  test('become a full image after ten segments, or when they outweigh it', async () => {
    const storage = new MemoryStateStorage();
    const backend = filled();
    const shapes: string[] = [];
    for (let id = 1; id <= 13; id++) {
      backend.table<number>('t').put(id, -id);
      shapes.push(shapeOf(await write(backend, storage, { checkpointId: id, baseId: id - 1 })));
      backend.checkpointCompleted(id);
    }
    expect(shapes[9]?.split(' ').length).toBe(10);
    expect(shapes.slice(10)).toEqual(['full11', 'full11 +12', 'full11 +12 +13']);
    for (let id = 14; id <= 16; id++) {
      for (let key = 0; key < 900; key++) {
        backend.table<number>('t').put(key, id * 1000);
      }
      shapes.push(shapeOf(await write(backend, storage, { checkpointId: id, baseId: id - 1 })));
    }
    expect(shapes.slice(13)).toEqual(['full11 +12 +13 +14', 'full15', 'full15 +16']);
  });

  test('have the changes of an aborted snapshot', async () => {
    const storage = new MemoryStateStorage();
    const backend = filled();
    await write(backend, storage, { checkpointId: 1 });
    backend.checkpointCompleted(1);
    backend.table<number>('t').put(7, -7);
    backend.table<number>('t').delete(8);
    const aborted = backend.snapshot({ checkpointId: 2, baseId: 1 });
    aborted.cancel();
    await expect(aborted.write(storage, noPause)).rejects.toMatchObject({ code: 'CHECKPOINT_FAILED' });
    const copy = (await restored([await write(backend, storage, { checkpointId: 3, baseId: 1 })], storage)).table('t');
    expect([copy.get(7), copy.get(8), copy.get(9)]).toEqual([-7, undefined, 9]);
  });

  test('go on from what was restored, if that is exactly the state of this subtask', async () => {
    const storage = new MemoryStateStorage();
    const handle = await write(filled(), storage, { checkpointId: 1 });
    const same = await restored([handle], storage);
    same.table<number>('t').put(1, -1);
    expect(shapeOf(await write(same, storage, { checkpointId: 2, baseId: 1 }))).toBe('full1 +2');
    const half = backendOf(1, 2);
    await half.restore([handle], storage, 1);
    expect(shapeOf(await write(half, storage, { checkpointId: 2, baseId: 1 }))).toBe('full2');
  });

  test('are not built on a savepoint, and not on small inline state', async () => {
    const storage = new MemoryStateStorage();
    const backend = filled();
    const savepoint = await write(backend, storage, { checkpointId: 1, full: true });
    expect([...storage.files.keys()]).toEqual(['exclusive/1']);
    backend.table<number>('t').put(1, -1);
    expect(shapeOf(await write(backend, storage, { checkpointId: 2, baseId: 1 }))).toBe('full2');
    const next = await restored([savepoint], storage);
    next.table<number>('t').put(1, -1);
    expect(shapeOf(await write(next, storage, { checkpointId: 2, baseId: 1 }))).toBe('full2');
    const inline = new MemoryStateStorage(1_000_000);
    await write(backend, inline, { checkpointId: 3 });
    backend.table<number>('t').put(2, -2);
    expect(shapeOf(await write(backend, inline, { checkpointId: 4, baseId: 3 }))).toBe('full4');
  });

  test('are given up when more was removed than is there', async () => {
    const storage = new MemoryStateStorage();
    const backend = backendOf();
    const table = backend.table<number>('t');
    const fill = (): void => {
      for (let key = 0; key < 15_000; key++) {
        table.put(key, key);
      }
    };
    fill();
    await write(backend, storage, { checkpointId: 1 });
    for (let key = 0; key < 15_000; key++) {
      table.delete(key);
    }
    table.put(3, 3);
    const next = await write(backend, storage, { checkpointId: 2, baseId: 1 });
    expect(shapeOf(next)).toBe('full2');
    expect([...(await restored([next], storage)).keys('t')]).toEqual([3]);
    table.delete(3);
    expect(shapeOf(await write(backend, storage, { checkpointId: 3, baseId: 2 }))).toBe('full2 +3');
  });

  test('leave out what came and went in between', async () => {
    const storage = new MemoryStateStorage();
    const backend = filled();
    await write(backend, storage, { checkpointId: 1 });
    const timers = backend.timers('timers');
    for (let i = 0; i < 1000; i++) {
      timers.register(i, i);
      timers.poll(i);
    }
    backend.table<number>('t').put('new', 1);
    backend.table<number>('t').delete('new');
    expect(shapeOf(await write(backend, storage, { checkpointId: 2, baseId: 1 }))).toBe('full1');
  });
});

describe('what cannot be written', () => {
  test('fails the snapshot and names state and operator, not the record that touches it', async () => {
    const storage = new MemoryStateStorage();
    const backend = filled();
    backend.setCurrentKey('k');
    const state = backend.value<unknown>('callbacks');
    state.update({ run: () => 1 });
    await expect(write(backend, storage, { checkpointId: 1 })).rejects.toThrow(
      /state 'callbacks' of operator 'count'.*run/u,
    );
    const touched = backend.snapshot({ checkpointId: 2 });
    expect(state.value()).toBeDefined();
    await expect(touched.write(storage, noPause)).rejects.toMatchObject({ code: 'BAD_RECORD' });
    state.update(1);
    const handle = await write(backend, storage, { checkpointId: 3 });
    expect((await restored([handle], storage)).sizeEstimate).toEqual({ keys: 1001 });
  });

  test('a write that fails leaves the changes for the next snapshot', async () => {
    const storage = new MemoryStateStorage();
    const backend = filled();
    await write(backend, storage, { checkpointId: 1 });
    backend.table<number>('t').put(1, -1);
    const full = { writeState: () => Promise.reject(new Error('no space left')) };
    await expect(write(backend, full, { checkpointId: 2, baseId: 1 })).rejects.toThrow('no space left');
    const handle = await write(backend, storage, { checkpointId: 3, baseId: 1 });
    expect((await restored([handle], storage)).table('t').get(1)).toBe(-1);
  });

  test('a key that no state can have', () => {
    const table = backendOf().table<number>('t');
    expect(() => table.put(() => 1, 1)).toThrow(/operator 'count': a function cannot be a key/u);
    expect(() => table.put(new Map(), 1)).toThrow(/a Map cannot be a key/u);
  });

  test('a key of another subtask', () => {
    const foreign = Array.from({ length: 100 }, (_, i) => i).find((key) => keyGroupOf(key, GROUPS) >= GROUPS / 2)!;
    expect(() => backendOf(0, 2).table<number>('t').put(foreign, 1)).toThrow(
      /came to the subtask of the key groups 0 to 3/u,
    );
  });
});

describe('states', () => {
  test('asked for by name are the same state, by another kind an error', async () => {
    const backend = filled();
    expect(backend.value('v')).toBe(backend.value('v'));
    expect(backend.table('t')).toBe(backend.table('t'));
    expect(() => backend.list('v')).toThrow(
      "operator 'count': state 'v' is asked for as list state, but it is in use as value state",
    );
    const storage = new MemoryStateStorage();
    const copy = await restored([await write(backend, storage, { checkpointId: 1 })], storage);
    expect(() => copy.timers('t')).toThrow(expect.objectContaining({ code: 'CHECKPOINT_MISMATCH' }));
    expect(() => copy.timers('t')).toThrow("state 't' is asked for as timers, but it was restored as table");
  });

  test('that nobody asks for after a restore stay in the next snapshots', async () => {
    const storage = new MemoryStateStorage();
    const first = await restored([await write(filled(), storage, { checkpointId: 1 })], storage);
    const second = await restored([await write(first, storage, { checkpointId: 2 })], storage);
    expect(second.table('t').get(500)).toBe(500);
  });

  test('keep keys of equal content, apart from the objects they came in', () => {
    const backend = backendOf();
    const table = backend.table<string>('t');
    const key = { a: 1, b: [new Date(5)] };
    table.put(key, 'x');
    key.a = 2;
    expect(table.get(key)).toBeUndefined();
    expect(table.get({ b: [new Date(5)], a: 1 })).toBe('x');
    expect([...backend.keys('t')]).toEqual([{ a: 1, b: [new Date(5)] }]);
    expect([...backend.keys('other')]).toEqual([]);
  });

  test('do not mix up a key object that is used again with another content', () => {
    const table = backendOf().table<number>('t');
    const key = ['a'];
    table.put(key, (table.get(key) ?? 0) + 1);
    key[0] = 'b';
    table.put(key, 10);
    expect([table.get(['a']), table.get(['b'])]).toEqual([1, 10]);
  });

  test('a map takes removals while it is iterated', () => {
    const backend = backendOf();
    backend.setCurrentKey('k');
    for (const size of [5, 50]) {
      const state = backend.map<number, number>(`map of ${size}`);
      for (let i = 0; i < size; i++) {
        state.put(i, i);
      }
      const seen: number[] = [];
      for (const [key] of state.entries()) {
        seen.push(key);
        state.remove(key);
        state.remove(size - 1);
      }
      expect(seen).toEqual(Array.from({ length: size - 1 }, (_, i) => i));
      expect(state.isEmpty()).toBe(true);
    }
    expect(backend.sizeEstimate).toEqual({ keys: 0 });
  });
});

describe('restore', () => {
  test('refuses broken, truncated and foreign bytes with one clear error', async () => {
    const storage = new MemoryStateStorage();
    const handle = await write(filled(), storage, { checkpointId: 1 });
    const bytes = await storage.read(handle.segments[0]!.handle);
    const restoreOf = (content: Uint8Array, maxParallelism = GROUPS): Promise<void> =>
      backendOf(0, 1, maxParallelism).restore([handle], { read: () => Promise.resolve(content) }, 1);
    await expect(restoreOf(bytes)).resolves.toBeUndefined();
    for (const end of [0, 1, 5, 30, bytes.length - 1]) {
      await expect(restoreOf(bytes.subarray(0, end))).rejects.toMatchObject({ code: 'CHECKPOINT_BROKEN' });
    }
    await expect(restoreOf(Buffer.concat([bytes, bytes]))).rejects.toThrow(
      /operator 'count': file shared\/1, written by checkpoint 1, is broken: corrupt data/u,
    );
    await expect(restoreOf(bytes, 16)).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH' });
    await expect(restoreOf(bytes, 16)).rejects.toThrow(/has 8 key groups, the job has 16/u);
    const newer = Buffer.from(bytes);
    newer[4] = 2;
    await expect(restoreOf(newer)).rejects.toMatchObject({ code: 'CHECKPOINT_NEWER_VERSION' });
  });

  test('reads only the key groups of the range', async () => {
    const storage = new MemoryStateStorage();
    const handle = await write(filled(), storage, { checkpointId: 1 });
    const keys: Key[] = [];
    for (const subtask of [0, 1, 2]) {
      const part = backendOf(subtask, 3);
      await part.restore([handle], storage, 1);
      keys.push(...part.keys('t'));
    }
    expect(keys.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });
});

test('a segment is byte for byte as docs/formats/state.md shows it', async () => {
  const storage = new MemoryStateStorage();
  const backend = backendOf(0, 1, 4);
  backend.setCurrentKey('a');
  backend.value('sum').update(1);
  backend.setCurrentKey('b');
  backend.value('sum').update(300);
  const { segments } = await write(backend, storage, { checkpointId: 7 });
  const bytes = await storage.read(segments[0]!.handle);
  expect(Buffer.from(bytes).toString('hex')).toBe(
    '4d524b530101' +
      '010705636f756e74040003' +
      '01010373756d' +
      '0202000001050300000103' +
      '816204d804' +
      '8161c1' +
      '13f82a28',
  );
  expect(decodeSegment(bytes).head).toMatchObject({
    full: true,
    checkpointId: 7,
    states: [{ kind: 'value', name: 'sum' }],
  });
});
