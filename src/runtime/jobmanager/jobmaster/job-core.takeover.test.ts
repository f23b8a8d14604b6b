import { describe, expect, test } from 'vitest';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import { attemptId, type AttemptRef, type Generation, type JobId } from '../../../foundation/common/ids.ts';
import type { TaskState } from '../../protocol/task-commands.ts';
import type { RestartStrategyOptions } from '../failover/restart-strategy.ts';
import { JobCoreDriver } from '../test-support/job-core-driver.ts';
import { vertexIdOf } from '../test-support/test-graph.ts';

const FIXED: RestartStrategyOptions = { kind: 'fixed-delay', attempts: 3, delayMs: 100 };
const BEFORE: Generation = { epoch: 1, number: 4 };
const boom: ErrorInfo = { name: 'TypeError', message: 'boom' };

/** Subtasks 0 (a0), 1 (a1), 2 (b0), 3 (b1); regions {0, 2} and {1, 3}. */
const refOf = (index: number, generation = BEFORE): AttemptRef => ({
  job: 'j' as JobId,
  graphVersion: 1,
  vertex: vertexIdOf(index < 2 ? 'a' : 'b'),
  subtask: index % 2,
  generation,
});

const report = (
  driver: JobCoreDriver,
  index: number,
  state: TaskState,
  generation = BEFORE,
  error?: ErrorInfo,
): void => {
  driver.handle({
    kind: 'attempt-reported',
    attempt: refOf(index, generation),
    state,
    isUnfit: false,
    ...(error === undefined ? {} : { error }),
  });
};

const takenOver = (
  taskManagers: readonly string[] | undefined = ['x', 'y'],
  strategy: RestartStrategyOptions = FIXED,
  covered: readonly number[] = [],
): JobCoreDriver =>
  new JobCoreDriver(strategy, 'region', 2).handle({
    kind: 'recovered',
    generationFloor: BEFORE,
    regions: new Map([
      [0, BEFORE],
      [1, BEFORE],
    ]),
    covered: new Set(covered),
    taskManagers,
    deadlineMs: 1_000,
    stopCompleted: false,
    predecessors: [],
    restartCounts: {},
  });

const adopted = (driver: JobCoreDriver): readonly (readonly number[])[] =>
  driver.history.flatMap((action) => (action.kind === 'adopt' ? [action.indices] : []));

