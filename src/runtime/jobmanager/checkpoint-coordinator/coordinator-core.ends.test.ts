import { describe, expect, test } from 'vitest';
import { started, stateOf } from '../test-support/coordinator-driver.ts';
import { operatorIdOf } from '../test-support/test-graph.ts';

describe('tasks end (R11)', () => {
  test('covered by a completed checkpoint they are neither triggered nor waited for, and listed again', () => {
    const driver = started().ended(0).at(1_000).reserved();
    driver.ack(1, 0, { final: true }).ack(1, 1).ack(1, 2).ack(1, 3).written(1).pointer(1, 'written');
    driver.handle({ kind: 'task-finished', attempt: driver.attempt(0) });
    driver.at(2_000).reserved();
    expect(driver.of('trigger')[0]?.attempts).toEqual([driver.attempt(1), driver.attempt(2)]);
    driver.ack(2, 1).ack(2, 2).ack(2, 3);
    const [source] = driver.of('write-metadata')[0]!.metadata.operators;
    expect(source).toMatchObject({ finishedSubtasks: [0] });
    expect(source?.subtasks[0]).toEqual(stateOf(0, 1)[operatorIdOf('a')]);
  });

  test('whether one has committed what it left is known when it has reported its end, for checkpoints after that', () => {
    const driver = started({ numRetained: 9 }).ended(2).at(1_000).reserved();
    const committed = (): (readonly number[] | undefined)[] =>
      driver.of('write-metadata')[0]!.metadata.operators.map((operator) => operator.committedSubtasks);
    driver.ack(1, 0).ack(1, 1).ack(1, 2, { final: true }).ack(1, 3);
    expect(committed()).toEqual([[], []]);
    driver.written(1).pointer(1, 'written').at(2_000).reserved().ack(2, 0).ack(2, 1).ack(2, 3);
    expect(committed()).toEqual([[], []]);
    driver.written(2).handle({ kind: 'task-finished', attempt: driver.attempt(2) });
    driver.pointer(2, 'written').at(3_000).reserved().ack(3, 0).ack(3, 1).ack(3, 3);
    expect(committed()).toEqual([[], [0]]);
  });

  test('one that starts again only to commit has not committed before it reports its end', () => {
    const driver = started({ numRetained: 9 }).ended(2).at(1_000).reserved();
    driver.ack(1, 0).ack(1, 1).ack(1, 2, { final: true }).ack(1, 3).written(1).pointer(1, 'written');
    driver.handle({ kind: 'task-finished', attempt: driver.attempt(2) });
    driver.handle({ kind: 'tasks-failing', indices: [0, 2], error: { name: 'E', message: 'x' } });
    driver.deployed([0, 2], [2]).running([0]).at(2_000).reserved().ack(2, 0);
    driver.ack(2, 1, { attempt: driver.attempt(1, 1) }).ack(2, 3, { attempt: driver.attempt(3, 1) });
    const [, sink] = driver.of('write-metadata')[0]!.metadata.operators;
    expect(sink).toMatchObject({ finishedSubtasks: [0], committedSubtasks: [] });
  });

  test('one that ended while the checkpoint did not complete is waited for in the next', () => {
    const driver = started({ tolerableFailures: 9 }).ended(0).at(1_000).reserved().ack(1, 0, { final: true });
    driver.at(11_000).reserved();
    expect(driver.of('trigger')[0]?.attempts).toContain(driver.attempt(0));
  });

  test('when all have, a checkpoint is taken at once, pause or not', () => {
    const driver = started({ minPauseMs: 5_000, intervalMs: 10_000 });
    [0, 1, 2].forEach((index) => driver.ended(index));
    expect(driver.kinds).toEqual([]);
    expect(driver.ended(3).kinds).toEqual(['reserve-id']);
    driver.reserved().ackAll(1, true).written(1).pointer(1, 'written');
    expect(driver.at(60_000).kinds).toEqual([]);
    expect(driver.of('trigger')).toEqual([]);
  });

  test('that one failed: it is tried again soon, not after the interval', () => {
    const driver = started({ intervalMs: 60_000, tolerableFailures: 9 });
    [0, 1, 2, 3].forEach((index) => driver.ended(index));
    driver.reserved().ackAll(1, true).written(1).pointer(1, 'not-written');
    expect(driver.core.nextWakeMs).toBe(1_000);
    expect(driver.at(1_000).kinds).toEqual(['reserve-id']);
  });

  test('a savepoint waits for the pending checkpoint, and is refused when all tasks have ended', () => {
    const driver = started().ended(0).ended(1).ended(2).ended(3).savepoint().reserved().ackAll(1, true);
    driver.written(1).pointer(1, 'written');
    expect(driver.of('answer')[0]?.answer).toMatchObject({ outcome: 'failed', error: { code: 'JOB_ENDED' } });
  });
});
