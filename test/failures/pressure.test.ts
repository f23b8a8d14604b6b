import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startJob } from '../../src/testing/local-job.ts';

const BACKPRESSURE = new URL('../../benchmarks/jobs/backpressure-job.ts', import.meta.url);
const MANY_SUBTASKS = new URL('../../benchmarks/jobs/many-subtasks-job.ts', import.meta.url);
const STALLING = new URL('jobs/stalling.ts', import.meta.url);

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-pressure-'));
});

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

describe('under backpressure', () => {
  test('a source reads no further ahead of its sink than the queues between them are long, and checkpoints complete', async () => {
    const job = await startJob(BACKPRESSURE, {
      args: ['2'],
      configuration: { 'parallelism.default': 2, 'execution.checkpointing.interval': '200ms' },
    });
    let furthest = 0;
    await job.until(() => {
      const { recordsIn, recordsOut } = job.progress();
      furthest = Math.max(furthest, recordsIn - recordsOut);
      return recordsOut > 40_000 && job.completedCheckpoints.length > 3;
    });
    const { restarts, failedCheckpoints } = job.progress();
    job.cancel();
    expect((await job.outcome).status).toBe('CANCELED');
    // Without flow control it would be millions. The two numbers are up to half a second apart: 10,000 records.
    expect(furthest).toBeLessThan(30_000);
    expect([restarts, failedCheckpoints]).toEqual([0, 0]);
  });

  test('100 subtasks in two threads, all to all, run, checkpoint and end', async () => {
    const job = await startJob(MANY_SUBTASKS, {
      args: ['50', '500000'],
      configuration: { 'parallelism.default': 50, 'execution.checkpointing.interval': '500ms' },
    });
    const { recordsIn, recordsOut, restarts } = await job.finished().then(() => job.progress());
    expect([recordsIn, recordsOut, restarts]).toEqual([500_000, 500_000, 0]);
    expect(job.completedCheckpoints.length).toBeGreaterThan(0);
  });
});

describe('a checkpoint that fails', () => {
  const start = (configuration: Record<string, string | number>) => {
    const folder = mkdtempSync(join(root, 'job-'));
    const go = join(folder, 'go');
    const checkpoints = join(folder, 'checkpoints');
    return startJob(STALLING, {
      args: [go],
      configuration: {
        'execution.checkpointing.interval': '30ms',
        'execution.checkpointing.dir': checkpoints,
        'execution.checkpointing.data-inline-threshold': '1 b',
        'restart-strategy.type': 'none',
        ...configuration,
      },
    }).then((job) => ({ job, go, checkpoints }));
  };

  test('because it takes too long is given up, and the job goes on', async () => {
    const { job, go } = await start({
      'execution.checkpointing.timeout': '100ms',
      'execution.checkpointing.tolerable-failed-checkpoints': 1000,
    });
    await job.until(() => job.progress().failedCheckpoints >= 3);
    const before = job.completedCheckpoints.length;
    writeFileSync(go, '');
    const { status } = await job.outcome;
    expect([status, job.progress().restarts]).toEqual(['FINISHED', 0]);
    expect(job.completedCheckpoints.length).toBeGreaterThan(before);
    expect(job.progress().recordsOut).toBe(1000);
  });

  test('too often fails the job', async () => {
    const { job } = await start({
      'execution.checkpointing.timeout': '60ms',
      'execution.checkpointing.tolerable-failed-checkpoints': 2,
    });
    const { status, error } = await job.outcome;
    expect(status).toBe('FAILED');
    expect(error?.message).toContain('execution.checkpointing.tolerable-failed-checkpoints');
    expect(job.progress().failedCheckpoints).toBe(3);
  });

  /** As a full or vanished disk does: every write below it fails. */
  const breakFolder = (folder: string): (() => void) => {
    renameSync(folder, `${folder}.away`);
    writeFileSync(folder, 'in the way');
    return () => {
      rmSync(folder);
      renameSync(`${folder}.away`, folder);
    };
  };

  test('because nothing can be written is given up; when the disk is back the next one completes', async () => {
    const { job, go } = await start({ 'execution.checkpointing.tolerable-failed-checkpoints': 1000 });
    await job.until(() => job.completedCheckpoints.length > 0);
    const repair = breakFolder(dirname(dirname(job.completedCheckpoints[0]!)));
    writeFileSync(go, '');
    await job.until(() => job.progress().failedCheckpoints >= 3);
    repair();
    const { status } = await job.outcome;
    expect([status, job.progress().restarts]).toEqual(['FINISHED', 0]);
    expect(job.log.join('\n')).toMatch(/declined/);
  });

  test('because nothing can be written fails the job where none may fail', async () => {
    const { job, go } = await start({ 'execution.checkpointing.tolerable-failed-checkpoints': 0 });
    await job.until(() => job.completedCheckpoints.length > 0);
    const repair = breakFolder(dirname(dirname(job.completedCheckpoints[0]!)));
    writeFileSync(go, '');
    const { status, error } = await job.outcome;
    repair();
    expect(status).toBe('FAILED');
    expect(error?.message).toContain('execution.checkpointing.tolerable-failed-checkpoints');
  });
});
