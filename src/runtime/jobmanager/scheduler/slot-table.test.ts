import { expect, test } from 'vitest';
import { present } from '../../../foundation/common/assert.ts';
import { testGraph } from '../test-support/test-graph.ts';
import { ExecutionGraph } from './execution-graph.ts';
import { type SlotRef, SlotTable } from './slot-table.ts';

const at = (taskManager: string, slot: number): SlotRef => ({ taskManager, slot });

/** Three subtasks of two vertices, which share slots; the provider notes what is asked for. */
const setUp = () => {
  const execution = new ExecutionGraph(
    testGraph(
      [
        { name: 'a', parallelism: 3 },
        { name: 'b', parallelism: 3 },
      ],
      [['a', 'b', 'rebalance']],
    ),
  );
  const asked: (readonly (SlotRef | undefined)[])[] = [];
  const table = new SlotTable(execution, {
    request: (count, preferred = []) => {
      asked.push(preferred);
      return Promise.resolve(Array.from({ length: count }, (_, slot) => at(`new-${asked.length}`, slot)));
    },
    close: () => {},
  });
  const indices = execution.subtasks.map(({ index }) => index);
  return { execution, table, asked, indices };
};

test('who loses a TaskManager gets another slot; the others keep theirs', async () => {
  const { table, asked, indices, execution } = setUp();
  indices.forEach((index) => table.adopt(index, at(index % 3 === 1 ? 'lost' : 'kept', index % 3)));
  table.lost('lost');
  await table.acquire(indices);
  expect(asked).toEqual([[undefined]]);
  const slots = indices.map((index) => table.slotOf(present(execution.subtasks[index], 'subtask')));
  const expected = [at('kept', 0), at('new-1', 0), at('kept', 2)];
  expect(slots).toEqual([...expected, ...expected]);
});

test('a new leader asks for the slots where the newest attempts ran', async () => {
  const { table, asked, indices } = setUp();
  table.ranAt(0, at('older', 0), { epoch: 1, number: 4 });
  table.ranAt(0, at('newest', 1), { epoch: 1, number: 5 });
  table.ranAt(3, at('oldest', 2), { epoch: 1, number: 3 });
  table.adopt(1, at('running', 0));
  await table.acquire(indices);
  expect(asked).toEqual([[at('newest', 1), undefined]]);
});
