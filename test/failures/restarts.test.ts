import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startJob } from '../../src/testing/local-job.ts';

const THROWING = new URL('jobs/throwing.ts', import.meta.url);
const REGIONS = new URL('jobs/regions.ts', import.meta.url);

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-restarts-'));
});

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

describe('restart strategies', () => {
  /** A job whose reader cannot be opened, in any attempt. */
  const failing = (configuration: Record<string, string | number>) =>
    startJob(THROWING, {
      args: ['reader open', 'error', '', '2000', mkdtempSync(join(root, 'out-'))],
      configuration: { 'execution.checkpointing.interval': '50ms', ...configuration },
    });
  const delays = (log: readonly string[]): number[] =>
    log.flatMap((line) => {
      const match = /Restarting .* in (\d+) ms after a failure/.exec(line);
      return match === null ? [] : [Number(match[1])];
    });

  test('none', async () => {
    const job = await failing({ 'restart-strategy.type': 'none' });
    const { status, error } = await job.outcome;
    expect([status, job.progress().restarts]).toEqual(['FAILED', 0]);
    expect(error?.message).toContain('the restart strategy is none');
  });

  test('fixed-delay', async () => {
    const job = await failing({
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.attempts': 2,
      'restart-strategy.fixed-delay.delay': '30ms',
    });
    const { status, error } = await job.outcome;
    expect([status, job.progress().restarts, delays(job.log)]).toEqual(['FAILED', 2, [30, 30]]);
    expect(error?.message).toContain('restart-strategy.fixed-delay.attempts is 2');
  });

  test('failure-rate gives up when failures come too fast', async () => {
    const job = await failing({
      'restart-strategy.type': 'failure-rate',
      'restart-strategy.failure-rate.max-failures-per-interval': 3,
      'restart-strategy.failure-rate.failure-rate-interval': '1min',
      'restart-strategy.failure-rate.delay': '5ms',
    });
    const { status, error } = await job.outcome;
    expect([status, job.progress().restarts]).toEqual(['FAILED', 3]);
    expect(error?.message).toContain('more than 3 failures within 60000 ms');
  });

  test('failure-rate goes on for ever when they come slowly enough', async () => {
    const job = await failing({
      'restart-strategy.type': 'failure-rate',
      'restart-strategy.failure-rate.max-failures-per-interval': 1,
      'restart-strategy.failure-rate.failure-rate-interval': '1ms',
      'restart-strategy.failure-rate.delay': '10ms',
    });
    await job.until(() => job.progress().restarts >= 5);
    job.cancel();
    expect((await job.outcome).status).toBe('CANCELED');
  });

  test('exponential-delay', async () => {
    const job = await failing({
      'restart-strategy.type': 'exponential-delay',
      'restart-strategy.exponential-delay.initial-backoff': '150ms',
      'restart-strategy.exponential-delay.max-backoff': '400ms',
      'restart-strategy.exponential-delay.backoff-multiplier': 2,
      'restart-strategy.exponential-delay.jitter-factor': 0,
      'restart-strategy.exponential-delay.attempts-before-reset-backoff': 4,
    });
    const { status, error } = await job.outcome;
    expect(status).toBe('FAILED');
    // The first restart is at once, and a failure that follows so soon counts as the same.
    expect(delays(job.log).filter((delay) => delay > 0)).toEqual([150, 300, 400]);
    expect(error?.message).toContain('attempts-before-reset-backoff is 4');
  });

  test('unset: exponential-delay with checkpoints, none without', async () => {
    const withCheckpoints = await failing({});
    await withCheckpoints.until(() => withCheckpoints.progress().restarts >= 1);
    withCheckpoints.cancel();
    await withCheckpoints.outcome;
    const without = await startJob(THROWING, { args: ['reader open', 'error', '', '2000', join(root, 'none')] });
    const { status } = await without.outcome;
    expect([status, without.progress().restarts]).toEqual(['FAILED', 0]);
  });
});

describe('failover', () => {
  const run = async (strategy: 'region' | 'full', killedThread?: number) => {
    const folder = mkdtempSync(join(root, 'regions-'));
    const log = join(folder, 'opens');
    const gate = join(folder, 'gate');
    const marker = killedThread === undefined ? join(folder, 'failed') : log;
    const job = await startJob(REGIONS, {
      args: [log, marker, gate],
      configuration: {
        'parallelism.default': 2,
        'execution.checkpointing.interval': '40ms',
        'jobmanager.execution.failover-strategy': strategy,
        'restart-strategy.type': 'fixed-delay',
        'restart-strategy.fixed-delay.attempts': 5,
        'restart-strategy.fixed-delay.delay': '10ms',
      },
    });
    if (killedThread === undefined) {
      await job.until(() => job.progress().restarts > 0);
    } else {
      await job.until(() => job.completedCheckpoints.length > 2);
      await job.killThread(killedThread);
    }
    writeFileSync(gate, '');
    const { status } = await job.outcome;
    const opens = readFileSync(log, 'utf8').trim().split('\n');
    const count = (name: string): number => opens.filter((line) => line.startsWith(name)).length;
    const rows = (name: string): unknown[] => [...job.collected(name)].sort((a, b) => Number(a) - Number(b));
    return { status, failing: count('failing'), healthy: count('healthy'), rows, restarts: job.progress().restarts };
  };
  const ALL = Array.from({ length: 600 }, (_, n) => n);

  test('region: what is not connected with the failed task goes on', async () => {
    const { status, failing, healthy, rows, restarts } = await run('region');
    expect([status, restarts, failing, healthy]).toEqual(['FINISHED', 1, 4, 2]);
    expect(rows('failing')).toEqual(ALL);
    expect(rows('healthy')).toEqual(ALL);
  });

  test('full: everything starts again', async () => {
    const { status, failing, healthy, rows, restarts } = await run('full');
    expect([status, restarts, failing, healthy]).toEqual(['FINISHED', 1, 4, 4]);
    expect(rows('failing')).toEqual(ALL);
    expect(rows('healthy')).toEqual(ALL);
  });

  test('a thread that dies takes every region with it that has a task in it', async () => {
    const { status, failing, healthy, rows } = await run('region', 0);
    expect([status, failing, healthy]).toEqual(['FINISHED', 4, 4]);
    expect(rows('failing')).toEqual(ALL);
    expect(rows('healthy')).toEqual(ALL);
  });
});
