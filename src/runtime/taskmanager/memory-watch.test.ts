import { expect, test } from 'vitest';
import type { MillraceError } from '../../foundation/common/errors.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { MemoryWatch } from './memory-watch.ts';
import type { ThreadHost } from './thread-host.ts';
import type { ThreadMemory } from './thread-protocol.ts';

const MIB = 1_048_576;
const INTERVAL_MS = 10;
const heap = (mib: number): ThreadMemory => ({ heapUsedBytes: mib * MIB, arrayBufferBytes: 0 });

class World {
  readonly clock = new ManualClock();
  readonly ended: { readonly thread: number; readonly error: MillraceError }[] = [];
  residentMib = 100;
  /** By thread; `undefined`: it does not answer. */
  readonly takes = new Map<number, ThreadMemory | undefined>();
  readonly watch: MemoryWatch;
  readonly #hosts = new Map<number, ThreadHost>();

  constructor(threads: readonly ThreadMemory[]) {
    threads.forEach((memory, thread) => {
      this.takes.set(thread, memory);
      this.start(thread);
    });
    this.watch = new MemoryWatch(
      {
        limits: { heapBytes: 160 * MIB, offHeapBytes: 80 * MIB, processBytes: 600 * MIB, processKey: 'the.size' },
        intervalMs: INTERVAL_MS,
        residentBytes: () => this.residentMib * MIB,
      },
      {
        clock: this.clock,
        threads: () => [...this.#hosts],
        collect: () => {},
        end: (thread, error) => {
          this.ended.push({ thread, error });
          this.#hosts.delete(thread);
        },
      },
    );
  }

  start(thread: number): void {
    const memory = (): Promise<ThreadMemory> => {
      const taken = this.takes.get(thread);
      return taken === undefined ? new Promise(() => {}) : Promise.resolve(taken);
    };
    this.#hosts.set(thread, { send: () => {}, terminate: () => Promise.resolve(), memory });
  }

  /** Its memory is another matter: the process gives it back when it likes. */
  gone(thread: number): void {
    this.watch.forget(thread);
    this.takes.set(thread, heap(5));
    this.start(thread);
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += INTERVAL_MS) {
      this.clock.advanceBy(INTERVAL_MS);
      for (let turn = 0; turn < 10; turn++) {
        await Promise.resolve();
      }
    }
  }
}

test('a process that is full ends the thread that takes most', async () => {
  const world = new World([heap(20), heap(150)]);
  world.residentMib = 640;
  await world.pass(20);
  expect(world.ended.map(({ thread }) => thread)).toEqual([1]);
  expect(world.ended[0]?.error.message).toMatch(
    "task thread 1 takes most of the process's 640 MiB, and the.size leaves",
  );
});

test('no other thread pays for what one leaves behind, neither while that one ends nor until the process gives it back', async () => {
  const world = new World([heap(20), heap(20)]);
  world.watch.reported(1, heap(470), false);
  expect(world.ended.map(({ thread, error }) => [thread, error.code])).toEqual([[1, 'OUT_OF_MEMORY']]);
  world.residentMib = 650;
  await world.pass(5_000);
  world.gone(1);
  await world.pass(5_000);
  expect(world.ended.length).toBe(1);
});

test('no thread goes where all of them together are not what is too much', async () => {
  const world = new World([heap(20), heap(30)]);
  world.residentMib = 660;
  await world.pass(1_000);
  expect(world.ended).toEqual([]);
  world.residentMib = 625;
  await world.pass(20);
  expect(world.ended.map(({ thread }) => thread)).toEqual([1]);
});

test('where several do not answer, it is the one that took most when it last did', async () => {
  const world = new World([heap(20), heap(30), heap(140), heap(50)]);
  [0, 1, 2].forEach((thread) => {
    world.watch.reported(thread, world.takes.get(thread) ?? heap(0), false);
    world.takes.set(thread, undefined);
  });
  world.residentMib = 640;
  await world.pass(2_100);
  expect(world.ended.map(({ thread }) => thread)).toEqual([2]);
});
