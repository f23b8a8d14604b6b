import { describe, expect, test } from 'vitest';
import { testGraph } from '../test-support/test-graph.ts';
import { ExecutionGraph } from './execution-graph.ts';
import { SlotAssignment, slotsNeeded } from './slot-assignment.ts';

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

  test('subtask i of each vertex shares the i-th slot of the group', () => {
    const slots = new SlotAssignment(graph, [7, 8, 9, 10, 11]);
    const of = (vertex: number, subtask: number): number => slots.slotOf({ vertex: graph.vertices[vertex]!, subtask });
    expect([of(0, 0), of(0, 1), of(1, 0), of(1, 2), of(2, 0)]).toEqual([7, 8, 7, 9, 10]);
  });

  test('too few: the error says how many are missing', () => {
    expect(() => new SlotAssignment(graph, [0, 1])).toThrow(
      'job "test-job" needs 4 slots (3 for slot sharing group "default", 1 for slot sharing group "heavy"), 2 are there: 2 slots missing',
    );
  });
});
