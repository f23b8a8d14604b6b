import { describe, expect, test } from 'vitest';
import type { CheckpointId } from '../../../foundation/common/ids.ts';
import { started, type CoordinatorDriver as Driver } from '../test-support/coordinator-driver.ts';
import { restoreBanned } from './restore-ban.ts';

const ban = { aboveId: 7, reason: 'checkpoint 7 cannot be used', choices: 'mend it, or allow an older one' };

const banned = (driver: Driver, aboveId = ban.aboveId): Driver =>
  driver.handle({ kind: 'restores-banned', ban: { ...ban, aboveId } });

const baseOf = (driver: Driver): CheckpointId | undefined => driver.of('trigger')[0]?.trigger.base;

describe('while restores are banned', () => {
  test('a checkpoint without base is taken at once, and ends it when it is complete', () => {
    const driver = started({ intervalMs: 1_000, numRetained: 9 }).at(1_000).complete(1);
    driver.at(1_100);
    expect(banned(driver, 1).kinds).toEqual(['reserve-id']);
    expect(driver.core.retained.ban).toEqual({ ...ban, aboveId: 1 });
    expect(baseOf(driver.reserved())).toBeUndefined();
    driver.ackAll(2).written(2);
    expect(driver.core.retained.ban).toBeDefined();
    driver.pointer(2, 'written');
    expect(driver.core.retained.ban).toBeUndefined();
    expect(driver.kinds).not.toContain('reserve-id');
    expect(baseOf(driver.at(5_000).reserved())).toBe(2);
  });

  test('the pause between checkpoints does not count', () => {
    const driver = started({ minPauseMs: 60_000 }).at(1_000).complete(1);
    expect(banned(driver, 1).kinds).toEqual(['reserve-id']);
  });

  test('one that was under way does not end it: it may refer to older ones', () => {
    const driver = started({ numRetained: 9 }).at(1_000).complete(1).at(2_000).reserved();
    expect(baseOf(driver)).toBe(1);
    banned(driver, 1).ackAll(2).written(2).pointer(2, 'written');
    expect(driver.core.retained.ban?.aboveId).toBe(2);
    expect(driver.kinds).toContain('reserve-id');
    expect(baseOf(driver.reserved())).toBeUndefined();
    driver.ackAll(3).written(3).pointer(3, 'written');
    expect(driver.core.retained.ban).toBeUndefined();
  });

  test('an id that was being counted up gets a checkpoint without base', () => {
    const driver = started({ numRetained: 9 }).at(1_000).complete(1).at(2_000);
    expect(baseOf(banned(driver, 1).reserved())).toBeUndefined();
  });

  test('failures end no job, and are tried again after a second', () => {
    const driver = banned(started({ tolerableFailures: 0 })).reserved();
    driver.at(10_000);
    expect(driver.kinds).not.toContain('fail-job');
    expect(driver.core.nextWakeMs).toBe(11_000);
    expect(driver.at(11_000).kinds).toEqual(['reserve-id']);
  });

  test('nothing is taken until all tasks run', () => {
    const driver = started();
    driver.handle({ kind: 'tasks-failing', indices: [0], error: { name: 'Error', message: 'boom' } });
    expect(banned(driver).kinds).toEqual([]);
    expect(driver.core.nextWakeMs).toBe(Infinity);
  });

  test('a second ban adds to the first', () => {
    const driver = banned(banned(started()), 3);
    expect(driver.core.retained.ban).toEqual(ban);
  });
});

test('who has to restore is told why not, and what can be done', () => {
  expect(restoreBanned(ban)).toMatchObject({ code: 'JOB_SET_ASIDE' });
  expect(restoreBanned(ban).message).toMatch(/^checkpoint 7 cannot be used; .*: mend it, or allow an older one$/);
});
