import { describe, expect, test } from 'vitest';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { RestartStrategyOptions } from '../failover/restart-strategy.ts';
import { JobCoreDriver } from '../test-support/job-core-driver.ts';
import type { JobEvent } from './job-event.ts';

const FIXED: RestartStrategyOptions = { kind: 'fixed-delay', attempts: 3, delayMs: 100 };
const boom: ErrorInfo = { name: 'TypeError', message: 'boom' };

test('a job that runs and finishes', () => {
  const driver = new JobCoreDriver(FIXED).running().all('FINISHED');
  expect(driver.statuses).toEqual(['CREATED', 'RUNNING', 'FINISHED']);
  expect(driver.actions.at(-1)).toEqual({ kind: 'ended', status: 'FINISHED', error: undefined });
});

describe('a task fails', () => {
  test('only its region restarts, once its attempts ended and the delay is over', () => {
    const driver = new JobCoreDriver(FIXED).running();
    const before = driver.attempts.get(2)!;
    driver.task(0, 'FAILED', boom);
    expect(driver.core.status).toBe('RESTARTING');
    expect(driver.cancelled).toEqual([before]);
    driver.at(100);
    expect(driver.actions).toEqual([]);
    driver.task(2, 'CANCELED').recorded();
    expect(driver.deployed).toEqual([0, 2]);
    expect(driver.core.status).toBe('RUNNING');
    expect(driver.core.restarts.total).toBe(1);
    expect(driver.attempts.get(0)).toContain('/1.2');
    expect(driver.attempts.get(1)).toContain('/1.1');
  });

  test('the delay is waited for when the attempts end sooner', () => {
    const driver = new JobCoreDriver(FIXED).running().task(0, 'FAILED', boom).task(2, 'CANCELED').recorded();
    expect(driver.deployed).toEqual([]);
    expect(driver.core.nextWakeMs).toBe(100);
    expect(driver.at(100).recorded().deployed).toEqual([0, 2]);
  });

  test('failover full: everything restarts', () => {
    const driver = new JobCoreDriver(FIXED, 'full').running().task(0, 'FAILED', boom);
    expect(driver.cancelled).toHaveLength(3);
  });

  test('its neighbour fails while it is cancelled: that is its end, not another failure', () => {
    const driver = new JobCoreDriver({ kind: 'fixed-delay', attempts: 1, delayMs: 0 }).running();
    driver.task(0, 'FAILED', boom).task(2, 'FAILED', boom).recorded();
    expect(driver.deployed).toEqual([0, 2]);
    expect(driver.core.restarts.total).toBe(1);
  });

  test('a subtask of the region that finished restarts too', () => {
    const driver = new JobCoreDriver(FIXED).running().task(0, 'FINISHED').task(2, 'FAILED', boom);
    expect(driver.cancelled).toEqual([]);
    expect(driver.at(100).recorded().deployed).toEqual([0, 2]);
  });

  test('no restart is left: the others are cancelled, then the job FAILED with the first error', () => {
    const driver = new JobCoreDriver({ kind: 'none' }).running().task(0, 'FAILED', boom);
    expect(driver.core.status).toBe('FAILING');
    expect(driver.cancelled).toHaveLength(3);
    driver.task(1, 'CANCELED').task(2, 'FAILED', { name: 'Error', message: 'late' }).task(3, 'FINISHED');
    const ended = driver.actions.at(-1);
    expect(ended).toMatchObject({ kind: 'ended', status: 'FAILED', error: { cause: boom } });
    expect(ended?.kind === 'ended' && ended.error?.message).toBe(
      'task "a (1/2)" failed: boom; not restarted: the restart strategy is none',
    );
  });

  test('a lost channel is told first: the failure behind it is the error', () => {
    const driver = new JobCoreDriver({ kind: 'none' }).running();
    driver.task(2, 'FAILED', { name: 'MillraceError', code: 'CHANNEL_LOST', message: 'lost a channel' });
    driver.task(0, 'FAILED', boom).task(1, 'FAILED', { name: 'Error', message: 'late' }).task(3, 'CANCELED');
    expect(driver.actions.at(-1)).toMatchObject({ kind: 'ended', error: { cause: boom } });
  });

  test('because the job itself is wrong: no restart would help', () => {
    const error = {
      name: 'Error',
      message: 'in map',
      cause: { name: 'MillraceError', code: 'BAD_RECORD', message: 'x' },
    };
    const driver = new JobCoreDriver(FIXED).running().task(0, 'FAILED', error);
    expect(driver.core.status).toBe('FAILING');
    expect(driver.core.restarts.total).toBe(0);
  });

  test('it ends without having been told to: a failure', () => {
    expect(new JobCoreDriver(FIXED).running().task(0, 'CANCELED').core.status).toBe('RESTARTING');
  });
});

describe('nobody chooses what to restore while a checkpoint is undecided (R2)', () => {
  test('the restart waits for the outcome', () => {
    const driver = new JobCoreDriver(FIXED).running().handle({ kind: 'undecided', undecided: true });
    driver.task(0, 'FAILED', boom).task(2, 'CANCELED').at(1_000).recorded();
    expect(driver.deployed).toEqual([]);
    expect(driver.core.nextWakeMs).toBe(Infinity);
    expect(driver.handle({ kind: 'undecided', undecided: false }).recorded().deployed).toEqual([0, 2]);
  });
});

