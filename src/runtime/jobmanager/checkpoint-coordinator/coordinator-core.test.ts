import { describe, expect, test } from 'vitest';
import { checkpointId } from '../../../foundation/common/ids.ts';
import { CoordinatorDriver as Driver, FOLDER, started, stateOf } from '../test-support/coordinator-driver.ts';
import type { CoordinatorEvent } from './coordinator-event.ts';

describe('the way of a checkpoint', () => {
  test('id in the store, trigger, acknowledgements, metadata, pointer, announcement', () => {
    const driver = started();
    expect(driver.core.nextWakeMs).toBe(1_000);
    expect(driver.at(999).kinds).toEqual([]);
    expect(driver.at(1_000).kinds).toEqual(['reserve-id']);
    driver.reserved();
    expect(driver.of('trigger')).toEqual([
      {
        kind: 'trigger',
        attempts: [driver.attempt(0), driver.attempt(1)],
        trigger: {
          checkpointId: 1,
          timestampMs: 1_000,
          base: undefined,
          kind: 'checkpoint',
          folder: FOLDER,
          stop: 'no',
        },
      },
    ]);
    expect(driver.of('log')[0]?.message).toBe('Triggering checkpoint 1 (type=CHECKPOINT) @ 1000 for job j.');
    expect(driver.ack(1, 0).ack(1, 1).ack(1, 2).kinds).toEqual([]);
    driver.nowMs = 1_200;
    expect(driver.ack(1, 3).kinds).toEqual(['write-metadata']);
    const [write] = driver.of('write-metadata');
    expect(write?.metadata).toMatchObject({
      checkpointId: 1,
      triggeredMs: 1_000,
      completedMs: 1_200,
      jobName: 'test-job',
    });
    expect(write?.metadata.operators[0]).toMatchObject({ enumerator: { at: 1_000 }, finishedSubtasks: [] });
    expect(driver.written(1).kinds).toEqual(['write-pointer']);
    expect(driver.core.isUndecided).toBe(true);
    driver.nowMs = 1_250;
    driver.pointer(1, 'written');
    expect(driver.kinds).toEqual(['completed', 'announce']);
    expect(driver.of('announce')[0]).toMatchObject({ what: 'completed', checkpointId: 1 });
    expect(driver.of('announce')[0]?.attempts).toHaveLength(4);
    expect(driver.of('log')[0]?.message).toBe(
      'Completed checkpoint 1 for job j (400 bytes, checkpointDuration=200 ms, finalizationTime=50 ms).',
    );
    expect(driver.core.retained.list.findLast(({ kind }) => kind === 'checkpoint')?.checkpointId).toBe(1);
    expect(driver.core.statistics.snapshot).toMatchObject({
      triggered: 1,
      completed: 1,
      failed: 0,
      inProgress: 0,
      latestCompleted: { checkpointId: 1, stateBytes: 400, writtenBytes: 40, durationMs: 200 },
    });
  });

  test('the next names it as base, and the oldest beyond those retained goes after it is complete', () => {
    const driver = started({ numRetained: 2 });
    driver.at(1_000).complete(1).at(2_000).reserved();
    expect(driver.of('trigger')[0]?.trigger.base).toBe(1);
    driver.ackAll(2).written(2).pointer(2, 'written');
    expect(driver.kinds).toEqual(['completed', 'announce']);
    driver.at(3_000).complete(3);
    expect(driver.of('retire').map(({ checkpoint }) => checkpoint.checkpointId)).toEqual([1]);
    expect(driver.core.retained.list.map(({ checkpointId: id }) => id)).toEqual([2, 3]);
  });

  test('one at a time; what became due meanwhile follows at once, but after the pause', () => {
    const driver = started({ minPauseMs: 300 }).at(1_000).reserved();
    expect(driver.at(2_500).kinds).toEqual([]);
    driver.ackAll(1).written(1).pointer(1, 'written');
    expect(driver.core.nextWakeMs).toBe(2_800);
    expect(driver.at(2_800).kinds).toEqual(['reserve-id']);
  });

  test('nothing is triggered while a task does not run', () => {
    const driver = new Driver().deployed().running([0, 1, 2]).at(5_000);
    expect(driver.kinds).toEqual([]);
    expect(driver.core.nextWakeMs).toBe(Infinity);
  });

  test('no id: tried again after an interval', () => {
    const driver = started()
      .at(1_000)
      .handle({ kind: 'id-refused', error: { name: 'Error', message: 'away' } });
    expect(driver.kinds).toEqual([]);
    expect(driver.core.nextWakeMs).toBe(2_000);
  });
});