describe('a new leader', () => {
  test('leaves alone what runs: each region goes on once all of it was reported (I9)', () => {
    const driver = takenOver();
    expect(driver.core.status).toBe('RECONCILING');
    report(driver, 0, 'RUNNING');
    expect(adopted(driver)).toEqual([]);
    report(driver, 2, 'RUNNING');
    expect(adopted(driver)).toEqual([[0, 2]]);
    expect(driver.core.isActive(attemptId(refOf(0)))).toBe(true);
    report(driver, 1, 'INITIALIZING');
    report(driver, 3, 'RUNNING');
    expect(adopted(driver)).toEqual([
      [0, 2],
      [1, 3],
    ]);
    expect(driver.core.status).toBe('RUNNING');
    expect(driver.core.restarts.total).toBe(0);
    expect(driver.core.nextWakeMs).toBe(Infinity);
  });

  test('restarts a region of which nobody reported all in time, the other one goes on (R1)', () => {
    const driver = takenOver();
    [0, 2, 1].forEach((index) => report(driver, index, 'RUNNING'));
    expect(driver.core.nextWakeMs).toBe(1_000);
    driver.at(1_000);
    expect(driver.cancelled).toEqual([attemptId(refOf(1))]);
    expect(driver.core.status).toBe('RESTARTING');
    driver
      .handle({ kind: 'task-state', attempt: attemptId(refOf(1)), state: 'CANCELED' })
      .at(1_100)
      .recorded();
    expect(driver.deployed).toEqual([1, 3]);
    expect(driver.attempts.get(1)).toContain('/2.1');
    expect(driver.core.status).toBe('RUNNING');
  });

  test('waits no longer than for the TaskManagers that may run something', () => {
    const driver = takenOver();
    [0, 2].forEach((index) => report(driver, index, 'RUNNING'));
    driver.handle({ kind: 'task-manager-settled', taskManager: 'x' });
    expect(driver.core.status).toBe('RECONCILING');
    driver.handle({ kind: 'task-manager-settled', taskManager: 'y' });
    expect(driver.core.status).toBe('RESTARTING');
  });

  test('finds nothing left of the job: it starts again, whatever the restart strategy says, and that is no restart', () => {
    const driver = takenOver(['x', 'y'], { kind: 'none' });
    driver.handle({ kind: 'task-manager-settled', taskManager: 'x' });
    driver.handle({ kind: 'task-manager-settled', taskManager: 'y' }).recorded();
    expect(driver.deployed).toEqual([0, 1, 2, 3]);
    expect(driver.statuses).toEqual(['RECONCILING', 'RESTARTING', 'RUNNING']);
    expect(driver.core.restarts.total).toBe(0);
  });

  test('finds a part of a region: what is missing is a failure, for the restart strategy to decide', () => {
    const driver = takenOver(['x', 'y'], { kind: 'none' });
    report(driver, 0, 'RUNNING');
    driver.handle({ kind: 'task-manager-settled', taskManager: 'x' });
    driver.handle({ kind: 'task-manager-settled', taskManager: 'y' });
    expect(driver.core.status).toBe('FAILING');
  });

  test('finds one region and nothing of another, as where its leader died before it deployed it: that starts, and nothing counts (R13)', () => {
    const driver = takenOver(['x', 'y'], { kind: 'none' });
    [0, 2].forEach((index) => report(driver, index, 'RUNNING'));
    driver.handle({ kind: 'task-manager-settled', taskManager: 'x' });
    driver.handle({ kind: 'task-manager-settled', taskManager: 'y' }).recorded();
    expect(driver.deployed).toEqual([1, 3]);
    expect(driver.core.restarts.total).toBe(0);
    expect(driver.core.status).toBe('RUNNING');
  });

  test('does not end the wait early where nobody knows who may run something', () => {
    const driver = takenOver(undefined).handle({ kind: 'task-manager-settled', taskManager: 'x' });
    expect(driver.core.status).toBe('RECONCILING');
    expect(driver.at(1_000).core.status).toBe('RESTARTING');
  });

  test('a task that failed without a leader: its region restarts', () => {
    const driver = takenOver();
    [0, 1, 3].forEach((index) => report(driver, index, 'RUNNING'));
    report(driver, 2, 'FAILED', BEFORE, boom);
    expect(driver.cancelled).toEqual([attemptId(refOf(0))]);
    expect(adopted(driver)).toEqual([[1, 3]]);
  });

  test('all tasks finished without a leader: so has the job', () => {
    const driver = takenOver();
    [0, 1, 2, 3].forEach((index) => report(driver, index, 'FINISHED'));
    expect(driver.actions.at(-1)).toMatchObject({ kind: 'ended', status: 'FINISHED' });
  });

  test('of a region that finished, as the newest checkpoint says, nobody has to report anything (R11)', () => {
    const driver = takenOver(['x'], FIXED, [0, 2]);
    expect(adopted(driver)).toEqual([[0, 2]]);
    [1, 3].forEach((index) => report(driver, index, 'RUNNING'));
    expect(driver.core.status).toBe('RUNNING');
    expect(driver.at(1_000).core.status).toBe('RUNNING');
    expect(driver.core.restarts.total).toBe(0);
    [1, 3].forEach((index) => report(driver, index, 'FINISHED'));
    expect(driver.actions.at(-1)).toMatchObject({ kind: 'ended', status: 'FINISHED' });
  });

  test('a subtask that finished, as the newest checkpoint says, and whose TaskManager is gone restarts nothing (R11)', () => {
    const driver = takenOver(['x', 'y'], { kind: 'none' }, [0]);
    [1, 2, 3].forEach((index) => report(driver, index, 'RUNNING'));
    driver.handle({ kind: 'task-manager-settled', taskManager: 'x' });
    expect(driver.core.status).toBe('RECONCILING');
    driver.handle({ kind: 'task-manager-settled', taskManager: 'y' });
    expect(adopted(driver)).toEqual([
      [1, 3],
      [0, 2],
    ]);
    expect(driver.core.status).toBe('RUNNING');
    expect(driver.history).toContainEqual({ kind: 'task-switched', index: 0, from: 'RECONCILING', to: 'FINISHED' });
  });

  test('a subtask that finished, as the newest checkpoint says, may still be reported: it goes on to its end (R11)', () => {
    const driver = takenOver(['x', 'y'], FIXED, [0]);
    [0, 1, 2, 3].forEach((index) => report(driver, index, 'RUNNING'));
    expect(driver.cancelled).toEqual([]);
    expect(driver.core.isActive(attemptId(refOf(0)))).toBe(true);
  });

  test('beside a subtask that finished one is missing that did not: the region restarts, also with the one that finished', () => {
    const driver = takenOver(['x'], FIXED, [0]);
    [1, 3].forEach((index) => report(driver, index, 'RUNNING'));
    driver.handle({ kind: 'task-manager-settled', taskManager: 'x' }).at(100).recorded();
    expect(driver.deployed).toEqual([0, 2]);
    expect(adopted(driver)).toEqual([[1, 3]]);
  });

  test('what still runs of a region that finished, as the newest checkpoint says, is ended', () => {
    const driver = takenOver(['x'], FIXED, [0, 2]);
    report(driver, 0, 'RUNNING');
    expect(driver.cancelled).toEqual([attemptId(refOf(0))]);
    [1, 3].forEach((index) => report(driver, index, 'FINISHED'));
    expect(driver.core.status).toBe('FINISHED');
  });

  test('everything was stopped: a region that had finished is not started again (R11)', () => {
    const driver = takenOver(['x'], { kind: 'none' }, [0, 2]);
    driver.handle({ kind: 'task-manager-settled', taskManager: 'x' }).recorded();
    expect(driver.deployed).toEqual([1, 3]);
    expect(driver.core.restarts.total).toBe(0);
  });

  test('an attempt of another generation is ended, and its region waits for that end', () => {
    const driver = takenOver();
    const old: Generation = { epoch: 1, number: 3 };
    report(driver, 0, 'RUNNING', old);
    expect(driver.cancelled).toEqual([attemptId(refOf(0, old))]);
    driver.at(1_000).at(2_000).recorded();
    expect(driver.deployed).toEqual([1, 3]);
    driver.handle({ kind: 'task-state', attempt: attemptId(refOf(0, old)), state: 'CANCELED' }).recorded();
    expect(driver.deployed).toEqual([0, 2]);
  });

  test('an attempt that was given up turns up while its region is being started: first it ends (R1)', () => {
    const driver = takenOver().at(1_000).at(1_100);
    report(driver, 0, 'RUNNING');
    expect(driver.cancelled).toEqual([attemptId(refOf(0))]);
    driver.recorded();
    expect(driver.deployed).toEqual([1, 3]);
    driver.handle({ kind: 'task-state', attempt: attemptId(refOf(0)), state: 'CANCELED' }).recorded();
    expect(driver.deployed).toEqual([0, 2]);
  });

  test('an attempt that is of no use is ended, and its region starts anew', () => {
    const driver = takenOver();
    driver.handle({ kind: 'attempt-reported', attempt: refOf(0), state: 'RUNNING', isUnfit: true });
    expect(driver.cancelled).toEqual([attemptId(refOf(0))]);
    [1, 2, 3].forEach((index) => report(driver, index, 'RUNNING'));
    expect(adopted(driver)).toEqual([[1, 3]]);
    driver.handle({ kind: 'task-state', attempt: attemptId(refOf(0)), state: 'CANCELED' });
    expect(driver.cancelled).toEqual([attemptId(refOf(2))]);
    driver
      .handle({ kind: 'task-state', attempt: attemptId(refOf(2)), state: 'CANCELED' })
      .at(100)
      .recorded();
    expect(driver.deployed).toEqual([0, 2]);
  });

  test.each(['CANCELED', 'FINISHED'] as const)('one that is of no use and is %s already has failed', (state) => {
    const driver = takenOver();
    driver.handle({ kind: 'attempt-reported', attempt: refOf(0), state, isUnfit: true });
    [1, 2, 3].forEach((index) => report(driver, index, 'RUNNING'));
    expect(adopted(driver)).toEqual([[1, 3]]);
    driver
      .handle({ kind: 'task-state', attempt: attemptId(refOf(2)), state: 'CANCELED' })
      .at(100)
      .recorded();
    expect(driver.deployed).toEqual([0, 2]);
  });

  test('cancels what is reported after it was told to cancel, and is done when all has ended', () => {
    const driver = takenOver().handle({ kind: 'cancel' });
    expect(driver.core.status).toBe('CANCELLING');
    report(driver, 0, 'RUNNING');
    expect(driver.cancelled).toEqual([attemptId(refOf(0))]);
    driver.at(1_000);
    expect(driver.core.status).toBe('CANCELLING');
    driver.handle({ kind: 'task-state', attempt: attemptId(refOf(0)), state: 'CANCELED' });
    expect(driver.actions.at(-1)).toMatchObject({ kind: 'ended', status: 'CANCELED' });
  });

  test('of a job that never started starts it', () => {
    const driver = new JobCoreDriver(FIXED, 'region', 2).handle({
      kind: 'recovered',
      generationFloor: { epoch: 0, number: 0 },
      regions: new Map(),
      covered: new Set(),
      taskManagers: [],
      deadlineMs: 1_000,
      stopCompleted: false,
      predecessors: [],
      restartCounts: {},
    });
    expect(driver.recorded().deployed).toEqual([0, 1, 2, 3]);
    expect(driver.statuses).toEqual(['CREATED', 'RUNNING']);
  });
});
