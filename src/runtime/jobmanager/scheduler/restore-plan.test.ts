import { describe, expect, test } from 'vitest';
import type { JobGraph } from '../../../pipeline/graph/job-graph.ts';
import { keyGroupRangeOf } from '../../../foundation/common/key-groups.ts';
import type { CheckpointMetadata, OperatorMetadata } from '../../checkpoint/metadata.ts';
import type { KeyedStateHandle, OperatorSubtaskState } from '../../state/state-handle.ts';
import { operatorIdOf, testGraph } from '../test-support/test-graph.ts';
import { ExecutionGraph } from './execution-graph.ts';
import { RestorePlan } from './restore-plan.ts';

const keyed = (start: number, end: number): KeyedStateHandle => ({
  keyGroupStart: start,
  keyGroupEnd: end,
  backendId: `b${start}`,
  segments: [],
});

const inline = (text: string): OperatorSubtaskState => ({
  keyed: [],
  operatorState: { kind: 'inline', bytes: new TextEncoder().encode(text) },
});

const stored = (name: string, changes: Partial<OperatorMetadata>): OperatorMetadata => ({
  operatorId: operatorIdOf(name),
  name,
  kind: 'test',
  parallelism: 2,
  maxParallelism: 128,
  subtasks: [],
  finishedSubtasks: [],
  ...changes,
});

const planFor = (graph: JobGraph, operators: OperatorMetadata[], allowNonRestoredState = false): RestorePlan => {
  const metadata: CheckpointMetadata = {
    jobId: 'j',
    jobName: 'j',
    checkpointId: 5,
    kind: 'checkpoint',
    triggeredMs: 0,
    completedMs: 0,
    generation: { epoch: 1, number: 3 },
    graphFingerprint: '',
    operators,
  };
  const point = { metadata, baseFolder: '/c/j', metadataPath: '/c/j/chk-5/_metadata' };
  return new RestorePlan(new ExecutionGraph(graph), point, { allowNonRestoredState });
};

const statesOf = (plan: RestorePlan, graph: JobGraph, index: number): readonly string[] =>
  plan
    .taskRestore(new ExecutionGraph(graph).subtask(index), false)
    .operators.flatMap(({ states }) =>
      states.flatMap((state) => state.keyed.map(({ keyGroupStart, keyGroupEnd }) => `${keyGroupStart}-${keyGroupEnd}`)),
    );

describe('keyed state goes by key groups', () => {
  const old = [0, 1].map((subtask) => {
    const { start, end } = keyGroupRangeOf(subtask, 128, 2);
    return { keyed: [keyed(start, end)] };
  });

  test.each([
    { parallelism: 1, index: 0, expected: ['0-63', '64-127'] },
    { parallelism: 2, index: 0, expected: ['0-63'] },
    { parallelism: 2, index: 1, expected: ['64-127'] },
    { parallelism: 3, index: 0, expected: ['0-63'] },
    { parallelism: 3, index: 1, expected: ['0-63', '64-127'] },
    { parallelism: 3, index: 2, expected: ['64-127'] },
  ])('parallelism $parallelism, subtask $index', ({ parallelism, index, expected }) => {
    const graph = testGraph([{ name: 'a', parallelism }]);
    expect(statesOf(planFor(graph, [stored('a', { subtasks: old })]), graph, index)).toEqual(expected);
  });
});

test('operator state goes to every subtask, the place is the old subtask', () => {
  const graph = testGraph([{ name: 'a', parallelism: 3 }]);
  const plan = planFor(graph, [stored('a', { subtasks: [undefined, inline('x')] })]);
  const [restore] = plan.taskRestore(new ExecutionGraph(graph).subtask(2), false).operators;
  expect(restore?.operatorStates).toEqual([{ keyed: [] }, inline('x')]);
});

test('an operator that was added starts empty', () => {
  const graph = testGraph([{ name: 'new', parallelism: 1 }]);
  expect(planFor(graph, []).taskRestore(new ExecutionGraph(graph).subtask(0), false).operators).toEqual([]);
});

describe('an operator that was removed', () => {
  const graph = testGraph([{ name: 'a', parallelism: 1 }]);

  test('with state is an error that names it', () => {
    const gone = stored('gone', { uid: 'sums', subtasks: [inline('x')] });
    expect(() => planFor(graph, [gone])).toThrow(/state of operator "gone" \(uid "sums"\).*--allowNonRestoredState/);
  });

  test('with an enumerator has state', () => {
    expect(() => planFor(graph, [stored('gone', { enumerator: {} })])).toThrow(/no uid, id o-gone/);
  });

  test('without state, or allowed, is dropped', () => {
    expect(() => planFor(graph, [stored('gone', { subtasks: [undefined, { keyed: [] }] })])).not.toThrow();
    expect(() => planFor(graph, [stored('gone', { subtasks: [inline('x')] })], true)).not.toThrow();
  });
});

test('another maximum parallelism is an error where there is keyed state', () => {
  const graph = testGraph([{ name: 'a', parallelism: 1, maxParallelism: 64 }]);
  expect(() => planFor(graph, [stored('a', { subtasks: [{ keyed: [keyed(0, 127)] }] })])).toThrow(
    /"a" has maximum parallelism 64, its state in .* was written with 128/,
  );
  expect(() => planFor(graph, [stored('a', { subtasks: [inline('x')] })])).not.toThrow();
});

describe('subtasks that had ended', () => {
  const graph = (parallelism: number, partitioning: 'forward' | 'hash'): JobGraph =>
    testGraph(
      [
        { name: 'a', parallelism },
        { name: 'b', parallelism },
      ],
      [['a', 'b', partitioning]],
    );

  test.each([
    { name: 'both of a pipeline', parallelism: 2, by: 'forward', a: [1], b: [1], expected: [1, 3] },
    { name: 'the producer alone', parallelism: 2, by: 'forward', a: [0], b: [], expected: [0] },
    { name: 'a consumer whose producer goes on has not', parallelism: 2, by: 'forward', a: [], b: [0], expected: [] },
    { name: 'one producer of several goes on', parallelism: 2, by: 'hash', a: [0], b: [0, 1], expected: [0] },
    { name: 'everything', parallelism: 2, by: 'hash', a: [0, 1], b: [0, 1], expected: [0, 1, 2, 3] },
    { name: 'with another parallelism all run again', parallelism: 3, by: 'hash', a: [0, 1], b: [0, 1], expected: [] },
  ] as const)('$name', ({ parallelism, by, a, b, expected }) => {
    const operators = [stored('a', { finishedSubtasks: a }), stored('b', { finishedSubtasks: b })];
    expect([...planFor(graph(parallelism, by), operators).finished]).toEqual(expected);
  });

  test.each([
    { name: 'a sink of which nobody knows whether it has committed', b: {}, expected: [0, 1] },
    { name: 'a sink that has committed', b: { committedSubtasks: [0] }, expected: [0, 1, 2] },
  ])('nothing is left to do of them, but of $name', ({ b, expected }) => {
    const finishedSubtasks = [0, 1];
    const operators = [stored('a', { finishedSubtasks }), stored('b', { finishedSubtasks, ...b })];
    expect([...planFor(graph(2, 'forward'), operators).settled]).toEqual(expected);
  });
});