describe('acknowledgements', () => {
  test('count once, and only from the attempts it was triggered in (R1)', () => {
    const driver = started().at(1_000).reserved();
    const old = driver.attempt(0, 0);
    driver.ack(1, 0, { attempt: old }).ack(1, 1).ack(1, 1).ack(1, 2).ack(1, 3);
    expect(driver.kinds).toEqual([]);
    expect(driver.ack(1, 0).kinds).toEqual(['write-metadata']);
  });

  test('of an aborted checkpoint: what they name is deleted', () => {
    const driver = started({ tolerableFailures: 9 }).at(1_000).reserved().at(11_000);
    expect(driver.ack(1, 0).of('discard')).toEqual([
      { kind: 'discard', checkpointId: 1, folder: FOLDER, savepoint: false, states: [stateOf(0, 1)] },
    ]);
  });

  test('repeated of a completed checkpoint: nothing is deleted', () => {
    expect(started().at(1_000).complete(1).ack(1, 0).kinds).toEqual([]);
  });
});

describe('failures', () => {
  const decline = (driver: Driver, id: number, code?: string): Driver =>
    driver.handle({
      kind: 'declined',
      report: {
        kind: 'decline',
        attempt: driver.attempt(2),
        checkpointId: checkpointId(id),
        error: { name: 'Error', message: 'disk full', ...(code === undefined ? {} : { code }) },
      },
    });

  test('a decline gives it up: tasks are told, what was written goes, and the job fails beyond what is tolerated', () => {
    const driver = decline(started().at(1_000).reserved().ack(1, 0), 1);
    expect(driver.kinds).toEqual(['announce', 'discard', 'fail-job']);
    expect(driver.of('announce')[0]).toMatchObject({ what: 'aborted' });
    expect(driver.of('announce')[0]?.attempts).toHaveLength(4);
    expect(driver.of('discard')[0]?.states).toEqual([stateOf(0, 1)]);
    expect(driver.of('fail-job')[0]?.error.message).toMatch(
      /more than 0 failures in a row are not tolerated .*task "b \(1\/2\)" declined: disk full/,
    );
    expect(driver.core.statistics.snapshot).toMatchObject({ failed: 1, inProgress: 0 });
  });

  test('only consecutive failures count', () => {
    const driver = started({ tolerableFailures: 1 });
    decline(driver.at(1_000).reserved(), 1);
    expect(driver.of('fail-job')).toEqual([]);
    driver.at(2_000).complete(2);
    decline(driver.at(3_000).reserved(), 3);
    expect(driver.of('fail-job')).toEqual([]);
    decline(driver.at(4_000).reserved(), 4);
    expect(driver.of('fail-job')).toHaveLength(1);
  });

  test('a task that is going away does not count', () => {
    expect(decline(started().at(1_000).reserved(), 1, 'TASK_CANCELED').of('fail-job')).toEqual([]);
  });

  test('it expires; the message names who is missing', () => {
    const driver = started().at(1_000).reserved().ack(1, 0).ack(1, 1);
    expect(driver.core.nextWakeMs).toBe(11_000);
    expect(driver.at(11_000).kinds.slice(0, 3)).toEqual(['announce', 'discard', 'fail-job']);
    expect(driver.of('log')[0]?.message).toMatch(/2 of 4 tasks did not acknowledge: "b \(1\/2\)", "b \(2\/2\)"/);
  });

  test('its metadata cannot be written', () => {
    const driver = started().at(1_000).reserved().ackAll(1);
    driver.handle({ kind: 'metadata-refused', checkpointId: checkpointId(1), error: { name: 'E', message: 'full' } });
    expect(driver.kinds).toEqual(['announce', 'discard', 'fail-job']);
  });

  test('given up while its metadata is written: files go only when that write is over, and no pointer follows', () => {
    const driver = started({ tolerableFailures: 9 }).at(1_000).reserved().ackAll(1);
    const [write] = driver.of('write-metadata');
    expect(driver.at(11_000).kinds).toEqual(['announce', 'reserve-id']);
    driver.handle({
      kind: 'metadata-written',
      checkpointId: checkpointId(1),
      metadata: write!.metadata,
      metadataPath: 'x',
    });
    expect(driver.kinds).toEqual(['discard']);
    expect(driver.of('discard')[0]?.states).toHaveLength(4);
  });
});

