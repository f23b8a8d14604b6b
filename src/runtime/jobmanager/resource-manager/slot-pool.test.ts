import { describe, expect, test } from 'vitest';
import type { JobId } from '../../../foundation/common/ids.ts';
import { seededRandom } from '../../../foundation/common/random.ts';
import { SlotPool, type PooledTaskManager } from './slot-pool.ts';

const tm = (name: string, slots: number, resourceId = name): PooledTaskManager => ({
  instanceId: name,
  resourceId,
  slots,
});
const NOTHING = new Map<number, JobId>();
const [A, B, C] = ['a', 'b', 'c'] as JobId[] as [JobId, JobId, JobId];

const poolOf = (...taskManagers: readonly PooledTaskManager[]): SlotPool => {
  const pool = new SlotPool();
  taskManagers.forEach((each) => pool.register(each, NOTHING));
  return pool;
};

test('slots are spread over the TaskManagers, those with the fewest used first', () => {
  const pool = poolOf(tm('one', 4), tm('two', 4), tm('three', 4));
  pool.request(A, 1);
  pool.request(B, 5);
  pool.serve();
  const free = pool.overview.taskManagers.map((each) => each.free);
  expect(free).toEqual([2, 2, 2]);
});

test('a request is served whole or not at all', () => {
  const pool = poolOf(tm('one', 2));
  pool.request(A, 3);
  expect(pool.serve()).toEqual([]);
  expect(pool.overview.waiting).toEqual([{ jobId: A, requested: 3, missing: 1 }]);
  pool.register(tm('two', 1), NOTHING);
  expect(pool.serve()).toMatchObject([{ jobId: A, slots: { length: 3 } }]);
  expect(pool.overview).toMatchObject({ total: 3, free: 0, waiting: [] });
});

test('what a job asks for in several requests is missing as a whole', () => {
  const pool = poolOf(tm('one', 1));
  pool.request(A, 2);
  pool.request(A, 2);
  expect(pool.serve()).toEqual([]);
  expect(pool.overview.waiting).toEqual([{ jobId: A, requested: 4, missing: 3 }]);
});

test('who waits first is not overtaken', () => {
  const pool = poolOf(tm('one', 4));
  pool.request(A, 3);
  pool.serve();
  pool.request(B, 2);
  pool.request(C, 1);
  expect(pool.serve()).toEqual([]);
  pool.release(A);
  expect(pool.serve().map(({ jobId }) => jobId)).toEqual([B, C]);
});

test('a request for more than there is at all holds nobody up', () => {
  const pool = poolOf(tm('one', 2));
  pool.request(A, 9);
  pool.request(B, 2);
  expect(pool.serve().map(({ jobId }) => jobId)).toEqual([B]);
});

test('a job that lost slots goes before one that never had any', () => {
  const pool = poolOf(tm('one', 1), tm('two', 1));
  pool.request(A, 2);
  pool.serve();
  pool.request(B, 1);
  pool.lost('two');
  pool.request(A, 1);
  pool.register(tm('three', 1), NOTHING);
  expect(pool.serve()).toMatchObject([{ jobId: A, slots: [{ taskManager: 'three', slot: 0 }] }]);
});

test('slots that are in use where a TaskManager registers belong to that job', () => {
  const pool = new SlotPool();
  pool.register(tm('one', 3), new Map([[1, A]]));
  pool.request(B, 2);
  expect(pool.serve()).toMatchObject([{ slots: [{ slot: 0 }, { slot: 2 }] }]);
  pool.release(A);
  expect(pool.overview.free).toBe(1);
});

test('a new process with the same resource id ends the old one', () => {
  const pool = poolOf(tm('old', 2, 'tm-1'));
  pool.request(A, 2);
  pool.serve();
  expect(pool.register(tm('new', 2, 'tm-1'), NOTHING)).toBe('old');
  expect(pool.overview).toMatchObject({ total: 2, free: 2, taskManagers: [{ instanceId: 'new' }] });
});

test('the same process registers again: what it was given for stays given', () => {
  const pool = poolOf(tm('one', 2));
  pool.request(A, 1);
  pool.serve();
  pool.away('one');
  pool.request(B, 1);
  expect(pool.serve()).toEqual([]);
  expect(pool.register(tm('one', 2), NOTHING)).toBeUndefined();
  expect(pool.serve()).toMatchObject([{ jobId: B, slots: [{ slot: 1 }] }]);
});

describe('a preferred slot', () => {
  test('is given if it is free, else one of the same TaskManager, else where the fewest are used', () => {
    const pool = poolOf(tm('one', 2), tm('two', 2), tm('three', 3));
    pool.request(B, 2);
    expect(pool.serve()).toMatchObject([
      {
        slots: [
          { taskManager: 'one', slot: 0 },
          { taskManager: 'two', slot: 0 },
        ],
      },
    ]);
    const wish = (taskManager: string, slot: number) => ({ taskManager, slot });
    pool.request(A, 4, [undefined, wish('two', 0), wish('three', 2), wish('gone', 1)]);
    const [grant] = pool.serve();
    expect(grant?.slots.slice(1, 3)).toEqual([wish('two', 1), wish('three', 2)]);
    expect(grant?.slots).toHaveLength(4);
  });

  test('goes to whoever had just that one, whatever the order', () => {
    const pool = poolOf(tm('one', 2));
    const wish = { taskManager: 'one', slot: 0 };
    pool.request(A, 2, [{ taskManager: 'one', slot: 5 }, wish]);
    expect(pool.serve()).toMatchObject([{ slots: [{ slot: 1 }, { slot: 0 }] }]);
  });

  test('is not given at a TaskManager that is away', () => {
    const pool = poolOf(tm('one', 2), tm('two', 2));
    pool.away('one');
    pool.request(A, 1, [{ taskManager: 'one', slot: 0 }]);
    expect(pool.serve()).toMatchObject([{ slots: [{ taskManager: 'two' }] }]);
  });
});