describe('cancel', () => {
  const cancel: JobEvent = { kind: 'cancel' };

  test('before the job is initialized it is over at once', () => {
    expect(new JobCoreDriver(FIXED).handle(cancel).actions.at(-1)).toMatchObject({ kind: 'ended', status: 'CANCELED' });
  });

  test('a running job: CANCELED when every attempt confirmed its end; repeating it does nothing', () => {
    const driver = new JobCoreDriver(FIXED).running().handle(cancel);
    expect(driver.cancelled).toHaveLength(4);
    expect(driver.handle(cancel).cancelled).toEqual([]);
    driver.task(0, 'CANCELED').task(1, 'FINISHED').task(2, 'CANCELED');
    expect(driver.core.status).toBe('CANCELLING');
    expect(driver.task(3, 'CANCELED').actions.at(-1)).toEqual({ kind: 'ended', status: 'CANCELED', error: undefined });
  });

  test('while restarting: what ended stays down', () => {
    const driver = new JobCoreDriver(FIXED).running().task(0, 'FAILED', boom).task(2, 'CANCELED').handle(cancel);
    expect(driver.cancelled).toHaveLength(2);
    driver.task(1, 'CANCELED').task(3, 'CANCELED').at(10_000);
    expect(driver.deployed).toEqual([]);
    expect(driver.core.status).toBe('CANCELED');
  });

  test('while the generation is being recorded: it is not deployed', () => {
    const driver = new JobCoreDriver(FIXED).handle({ kind: 'initialized', generationFloor: { epoch: 0, number: 0 } });
    driver.handle(cancel);
    expect(driver.core.status).toBe('CANCELED');
    expect(driver.recorded().deployed).toEqual([]);
  });

  test('a failure while cancelling changes nothing', () => {
    const driver = new JobCoreDriver(FIXED).running().handle(cancel).task(0, 'FAILED', boom);
    driver.handle({ kind: 'fail', error: boom, fatal: false });
    expect(driver.core.status).toBe('CANCELLING');
    [1, 2, 3].forEach((index) => driver.task(index, 'CANCELED'));
    expect(driver.core.status).toBe('CANCELED');
  });

  test('while failing: CANCELED', () => {
    const driver = new JobCoreDriver({ kind: 'none' }).running().task(0, 'FAILED', boom).handle(cancel);
    [1, 2, 3].forEach((index) => driver.task(index, 'CANCELED'));
    expect(driver.statuses.slice(-3)).toEqual(['FAILING', 'CANCELLING', 'CANCELED']);
  });

  test('of a job that has ended does nothing', () => {
    expect(new JobCoreDriver(FIXED).running().all('FINISHED').handle(cancel).actions).toEqual([]);
  });
});

describe('a failure of the whole job', () => {
  test('restarts everything', () => {
    const driver = new JobCoreDriver(FIXED).running().handle({ kind: 'fail', error: boom, fatal: false });
    expect(driver.cancelled).toHaveLength(4);
    expect(driver.all('CANCELED').at(100).recorded().deployed).toEqual([0, 1, 2, 3]);
  });

  test('while the generation is being recorded: the next one is deployed instead', () => {
    const driver = new JobCoreDriver(FIXED).handle({ kind: 'initialized', generationFloor: { epoch: 1, number: 6 } });
    driver.handle({ kind: 'fail', error: boom, fatal: false }).recorded();
    expect(driver.deployed).toEqual([]);
    driver.at(100).recorded();
    expect(driver.attempts.get(0)).toContain('/1.8');
  });

  test('fatal, or before the start: FAILED without a restart', () => {
    const driver = new JobCoreDriver(FIXED)
      .running()
      .handle({ kind: 'fail', error: boom, fatal: true })
      .all('CANCELED');
    expect(driver.actions.at(-1)).toEqual({ kind: 'ended', status: 'FAILED', error: boom });
    const early = new JobCoreDriver(FIXED).handle({ kind: 'fail', error: boom, fatal: true });
    expect(early.actions.at(-1)).toEqual({ kind: 'ended', status: 'FAILED', error: boom });
  });
});

test('reports of older attempts and repeated reports change nothing', () => {
  const driver = new JobCoreDriver(FIXED).running();
  const old = driver.attempts.get(0)!;
  driver.task(0, 'FAILED', boom).task(2, 'CANCELED').at(100).recorded();
  expect(driver.handle({ kind: 'task-state', attempt: old, state: 'FAILED', error: boom }).actions).toEqual([]);
  expect(driver.task(0, 'RUNNING').actions).toHaveLength(1);
  expect(driver.task(0, 'RUNNING').actions).toEqual([]);
  expect(driver.task(0, 'INITIALIZING').actions).toEqual([]);
});

test('after a stop is complete, what fails is started only to commit', () => {
  const driver = new JobCoreDriver(FIXED).running().handle({ kind: 'stop-completed' }).task(0, 'FAILED', boom);
  driver.task(2, 'CANCELED').at(100).recorded();
  expect(driver.actions.find(({ kind }) => kind === 'deploy')).toMatchObject({ start: { commitOnly: true } });
});

test('suspended: the tasks are left alone', () => {
  const driver = new JobCoreDriver(FIXED).running().handle({ kind: 'suspend' });
  expect(driver.cancelled).toEqual([]);
  expect(driver.actions.at(-1)).toMatchObject({ kind: 'ended', status: 'SUSPENDED' });
});
