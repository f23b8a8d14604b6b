import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startJob } from '../../src/testing/local-job.ts';
import type { LocalJob } from '../../src/testing/local-job.ts';
import { limiter } from '../golden/limiter.ts';

const JOB = new URL('jobs/dying.ts', import.meta.url);
const EXPECTED = Array.from({ length: 1000 }, (_, n) => `${n} is number ${Math.floor(n / 10) + 1} of its key`).sort();

describe('a task thread that dies', () => {
  const inTurn = limiter(2);
  let root: string;

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'millrace-dying-'));
  });

  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const start = async (how: string, once: boolean, configuration: Record<string, string | number> = {}) => {
    const folder = mkdtempSync(join(root, 'run-'));
    const job = await startJob(JOB, {
      args: [how, once ? join(folder, 'died') : '', join(folder, 'out')],
      configuration: {
        'parallelism.default': 2,
        'execution.checkpointing.interval': '40ms',
        'execution.buffer-timeout.interval': '10ms',
        'restart-strategy.type': 'fixed-delay',
        'restart-strategy.fixed-delay.attempts': 3,
        'restart-strategy.fixed-delay.delay': '10ms',
        'taskmanager.memory.task.heap.size': '96mb',
        'taskmanager.memory.task.off-heap.size': '96mb',
        ...configuration,
      },
    });
    return { job, folder };
  };

  const committed = (folder: string): string[] =>
    readdirSync(join(folder, 'out'))
      .filter((file) => file.endsWith('.committed'))
      .flatMap((file) =>
        readFileSync(join(folder, 'out', file), 'utf8')
          .trim()
          .split('\n'),
      )
      .sort();

  const expectExact = async (job: LocalJob, folder: string, cause: RegExp): Promise<void> => {
    const outcome = await job.outcome;
    expect([outcome.status, outcome.error?.message]).toEqual(['FINISHED', undefined]);
    expect(job.progress().restarts).toBe(1);
    expect(job.log.join('\n')).toMatch(cause);
    expect(committed(folder)).toEqual(EXPECTED);
  };

  test.concurrent.each([
    ['array of objects', /ran out of memory: it uses \d+ MiB of heap/],
    ['array of numbers', /ran out of memory: it uses \d+ MiB of heap/],
    ['map', /ran out of memory: it uses \d+ MiB of heap/],
    ['strings', /ran out of memory: it uses \d+ MiB of heap/],
    ['closures', /ran out of memory: it uses \d+ MiB of heap/],
    ['buffers', /ran out of memory: its array buffers take \d+ MiB, more than the 96 MiB/],
    ['small typed arrays', /ran out of memory: its array buffers take \d+ MiB, more than the 96 MiB/],
    ['exit', /exit code 7; user code may have called process.exit/],
  ])('%s: the process lives, the job restarts, its output is exact', (how, cause) =>
    inTurn(async () => {
      const { job, folder } = await start(how, true);
      await expectExact(job, folder, cause);
    }),
  );

  test.concurrent('killed: the job restarts, its output is exact', () =>
    inTurn(async () => {
      const { job, folder } = await start('', true);
      await job.until(() => job.completedCheckpoints.length > 0);
      await job.killThread(1);
      await expectExact(job, folder, /task thread 1 was killed/);
    }));

  test.concurrent('array buffers that grow with each record end the thread, though no call is long', () =>
    inTurn(async () => {
      const { job } = await start('slow buffers', false, { 'restart-strategy.type': 'none' });
      const { status, error } = await job.outcome;
      expect([status, error?.code]).toEqual(['FAILED', 'OUT_OF_MEMORY']);
      expect(error?.message).toContain('taskmanager.memory.task.off-heap.size');
    }));

  test.concurrent('a thread that dies each time fails the job by its restart strategy', () =>
    inTurn(async () => {
      const { job } = await start('exit', false);
      const { status, error } = await job.outcome;
      expect([status, error?.code, job.progress().restarts]).toEqual(['FAILED', 'WORKER_DIED', 3]);
    }));

  test.concurrent('a loop without end does not keep a job from being cancelled', () =>
    inTurn(async () => {
      const { job, folder } = await start('loop', true, { 'task.cancellation.timeout': '300ms' });
      await job.until(() => existsSync(join(folder, 'died')));
      job.cancel();
      expect((await job.outcome).status).toBe('CANCELED');
    }));
});
