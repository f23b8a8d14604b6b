import { keyGroupRangeOf } from '../src/foundation/common/key-groups.ts';
import { seededRandom } from '../src/foundation/common/random.ts';
import type { KeyedTable } from '../src/runtime/state/keyed-state.ts';
import { HeapKeyedBackend } from '../src/runtime/state/heap/heap-keyed-backend.ts';
import { MemoryStateStorage } from '../src/runtime/state/memory-state-storage.ts';
import type { KeyedSegment, KeyedStateHandle } from '../src/runtime/state/state-handle.ts';

/*
 * Keyed state on the heap: `node benchmarks/state.ts`. Each part prints its own baseline or target beside the figure.
 */
const MAX_PARALLELISM = 128;
const MILLION = 1_000_000;
const random = seededRandom(Number(process.env['SEED'] ?? 42));

const newBackend = (subtask = 0, parallelism = 1): HeapKeyedBackend => {
  const range = keyGroupRangeOf(subtask, MAX_PARALLELISM, parallelism);
  return new HeapKeyedBackend({
    operatorName: 'benchmark',
    maxParallelism: MAX_PARALLELISM,
    keyGroupStart: range.start,
    keyGroupEnd: range.end,
    backendId: `benchmark-${subtask}`,
  });
};

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const bytesOf = ({ handle }: KeyedSegment): number => (handle.kind === 'file' ? handle.sizeBytes : handle.bytes.length);
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
const row = (name: string, figure: string, target = ''): void =>
  console.log(`${name.padEnd(52)} ${figure.padStart(34)}  ${target}`);

const fill = (table: KeyedTable<number>, keys: readonly string[]): void => {
  for (const key of keys) {
    table.put(key, 1);
  }
};

/** Strings of 10 characters. */
const keysOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `k${((i * 7919) % 1_000_000_007).toString().padStart(9, '0')}`);

const memory = (): void => {
  const table = newBackend().table<number>('sum');
  for (let i = 0; i < MILLION; i++) {
    table.put(`k${((i * 7919) % 1_000_000_007).toString().padStart(9, '0')}`, i % 1000);
  }
  row(
    'resident memory of the process with 1 M keys',
    `${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`,
    'under 350',
  );
  table.put('last', 1);
};

/** A running sum by key, against the same over a `Map`. */
const hotPath = async (): Promise<void> => {
  const keys = keysOf(10_000);
  const records = Array.from({ length: 200_000 }, (_, i) => ({ k: keys[random.int(keys.length)]!, v: i % 10 }));
  const count = 5_000_000;
  const baseline = (): number => {
    const sums = new Map<string, number>();
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      const { k, v } = records[i % records.length]!;
      sums.set(k, (sums.get(k) ?? 0) + v);
    }
    return performance.now() - start;
  };
  const backend = newBackend();
  const table = backend.table<number>('sum');
  const ours = (from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      const { k, v } = records[i % records.length]!;
      table.put(k, (table.get(k) ?? 0) + v);
    }
  };
  const storage = new MemoryStateStorage();
  let checkpointId = 0;
  const timed = async (everyRecords: number): Promise<number> => {
    const start = performance.now();
    for (let from = 0; from < count; from += everyRecords) {
      const pending = backend.snapshot({ checkpointId: ++checkpointId, baseId: checkpointId - 1 });
      const half = Math.min(from + everyRecords / 2, count);
      let done = from;
      await pending.write(storage, async () => {
        ours(done, done + 1000);
        done += 1000;
        await nextTurn();
      });
      backend.checkpointCompleted(checkpointId);
      ours(done, Math.max(done, half));
      ours(Math.max(done, half), from + everyRecords);
      storage.files.clear();
    }
    return performance.now() - start;
  };
  const idle: number[] = [];
  const active: number[] = [];
  for (let round = 0; round < 9; round++) {
    const plain = baseline();
    const start = performance.now();
    ours(0, count);
    idle.push(plain / (performance.now() - start));
    active.push(plain / (await timed(500_000)));
  }
  row('sum by 10,000 keys: Map / table, no snapshots', median(idle.slice(2)).toFixed(2), 'at least 0.6');
  row('  with a snapshot every 500,000 records', median(active.slice(2)).toFixed(2), 'at least 0.6');
};

const write = async (
  backend: HeapKeyedBackend,
  storage: MemoryStateStorage,
  checkpointId: number,
  baseId?: number,
): Promise<KeyedStateHandle> => {
  const handle = await backend.snapshot({ checkpointId, baseId }).write(storage, nextTurn);
  backend.checkpointCompleted(checkpointId);
  return handle;
};