describe('an undecided pointer (R2)', () => {
  const undecided = (): Driver => started().at(1_000).reserved().ackAll(1).written(1).pointer(1, 'undecided');

  test('is asked for again, and neither complete nor given up meanwhile', () => {
    const driver = undecided();
    expect(driver.kinds).toEqual(['settle-pointer']);
    expect(driver.at(60_000).kinds).toEqual([]);
    driver.handle({ kind: 'tasks-failing', indices: [0, 1, 2, 3], error: { name: 'E', message: 'x' } });
    expect(driver.kinds).toEqual([]);
    driver.handle({ kind: 'shut-down', reason: 'cancelled' });
    expect(driver.kinds).toEqual([]);
    expect(driver.core.isQuiet).toBe(false);
    expect(driver.pointer(1, 'written').kinds).toEqual(['completed', 'announce']);
    expect(driver.core.isQuiet).toBe(true);
    expect(driver.core.retained.list).toHaveLength(1);
  });

  test('proved not written: given up, and that counts', () => {
    expect(undecided().pointer(1, 'not-written').kinds).toEqual(['announce', 'discard', 'fail-job']);
  });
});

describe('tasks fail', () => {
  const failing = (indices: readonly number[]): CoordinatorEvent => ({
    kind: 'tasks-failing',
    indices,
    error: { name: 'Error', message: 'boom' },
  });

  test('the pending one is given up without counting; those that go on are told', () => {
    const driver = started()
      .at(1_000)
      .reserved()
      .handle(failing([0, 2]));
    expect(driver.kinds).toEqual(['announce', 'discard']);
    expect(driver.of('announce')[0]?.attempts).toEqual([driver.attempt(1), driver.attempt(3)]);
  });

  test('after the restart what is overdue is taken at once', () => {
    const driver = started()
      .handle(failing([0, 2]))
      .at(1_500);
    expect(driver.kinds).toEqual([]);
    driver.deployed([0, 1, 2, 3]).running();
    expect(driver.kinds).toEqual(['reserve-id']);
  });

  test('under a new leader the interval goes on', () => {
    const driver = new Driver({}, FOLDER, 300).deployed().running();
    expect(driver.core.nextWakeMs).toBe(300);
    driver.at(300);
    expect(driver.kinds).toEqual(['reserve-id']);
  });

  test('an id that was reserved before is not used', () => {
    const driver = started()
      .at(1_000)
      .handle(failing([0, 2]))
      .reserved();
    expect(driver.kinds).toEqual([]);
  });
});

describe('savepoints', () => {
  test('a plain one has no pointer, commits nothing and is no base (R8)', () => {
    const driver = started().savepoint();
    expect(driver.kinds).toEqual(['reserve-id']);
    driver.reserved();
    expect(driver.of('trigger')[0]?.trigger).toMatchObject({ kind: 'savepoint', folder: '/s/sp', stop: 'no' });
    driver.ackAll(1, true).written(1);
    expect(driver.kinds).toEqual(['answer']);
    expect(driver.of('answer')[0]?.answer).toMatchObject({ outcome: 'completed', checkpoint: { checkpointId: 1 } });
    expect(driver.core.retained.list).toEqual([]);
    driver.at(1_000).reserved();
    expect(driver.of('trigger')[0]?.trigger.base).toBeUndefined();
    expect(driver.of('trigger')[0]?.attempts).toHaveLength(2);
  });

  test('a stop gets a pointer, then everybody is told, and nothing follows', () => {
    const driver = started().ended(0).savepoint('suspend').savepoint('suspend', 2);
    expect(driver.of('answer')[0]?.answer).toMatchObject({ outcome: 'failed' });
    driver.reserved().ackAll(1, true);
    const finished = driver.of('write-metadata')[0]?.metadata.operators.map((operator) => operator.finishedSubtasks);
    expect(finished).toEqual([[0], []]);
    expect(driver.written(1).kinds).toEqual(['write-pointer']);
    expect(driver.pointer(1, 'written').kinds).toEqual(['completed', 'announce', 'answer']);
    expect(driver.at(60_000).kinds).toEqual([]);
    expect(driver.savepoint().of('answer')[0]?.answer).toMatchObject({ error: { code: 'JOB_ENDED' } });
  });

  test.each([
    { stop: 'suspend', kinds: ['announce', 'discard', 'answer'] },
    { stop: 'drain', kinds: ['announce', 'discard', 'answer', 'fail-job'] },
  ] as const)('a stop with $stop that expires', ({ stop, kinds }) => {
    const driver = started({ intervalMs: undefined, tolerableFailures: 9 }).savepoint(stop).reserved().at(10_000);
    expect(driver.kinds).toEqual(kinds);
  });

  test('one whose metadata cannot be written does not fail the job', () => {
    const driver = started().savepoint().reserved().ackAll(1);
    driver.handle({ kind: 'metadata-refused', checkpointId: checkpointId(1), error: { name: 'E', message: 'full' } });
    expect(driver.kinds).toEqual(['announce', 'discard', 'answer']);
  });

  test('they wait for all tasks to run, but not for ever', () => {
    const driver = new Driver().deployed().running([0, 1]).savepoint();
    expect(driver.kinds).toEqual([]);
    expect(driver.at(10_000).of('answer')[0]?.answer).toMatchObject({
      outcome: 'failed',
      error: { message: 'it could not be triggered in time; not running: "b (1/2)", "b (2/2)"' },
    });
  });

  test('without checkpoints they are possible, a checkpoint is not', () => {
    const driver = new Driver({ intervalMs: undefined }, null).deployed().running();
    driver.handle({ kind: 'requested', request: { request: 7, kind: 'checkpoint' } });
    expect(driver.of('answer')[0]?.answer).toMatchObject({ error: { code: 'BAD_OPTION' } });
    expect(driver.savepoint().kinds).toEqual(['reserve-id']);
  });

  test('a task without checkpoints that finishes meanwhile gives it up', () => {
    const driver = new Driver({ intervalMs: undefined }, null).deployed().running().savepoint().reserved();
    driver.handle({ kind: 'task-finished', attempt: driver.attempt(0) });
    expect(driver.of('answer')[0]?.answer).toMatchObject({ outcome: 'failed' });
    driver.savepoint('no', 2).reserved();
    expect(driver.of('trigger')[0]?.attempts).toEqual([driver.attempt(1), driver.attempt(2)]);
  });
});

