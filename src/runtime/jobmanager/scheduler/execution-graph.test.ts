import { describe, expect, test } from 'vitest';
import { testGraph } from '../test-support/test-graph.ts';
import { ExecutionGraph } from './execution-graph.ts';
import { FixedSlots, SlotTable, slotsNeeded, type SlotRef } from './slot-table.ts';

const regionsOf = (graph: ReturnType<typeof testGraph>): string[][] => {
  const execution = new ExecutionGraph(graph);
  return execution.regions.map((region) =>
    region.map((index) => {
      const { vertex, subtask } = execution.subtask(index);
      return `${vertex.name}${subtask}`;
    }),
  );
};

describe('regions', () => {
  const source = { name: 'a', parallelism: 2 };
  const sink = { name: 'b', parallelism: 2 };

  test('forward: one for each pipeline', () => {
    expect(regionsOf(testGraph([source, sink], [['a', 'b', 'forward']]))).toEqual([
      ['a0', 'b0'],
      ['a1', 'b1'],
    ]);
  });

  test.each(['hash', 'rebalance', 'broadcast', 'global', 'custom'] as const)('%s: everything', (partitioning) => {
    expect(regionsOf(testGraph([source, sink], [['a', 'b', partitioning]]))).toEqual([['a0', 'a1', 'b0', 'b1']]);
  });

  test('rescale: one for each group', () => {
    const graph = testGraph([source, { name: 'b', parallelism: 4 }], [['a', 'b', 'rescale']]);
    expect(regionsOf(graph)).toEqual([
      ['a0', 'b0', 'b1'],
      ['a1', 'b2', 'b3'],
    ]);
  });

  test('what is not connected stays apart', () => {
    expect(regionsOf(testGraph([source, sink]))).toEqual([['a0'], ['a1'], ['b0'], ['b1']]);
  });

  test('two inputs join their producers', () => {
    const graph = testGraph(
      [source, { name: 'c', parallelism: 1 }, sink],
      [
        ['a', 'b', 'forward'],
        ['c', 'b', 'hash'],
      ],
    );
    expect(regionsOf(graph)).toHaveLength(1);
  });
});

test('subtasks come in topological order, whatever the order of the vertices', () => {
  const execution = new ExecutionGraph(
    testGraph(
      [
        { name: 'b', parallelism: 1 },
        { name: 'a', parallelism: 2 },
      ],
      [['a', 'b', 'hash']],
    ),
  );
  expect(execution.subtasks.map(({ vertex, subtask }) => `${vertex.name}${subtask}`)).toEqual(['a0', 'a1', 'b0']);
  expect(execution.someProducer(2, (producer) => producer === 1)).toBe(true);
  expect(execution.someProducer(0, () => true)).toBe(false);
});

test('forward between different parallelisms names both vertices', () => {
  const graph = testGraph(
    [
      { name: 'a', parallelism: 2 },
      { name: 'b', parallelism: 3 },
    ],
    [['a', 'b', 'forward']],
  );
  expect(() => new ExecutionGraph(graph)).toThrow(/"a" \(parallelism 2\) cannot forward to "b" \(parallelism 3\)/);
});

test('100 x 100 all-to-all is expanded quickly', () => {
  const vertices = ['a', 'b', 'c'].map((name) => ({ name, parallelism: 300 }));
  expect(
    regionsOf(
      testGraph(vertices, [
        ['a', 'b', 'hash'],
        ['b', 'c', 'hash'],
      ]),
    ),
  ).toHaveLength(1);
});

describe('slots', () => {
  const graph = testGraph([
    { name: 'a', parallelism: 2 },
    { name: 'b', parallelism: 3 },
    { name: 'c', parallelism: 1, group: 'heavy' },
  ]);

  test('a group needs its highest parallelism', () => {
    expect(slotsNeeded(graph)).toEqual(
      new Map([
        ['default', 3],
        ['heavy', 1],
      ]),
    );
  });

  const execution = new ExecutionGraph(graph);
  const all = execution.subtasks.map(({ index }) => index);
  const slotOf = (slots: SlotTable, vertex: number, subtask: number): SlotRef =>
    slots.slotOf({ vertex: graph.vertices[vertex]!, subtask });

  test('subtask i of each vertex shares the i-th slot of the group', async () => {
    const slots = new SlotTable(execution, new FixedSlots(graph, 'tm', 5));
    await slots.acquire(all);
    const of = (vertex: number, subtask: number): number => slotOf(slots, vertex, subtask).slot;
    expect([of(0, 0), of(0, 1), of(1, 0), of(1, 2), of(2, 0)]).toEqual([0, 1, 0, 2, 3]);
  });

  test('what is there is kept, only what was lost is asked for again, and once', async () => {
    const requests: { count: number; resolve: (slots: readonly SlotRef[]) => void }[] = [];
    const slots = new SlotTable(execution, {
      request: (count) => new Promise((resolve) => requests.push({ count, resolve })),
      settled: () => Promise.resolve(),
      close: () => {},
    });
    const first = slots.acquire(all);
    const again = slots.acquire([0]);
    expect(requests.map(({ count }) => count)).toEqual([4]);
    requests[0]!.resolve(['x', 'x', 'y', 'y'].map((taskManager, slot) => ({ taskManager, slot })));
    await Promise.all([first, again]);
    expect(slots.taskManagersOf(all)).toEqual(['x', 'y']);
    slots.lost('x');
    const second = slots.acquire(all);
    expect(requests.map(({ count }) => count)).toEqual([4, 2]);
    requests[1]!.resolve([6, 7].map((slot) => ({ taskManager: 'z', slot })));
    await second;
    expect(slots.taskManagersOf(all)).toEqual(['z', 'y']);
    expect(slotOf(slots, 1, 2)).toEqual({ taskManager: 'y', slot: 2 });
  });

  test('too few: the error says how many are missing', async () => {
    await expect(new SlotTable(execution, new FixedSlots(graph, 'tm', 2)).acquire(all)).rejects.toThrow(
      'job "test-job" needs 4 slots (3 for slot sharing group "default", 1 for slot sharing group "heavy"), 2 are there: 2 slots missing',
    );
  });
});
