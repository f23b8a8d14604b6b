import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { attemptId, checkpointId, type JobId } from '../../../foundation/common/ids.ts';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { seededRandom } from '../../../foundation/common/random.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { attemptRefOf } from '../scheduler/deployments.ts';
import { ExecutionGraph } from '../scheduler/execution-graph.ts';
import { stateOf } from '../test-support/coordinator-driver.ts';
import { operatorIdOf, testGraph } from '../test-support/test-graph.ts';
import { CheckpointCoordinator } from './checkpoint-coordinator.ts';
import type { CheckpointStorage } from './checkpoint-storage.ts';

const GENERATION = { epoch: 1, number: 1 };
const TIMEOUT_MS = 10_000;

/** A job of one source; its storage notes what it is told to delete, and pointers are removed when the test says so. */
const start = () => {
  const execution = new ExecutionGraph(testGraph([{ name: 'a', parallelism: 1 }]));
  const attempt = attemptId(
    attemptRefOf(execution.subtask(0), { job: 'j' as JobId, graphVersion: 1, generation: GENERATION }),
  );
  const clock = new ManualClock();
  const removed = Promise.withResolvers<void>();
  const deleted: string[] = [];
  const note = (what: string) => async (): Promise<void> => void deleted.push(what);
  const storage: Partial<CheckpointStorage> = {
    writeMetadata: async () => ({ metadataPath: '/c/j/_metadata' }),
    deleteCheckpoint: note('retired'),
    collectLeftOvers: note('left-overs'),
    discard: note('discarded'),
    deleteAll: note('all'),
  };
  let id = 0;
  const coordinator = new CheckpointCoordinator({
    jobId: 'j' as JobId,
    execution,
    settings: { intervalMs: 1_000, minPauseMs: 0, timeoutMs: TIMEOUT_MS, tolerableFailures: 9, numRetained: 1 },
    checkpointFolder: '/c/j',
    completed: [],
    broken: [],
    firstDueMs: undefined,
    floor: 0,
    isStopping: false,
    finished: new Map(),
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    storage: storage as CheckpointStorage,
    store: {
      all: async () => [],
      add: async () => ({ outcome: 'written' }),
      settle: async () => ({ outcome: 'written' }),
      remove: () => removed.promise,
    },
    counter: { current: async () => id, next: async () => checkpointId(++id), raise: async () => {} },
    host: {
      snapshotEnumerators: (_id, done) => done(new Map([[operatorIdOf('a'), {}]])),
      command: () => {},
      completed: () => {},
      failJob: () => {},
      changed: () => {},
    },
  });
  const tasks = [{ index: 0, attempt, commitOnly: false }];
  coordinator.handle({ kind: 'deployed', tasks, generation: GENERATION, restored: undefined });
  coordinator.handle({ kind: 'task-running', attempt });
  /** The next one is triggered, and completes if its task acknowledges it. */
  const next = async (isAcknowledged: boolean): Promise<void> => {
    clock.advanceBy(1_000);
    await setImmediate();
    const times = { alignmentMs: 0, syncMs: 0, asyncMs: 0, writtenBytes: 1 };
    const report = { kind: 'acknowledge', attempt, checkpointId: checkpointId(id), final: false, ...times } as const;
    if (isAcknowledged) {
      coordinator.handle({ kind: 'acknowledged', report: { ...report, state: stateOf(0, id) } });
    } else {
      clock.advanceBy(TIMEOUT_MS);
    }
    await setImmediate();
  };
  return { coordinator, next, deleted, pointerRemoved: removed.resolve, pointerStays: removed.reject };
};

test('the pointer goes before the files, and what nobody told of goes last (I3, R16)', async () => {
  const { next, deleted, pointerRemoved } = start();
  await next(true);
  await next(false);
  await next(true);
  expect(deleted).toEqual(['discarded']);
  pointerRemoved();
  await setImmediate();
  expect(deleted).toEqual(['discarded', 'retired', 'left-overs']);
});

test('who leads no longer deletes nothing more, whatever it had begun (I1, R16)', async () => {
  const { coordinator, next, deleted, pointerRemoved } = start();
  await next(true);
  await next(false);
  await next(true);
  coordinator.abandon();
  pointerRemoved();
  await setImmediate();
  expect(deleted).toEqual(['discarded']);
});

test('with the job its checkpoints go, unless a pointer to one of them cannot be removed (I3)', async () => {
  const gone = start();
  await gone.next(true);
  gone.pointerRemoved();
  await gone.coordinator.shutDown('the job has ended', false);
  expect(gone.deleted).toEqual(['all']);
  const left = start();
  await left.next(true);
  left.pointerStays(new Error('it leads no longer'));
  await left.coordinator.shutDown('the job has ended', false);
  expect(left.deleted).toEqual([]);
});