test('a checkpoint that is asked for comes at once', () => {
  const driver = started({ minPauseMs: 9_000 });
  driver.handle({ kind: 'requested', request: { request: 3, kind: 'checkpoint' } }).complete(1);
  expect(driver.of('answer')[0]).toMatchObject({ request: 3, answer: { outcome: 'completed' } });
});

describe('a TaskManager whose connection was lost and is back (R15)', () => {
  const back = (driver: Driver, ...indices: number[]): Driver =>
    driver.handle({ kind: 'reconnected', attempts: indices.map((index) => driver.attempt(index)) });

  test('gives up what its tasks have not acknowledged, without counting it as a failure', () => {
    const driver = started({ tolerableFailures: 0 }).at(1_000).reserved().ack(1, 0);
    back(driver, 0, 1);
    expect(driver.kinds).toEqual(['announce', 'discard', 'release']);
    expect(driver.of('announce')[0]).toMatchObject({ what: 'aborted', checkpointId: 1 });
    expect(driver.of('release')[0]).toMatchObject({ floor: 1, attempts: [driver.attempt(0), driver.attempt(1)] });
  });

  test('leaves a checkpoint alone that its tasks have acknowledged, and sets no floor that would end it', () => {
    const driver = started().at(1_000).reserved().ack(1, 0).ack(1, 1);
    expect(back(driver, 0, 1).kinds).toEqual([]);
    driver.ack(1, 2).ack(1, 3).written(1);
    expect(back(driver, 0, 1, 2, 3).kinds).toEqual([]);
    expect(driver.pointer(1, 'written').kinds).toEqual(['completed', 'announce']);
    expect(back(driver, 3).of('announce')).toEqual([
      { kind: 'announce', what: 'completed', checkpointId: 1, attempts: [driver.attempt(3)] },
    ]);
  });

  test('sets the floor below an id that is being reserved: its trigger follows', () => {
    const driver = started().at(1_000).complete(1);
    expect(driver.at(3_000).kinds).toEqual(['reserve-id']);
    expect(back(driver, 0).of('release')[0]).toMatchObject({ floor: 1 });
    expect(driver.reserved().of('trigger')[0]?.trigger.checkpointId).toBe(2);
  });
});

describe('files of checkpoints that were never complete', () => {
  test('are collected with the next one that is, once it is known what it refers to', () => {
    const driver = started({ tolerableFailures: 9 });
    driver.at(1_000).complete(1);
    expect(driver.kinds).not.toContain('collect');
    driver.at(2_000).reserved().at(12_000);
    expect(driver.kinds).not.toContain('collect');
    driver.complete(3);
    expect(driver.kinds.slice(-2)).toEqual(['retire', 'collect']);
    driver.at(13_000).complete(4);
    expect(driver.kinds).not.toContain('collect');
  });

  test('under a leader before this one, too', () => {
    const driver = new Driver({}, FOLDER, undefined, 7).deployed().running();
    driver.at(1_000).complete(8);
    expect(driver.kinds).toContain('collect');
  });
});
