import { describe, expect, test } from 'vitest';
import type { CheckpointPointer } from '../../../coordination/completed-checkpoint-store.ts';
import { EMPTY_JOB_RECORD, type GenerationRecord } from '../../../coordination/job-record-store.ts';
import { checkpointId } from '../../../foundation/common/ids.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import { ExecutionGraph } from '../scheduler/execution-graph.ts';
import { operatorIdOf, testGraph, vertexIdOf } from '../test-support/test-graph.ts';
import type { JobMasterOptions } from './job-master-options.ts';
import { awaitedTaskManagers, firstDueInMs, recover } from './recovery.ts';

const generation = { epoch: 1, number: 1 };
const started = { regions: new Map(), newest: generation, predecessors: [] };
const completed = (id: number, triggeredMs: number): CompletedCheckpoint =>
  ({ checkpointId: checkpointId(id), metadata: { triggeredMs } }) as CompletedCheckpoint;

test.each([
  ['what is left of it', 4, 10_200, 800],
  ['nothing when it is over', 4, 12_000, 0],
  ['nothing when a checkpoint was pending (R10)', 5, 10_200, 0],
  ['no more than an interval, whatever the clocks say', 4, 9_000, 1_000],
])('under a new leader the interval goes on: %s', (_, floor, nowMs, dueInMs) => {
  expect(firstDueInMs({ completed: [completed(4, 10_000)], floor, started }, 1_000, nowMs)).toBe(dueInMs);
});

test('a job that was never started, or has no interval, begins with its tasks', () => {
  const never = { ...started, newest: undefined };
  expect(firstDueInMs({ completed: [], floor: 0, started: never }, 1_000, 5_000)).toBeUndefined();
  expect(firstDueInMs({ completed: [], floor: 0, started }, undefined, 5_000)).toBeUndefined();
  expect(firstDueInMs({ completed: [], floor: 0, started }, 1_000, 5_000)).toBe(0);
});

describe('subtasks that nobody needs to report (R11)', () => {
  /** Subtasks 0, 1 (sources), 2, 3 (sinks); regions {0, 2} and {1, 3}. */
  const execution = new ExecutionGraph(
    testGraph(
      [
        { name: 'a', parallelism: 2 },
        { name: 'b', parallelism: 2 },
      ],
      [['a', 'b', 'forward']],
    ),
  );
  const start = (number: number, subtask: number, restored?: number): GenerationRecord => ({
    generation: { epoch: 1, number },
    graphVersion: 1,
    restored: restored === undefined ? undefined : checkpointId(restored),
    subtasks: [`${vertexIdOf('a')}/${subtask}`, `${vertexIdOf('b')}/${subtask}`],
    taskManagers: [{ instanceId: `tm-${subtask}` }, { instanceId: 'tm-both' }],
  });
  /** Checkpoint 7, taken in generation 2, knows of the end of the first pipeline. */
  const metadata = {
    checkpointId: 7,
    generation: { epoch: 1, number: 2 },
    operators: ['a', 'b'].map((name) => ({
      operatorId: operatorIdOf(name),
      name,
      parallelism: 2,
      maxParallelism: 128,
      subtasks: [],
      finishedSubtasks: [0],
      committedSubtasks: [0],
    })),
  };
  const recovered = (generations: readonly GenerationRecord[]) =>
    recover(execution, {
      graphVersion: 1,
      checkpoints: { all: () => Promise.resolve([{ checkpointId: 7 } as CheckpointPointer]) },
      checkpointIds: { raise: () => Promise.resolve(), current: () => Promise.resolve(7) },
      storage: { readMetadata: () => Promise.resolve(metadata) },
      restore: undefined,
      records: { read: () => Promise.resolve({ ...EMPTY_JOB_RECORD, generations }) },
    } as unknown as JobMasterOptions);

  test.each([
    ['the checkpoint was taken in their generation', start(2, 0), [0, 2]],
    ['the checkpoint was taken in a later one', start(1, 0), [0, 2]],
    ['they started again from the checkpoint', start(3, 0, 7), [0, 2]],
    ['they went back behind it', start(3, 0, 6), []],
    ['they went back to the beginning', start(3, 0), []],
  ])('they ended: %s', async (_, first, covered) => {
    const recovery = await recovered([first, start(4, 1, 7)]);
    expect([...recovery.covered]).toEqual(covered);
    const awaited = awaitedTaskManagers(execution, recovery).map(({ instanceId }) => instanceId);
    expect(awaited.sort()).toEqual(covered.length > 0 ? ['tm-1', 'tm-both'] : ['tm-0', 'tm-1', 'tm-both']);
  });
});