const throughput = async (): Promise<void> => {
  const keys = keysOf(MILLION);
  const backend = newBackend();
  fill(backend.table('sum'), keys);
  const storage = new MemoryStateStorage();
  const written: number[] = [];
  let handle: KeyedStateHandle | undefined;
  for (let id = 1; id <= 5; id++) {
    storage.files.clear();
    const start = performance.now();
    handle = await write(backend, storage, id);
    written.push(performance.now() - start);
  }
  const full = bytesOf(handle!.segments[0]!);
  row('full snapshot of 1 M keys', rate(full, median(written)));
  const read: number[] = [];
  for (let round = 0; round < 5; round++) {
    const copy = newBackend();
    const start = performance.now();
    await copy.restore([handle!], storage, 5);
    read.push(performance.now() - start);
  }
  row('restore of 1 M keys', rate(full, median(read)));
  const half = newBackend(1, 2);
  const start = performance.now();
  await half.restore([handle!], storage, 5);
  row('  of one half of them (rescaled)', `${(performance.now() - start).toFixed(0)} ms`);
  for (let i = 0; i < MILLION / 100; i++) {
    backend.table<number>('sum').put(keys[random.int(MILLION)], i);
  }
  const before = performance.now();
  const next = await write(backend, storage, 6, 5);
  const increment = bytesOf(next.segments[1]!);
  row(
    'checkpoint after 1 % of 1 M keys changed',
    `${((100 * increment) / full).toFixed(2)} % of a full one`,
    'under 5 %',
  );
  row('  takes', `${(performance.now() - before).toFixed(0)} ms`);
};

const rate = (bytes: number, ms: number): string =>
  `${(bytes / 1e6).toFixed(1)} MB in ${ms.toFixed(0)} ms: ${(bytes / 1000 / ms).toFixed(0)} MB/s`;

class Blocks {
  readonly #ms = new Float64Array(4_000_000);
  #count = 0;

  add(ms: number): void {
    this.#ms[this.#count++] = ms;
  }

  toString(): string {
    const sorted = this.#ms.slice(0, this.#count).sort();
    return [0.5, 0.99, 0.999, 1]
      .map((share) => sorted[Math.min(this.#count - 1, Math.floor(this.#count * share))]!.toFixed(2))
      .join(' / ');
  }
}

/**
 * How long a record may wait: 1 M keys, each record changes a random one, at half the top rate; a checkpoint every second.
 * A block is what happens between two turns of the event loop: a batch of 250 records, a slice of the snapshot, garbage
 * collection.
 */
const pause = async (seconds: number): Promise<void> => {
  const keys = keysOf(MILLION);
  const backend = newBackend();
  const table = backend.table<number>('sum');
  fill(table, keys);
  const order = Uint32Array.from({ length: MILLION }, () => random.int(MILLION));
  const storage = new MemoryStateStorage();
  const whileWriting = new Blocks();
  const between = new Blocks();
  const durations: number[] = [];
  let isWriting = false;
  const checkpoint = async (id: number): Promise<void> => {
    const begin = performance.now();
    isWriting = true;
    storage.files.clear();
    await write(backend, storage, id, id - 1);
    isWriting = false;
    durations.push(performance.now() - begin);
  };
  let records = 0;
  const start = performance.now();
  let lastTrigger = start;
  while (performance.now() - start < seconds * 1000) {
    const begin = performance.now();
    if (!isWriting && begin - lastTrigger >= 1000) {
      lastTrigger = begin;
      void checkpoint(durations.length + 1);
    }
    const blocks = isWriting ? whileWriting : between;
    for (const last = records + 250; records < last; records++) {
      const key = keys[order[records % MILLION]!]!;
      table.put(key, (table.get(key) ?? 0) + 1);
    }
    await nextTurn();
    const end = performance.now();
    blocks.add(end - begin);
    while (performance.now() < 2 * end - begin) {
      // The other half of the time nothing is to do.
    }
  }
  row('pause: records/s at half the top rate', `${(records / seconds / 1000).toFixed(0)} k`);
  row(`  each of ${durations.length} checkpoints takes`, `${median(durations).toFixed(0)} ms`);
  row('  block while one is written, p50/p99/p99.9/max', `${whileWriting.toString()} ms`, 'p99 under 10');
  row('  block between checkpoints', `${between.toString()} ms`);
};

memory();
await throughput();
await pause(Number(process.env['PAUSE_SECONDS'] ?? 30));
await hotPath();
