import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startJob } from '../../src/testing/local-job.ts';
import type { LocalJob } from '../../src/testing/local-job.ts';
import { limiter } from '../golden/limiter.ts';

const JOB = new URL('jobs/own-enumerator.ts', import.meta.url);
const EXPECTED = Array.from({ length: 1200 }, (_, n) => `number ${n}`).sort();

/** How it fails, and what the job says then. */
const DEATHS = [
  ['throw', /the enumerator of source "numbers" failed: no such folder/],
  ['loop', /the enumerator of source "numbers" did not answer within 1500 ms \(jobmanager\.user-code\.timeout\)/],
  [
    'objects',
    /the enumerators of job "own-enumerator" ran out of memory: it uses \d+ MiB of heap, more than the 64 MiB/,
  ],
  [
    'buffers',
    /ran out of memory: its array buffers take \d+ MiB, more than the 64 MiB that jobmanager\.user-code\.memory\.off-heap/,
  ],
  ['exit', /the enumerators of job "own-enumerator" ended with exit code 7; user code may have called process\.exit/],
  ['timer', /the enumerator of source "numbers" threw outside of a call, on the JobManager: out of a timer/],
] as const;

describe("an enumerator of the user's (R13)", () => {
  const inTurn = limiter(2);
  let root: string;

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'millrace-enumerators-'));
  });

  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const start = async (
    how: string,
    where: string,
    options: { once?: boolean; inline?: boolean; configuration?: Record<string, string | number> } = {},
  ): Promise<{ job: LocalJob; folder: string; printed: string[] }> => {
    const folder = mkdtempSync(join(root, 'run-'));
    const printed: string[] = [];
    const job = await startJob(JOB, {
      args: [how, where, options.once === true ? join(folder, 'died') : '', join(folder, 'out')],
      inline: options.inline ?? false,
      onConsole: (source, text) => printed.push(`${source}: ${text}`),
      configuration: {
        'parallelism.default': 2,
        'execution.checkpointing.interval': '30ms',
        'restart-strategy.type': 'fixed-delay',
        'restart-strategy.fixed-delay.attempts': 1,
        'restart-strategy.fixed-delay.delay': '10ms',
        'jobmanager.user-code.memory.heap.size': '64mb',
        'jobmanager.user-code.memory.off-heap.size': '64mb',
        ...options.configuration,
      },
    });
    return { job, folder, printed };
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

  /** Silence is only awaited where it is expected: a busy machine must not look like it. */
  const patience = (how: string): Record<string, string> =>
    how === 'loop' ? { 'jobmanager.user-code.timeout': '1500ms' } : {};

  test.concurrent.each(
    DEATHS.flatMap(([how, says]) =>
      ['discover', 'snapshot', 'readerRegistered'].map((where) => [how, where, says] as const),
    ),
  )('%s in %s: the process lives, the job restarts, its output is exact', { timeout: 120_000 }, (how, where, says) =>
    inTurn(async () => {
      // On a busy machine a short patience may end more than once.
      const { job, folder } = await start(how, where, {
        once: true,
        configuration: { ...patience(how), 'restart-strategy.fixed-delay.attempts': how === 'loop' ? 100 : 1 },
      });
      const outcome = await job.outcome;
      expect([outcome.status, outcome.error?.message]).toEqual(['FINISHED', undefined]);
      expect(job.progress().restarts).toBeGreaterThan(0);
      expect(job.log.join('\n')).toMatch(says);
      expect(committed(folder)).toEqual(EXPECTED);
    }),
  );

  test.concurrent.each(DEATHS)('%s each time: the job fails and says why', { timeout: 120_000 }, (how, says) =>
    inTurn(async () => {
      const { job } = await start(how, 'create', { configuration: patience(how) });
      const { status, error } = await job.outcome;
      expect(status).toBe('FAILED');
      expect(error?.message).toMatch(says);
      expect(error?.message).toContain('not restarted');
    }),
  );

  test.concurrent(
    'another job in the process goes on beside one that loops, or takes all memory',
    { timeout: 120_000 },
    () =>
      inTurn(async () => {
        const good = await start('', '');
        const bad = await Promise.all([
          start('loop', 'discovered', { configuration: patience('loop') }),
          start('objects', 'discovered'),
        ]);
        expect((await good.job.outcome).status).toBe('FINISHED');
        expect(good.job.progress().restarts).toBe(0);
        expect(committed(good.folder)).toEqual(EXPECTED);
        for (const { job } of bad) {
          expect((await job.outcome).status).toBe('FAILED');
        }
      }),
  );

  test.concurrent('a loop without end does not keep a job from being cancelled', { timeout: 120_000 }, () =>
    inTurn(async () => {
      const { job, printed } = await start('loop', 'discovered');
      await job.until(() => printed.length > 0);
      job.cancel();
      expect((await job.outcome).status).toBe('CANCELED');
    }),
  );

  test.concurrent.each([false, true])('what it prints comes out, and it is closed (inline: %s)', (inline) =>
    inTurn(async () => {
      const { job, folder, printed } = await start('', '', { inline });
      expect((await job.outcome).status).toBe('FINISHED');
      expect(committed(folder)).toEqual(EXPECTED);
      const lines = printed.map((line) => line.replace(/^.*: /, ''));
      expect(lines).toEqual(['looking', 'closed']);
      if (!inline) {
        expect(printed[0]).toBe('own-enumerator numbers (enumerator): looking');
      }
    }),
  );
});
