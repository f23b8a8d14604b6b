import { describe, expect, test } from 'vitest';
import { attemptId, type AttemptRef, type Generation, type JobId } from '../../../foundation/common/ids.ts';
import type { TaskState } from '../../protocol/task-commands.ts';
import { JobCoreDriver } from '../test-support/job-core-driver.ts';
import { vertexIdOf } from '../test-support/test-graph.ts';

const BEFORE: Generation = { epoch: 1, number: 4 };

/** Of the graph before, which had other vertices and more subtasks. */
const older = (vertex: string, subtask: number): AttemptRef => ({
  job: 'j' as JobId,
  graphVersion: 0,
  vertex: vertexIdOf(vertex),
  subtask,
  generation: BEFORE,
});
const GONE = older('gone', 0);
const WIDE = older('a', 7);

const takenOver = (): JobCoreDriver =>
  new JobCoreDriver({ kind: 'none' }, 'region', 2).handle({
    kind: 'recovered',
    generationFloor: BEFORE,
    regions: new Map(),
    covered: new Set(),
    predecessors: [GONE, WIDE].map(attemptId),
    taskManagers: ['x', 'y'],
    deadlineMs: 1_000,
    stopCompleted: false,
    restartCounts: {},
  });

const reported = (driver: JobCoreDriver, attempt: AttemptRef, state: TaskState): JobCoreDriver =>
  driver.handle({ kind: 'attempt-reported', attempt, state, isUnfit: false });

const ended = (driver: JobCoreDriver, attempt: AttemptRef): JobCoreDriver =>
  driver.handle({ kind: 'task-state', attempt: attemptId(attempt), state: 'CANCELED' });

describe('what an older version of the graph started', () => {
  test('is ended before anything starts (R1)', () => {
    const driver = takenOver();
    expect(driver.core.status).toBe('RECONCILING');
    expect(reported(driver, GONE, 'RUNNING').cancelled).toEqual([attemptId(GONE)]);
    expect(reported(driver, WIDE, 'RUNNING').cancelled).toEqual([attemptId(WIDE)]);
    expect(ended(driver, WIDE).recorded().deployed).toEqual([]);
    ended(driver, GONE).recorded();
    expect(driver.deployed).toEqual([0, 1, 2, 3]);
    expect(driver.core.status).toBe('RUNNING');
    expect(driver.core.restarts.total).toBe(0);
  });

  test('may have ended already, or be gone with its TaskManager', () => {
    const driver = takenOver();
    reported(driver, GONE, 'FINISHED');
    driver.handle({ kind: 'task-manager-settled', taskManager: 'x' });
    expect(driver.recorded().deployed).toEqual([]);
    driver.handle({ kind: 'task-manager-settled', taskManager: 'y' }).recorded();
    expect(driver.deployed).toEqual([0, 1, 2, 3]);
  });

  test('is given up when nobody reports it in time', () => {
    const driver = takenOver();
    expect(driver.core.nextWakeMs).toBe(1_000);
    expect(driver.at(999).recorded().deployed).toEqual([]);
    expect(driver.at(1_000).recorded().deployed).toEqual([0, 1, 2, 3]);
  });

  test('keeps the job from being CANCELED as long as it runs', () => {
    const driver = takenOver();
    reported(driver, GONE, 'RUNNING');
    driver.handle({ kind: 'cancel' });
    expect(driver.core.status).toBe('CANCELLING');
    expect(reported(driver, WIDE, 'RUNNING').cancelled).toEqual([attemptId(WIDE)]);
    ended(driver, GONE);
    expect(driver.core.status).toBe('CANCELLING');
    ended(driver, WIDE);
    expect(driver.core.status).toBe('CANCELED');
  });

  test('keeps its successors from starting where it turns up late', () => {
    const driver = takenOver();
    driver.at(1_000);
    reported(driver, WIDE, 'RUNNING');
    expect(driver.recorded().deployed).toEqual([]);
    ended(driver, WIDE).recorded();
    expect(driver.deployed).toEqual([0, 1, 2, 3]);
  });
});

describe('a job that another JobMaster goes on with', () => {
  const retiring = (): JobCoreDriver => new JobCoreDriver({ kind: 'none' }).running().handle({ kind: 'retire' });

  test('ends all its tasks, and then is SUSPENDED', () => {
    const driver = retiring();
    expect(driver.cancelled).toHaveLength(4);
    expect(driver.core.status).toBe('RESTARTING');
    [0, 1, 2].forEach((index) => driver.task(index, 'CANCELED'));
    expect(driver.core.status).toBe('RESTARTING');
    driver.task(3, 'CANCELED');
    expect(driver.core.status).toBe('SUSPENDED');
    expect(driver.actions.at(-1)).toMatchObject({ kind: 'ended', status: 'SUSPENDED' });
  });

  test('starts nothing and fails no more, whatever becomes of its tasks', () => {
    const driver = retiring();
    driver.task(0, 'FAILED', { name: 'Error', message: 'boom' });
    driver.handle({ kind: 'fail', error: { name: 'Error', message: 'boom' }, fatal: true });
    driver.task(2, 'CANCELED');
    expect(driver.core.nextWakeMs).toBe(Infinity);
    expect(driver.at(10_000).recorded().deployed).toEqual([]);
    [1, 3].forEach((index) => driver.task(index, 'CANCELED'));
    expect(driver.core.status).toBe('SUSPENDED');
  });

  test('is not one that is being ended', () => {
    const driver = new JobCoreDriver({ kind: 'none' }).running();
    driver.handle({ kind: 'cancel' }).handle({ kind: 'retire' }).all('CANCELED');
    expect(driver.core.status).toBe('CANCELED');
  });
});
