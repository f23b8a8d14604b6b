import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { JobId } from '../../../foundation/common/ids.ts';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { ExecutionGraph } from '../scheduler/execution-graph.ts';
import { SlotTable, type SlotRef } from '../scheduler/slot-table.ts';
import { testGraph } from '../test-support/test-graph.ts';
import { JobSlots } from './job-slots.ts';
import { SlotPool } from './slot-pool.ts';

const A = 'a' as JobId;
const B = 'b' as JobId;
const SUBTASKS = [0, 1, 2, 3];

/** Three TaskManagers with two slots each, and a job that has four of them. */
const running = async () => {
  const pool = new SlotPool();
  const slots = new JobSlots(pool, silentLogger);
  const register = (name: string, used: readonly number[] = []): void =>
    void pool.register({ instanceId: name, resourceId: name, slots: 2 }, new Map(used.map((slot) => [slot, A])));
  ['one', 'two', 'three'].forEach((name) => register(name));
  const execution = new ExecutionGraph(testGraph([{ name: 'a', parallelism: SUBTASKS.length }]));
  const table = new SlotTable(execution, slots.of(A));
  await table.acquire(SUBTASKS);
  const slotOf = (index: number): SlotRef | undefined => table.find(execution.subtask(index));
  return { pool, slots, register, table, slotOf };
};

test('TaskManagers that were given up come back while their slots are waited for: they are the slots, and none is lost', async () => {
  const { pool, slots, register, table, slotOf } = await running();
  const before = SUBTASKS.map((index) => ({ index, slot: slotOf(index)! }));
  const lost = before.filter(({ slot }) => slot.taskManager !== 'one');
  for (const name of ['two', 'three']) {
    pool.lost(name);
    table.lost(name);
  }
  const waiting = table.acquire(SUBTASKS);
  expect(pool.overview).toMatchObject({ waiting: [{ jobId: A, requested: lost.length }] });
  for (const name of ['two', 'three']) {
    // What ran there has not been told to end yet: it is reported with its slots.
    const back = lost.filter(({ slot }) => slot.taskManager === name);
    register(
      name,
      back.map(({ slot }) => slot.slot),
    );
    back.forEach(({ index, slot }) => table.adopt(index, slot));
    slots.serve();
    await setImmediate();
  }
  await waiting;
  expect(SUBTASKS.map(slotOf)).toEqual(before.map(({ slot }) => slot));
  table.trim();
  expect(pool.overview).toMatchObject({ total: 6, free: 2, waiting: [] });
});

test('a slot where an attempt ran that nobody goes on with is free for others once the job has its slots', async () => {
  const { pool, slots, register, table, slotOf } = await running();
  const { taskManager } = slotOf(3)!;
  pool.lost(taskManager);
  table.lost(taskManager);
  register('four');
  slots.serve();
  await table.acquire(SUBTASKS);
  register(taskManager, [1]);
  const wanted = pool.overview.free + 1;
  const granted = slots.of(B).request(wanted);
  table.trim();
  expect(await granted).toHaveLength(wanted);
});