describe('slots free after the loss of the largest TaskManager', () => {
  test('counts what is used there, too: it has to go elsewhere', () => {
    const pool = poolOf(tm('small', 2), tm('large', 4));
    pool.request(A, 1);
    pool.serve();
    expect(pool.overview.freeAfterLargestLoss).toBe(1);
    pool.request(A, 2);
    pool.serve();
    expect(pool.overview.freeAfterLargestLoss).toBe(-1);
  });
});

/** Random events, and a model of who has what. */
const runRandomly = (seed: number): void => {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random.next() * limit);
  const pool = new SlotPool();
  const owned = new Map<string, JobId>();
  const alive = new Map<string, number>();
  const jobs: JobId[] = [];
  const waiting = new Map<number, JobId>();
  let made = 0;
  const serve = (): void => {
    for (const { requestId, jobId, slots } of pool.serve()) {
      expect(waiting.get(requestId)).toBe(jobId);
      waiting.delete(requestId);
      for (const { taskManager, slot } of slots) {
        const key = `${taskManager}/${slot}`;
        expect(owned.get(key), `slot ${key} is given twice`).toBeUndefined();
        expect(slot).toBeLessThan(alive.get(taskManager) ?? 0);
        owned.set(key, jobId);
      }
    }
  };
  const end = (jobId: JobId): void => {
    pool.release(jobId);
    jobs.splice(jobs.indexOf(jobId), 1);
    [...owned].filter(([, owner]) => owner === jobId).forEach(([key]) => owned.delete(key));
    [...waiting].filter(([, owner]) => owner === jobId).forEach(([id]) => waiting.delete(id));
  };
  const add = (slots: number): void => {
    const name = `tm${made++}`;
    alive.set(name, slots);
    pool.register(tm(name, slots), NOTHING);
  };
  for (let step = 0; step < 200; step++) {
    const dice = below(10);
    const [lost] = [...alive.keys()].slice(below(alive.size));
    const job = jobs[below(jobs.length)];
    if (dice < 3) {
      add(1 + below(4));
    } else if (dice < 7) {
      const jobId = `job${step}` as JobId;
      jobs.push(jobId);
      waiting.set(pool.request(jobId, 1 + below(5), [{ taskManager: `tm${below(made + 1)}`, slot: below(4) }]), jobId);
    } else if (dice < 8 && lost !== undefined) {
      alive.delete(lost);
      pool.lost(lost);
      [...owned.keys()].filter((key) => key.startsWith(`${lost}/`)).forEach((key) => owned.delete(key));
    } else if (job !== undefined) {
      end(job);
    }
    serve();
    const total = [...alive.values()].reduce((sum, slots) => sum + slots, 0);
    expect(pool.overview).toMatchObject({ total, free: total - owned.size });
  }
  // Nobody starves: as jobs end, everybody who waits is served in the end.
  add(5);
  for (let round = 0; waiting.size > 0; round++) {
    expect(round, 'requests that are never served').toBeLessThan(1000);
    const holder = [...owned.values()].find((jobId) => ![...waiting.values()].includes(jobId));
    serve();
    if (holder !== undefined && jobs.includes(holder)) {
      end(holder);
    }
    serve();
  }
};

test('whatever happens, no slot is given twice and nobody starves', () => {
  for (let seed = 1; seed <= 40; seed++) {
    try {
      runRandomly(seed);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

test('used slots stay even over TaskManagers of one size while jobs only come', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed);
    const pool = poolOf(tm('a', 8), tm('b', 8), tm('c', 8), tm('d', 8));
    for (let job = 0; job < 12; job++) {
      pool.request(`job${job}` as JobId, 1 + Math.floor(random.next() * 4));
      pool.serve();
      const free = pool.overview.taskManagers.map((each) => each.free);
      expect(Math.max(...free) - Math.min(...free), `seed ${seed}`).toBeLessThanOrEqual(1);
    }
  }
});

test('a slot that its job has no use for is free; that of another job is not touched', () => {
  const pool = poolOf(tm('a', 1));
  pool.request(A, 1);
  pool.serve();
  const slot = { taskManager: 'a', slot: 0 };
  pool.free(B, slot);
  expect(pool.ownerOf(slot)).toBe(A);
  pool.free(A, slot);
  expect(pool.overview).toMatchObject({ free: 1 });
  pool.free(A, { taskManager: 'gone', slot: 0 });
});

test('a TaskManager that is back has free what it ran of a job that nobody knows and does not report any more', () => {
  const pool = new SlotPool();
  const isKnown = (jobId: JobId): boolean => jobId === A;
  pool.register(
    tm('one', 3),
    new Map([
      [0, A],
      [1, B],
      [2, B],
    ] as const),
    isKnown,
  );
  pool.away('one');
  pool.register(tm('one', 3), new Map([[2, B]]), isKnown);
  expect([0, 1, 2].map((slot) => pool.ownerOf({ taskManager: 'one', slot }))).toEqual([A, undefined, B]);
});
