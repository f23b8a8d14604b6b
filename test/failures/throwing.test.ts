import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeFailure } from '../../src/interfaces/cli/describe-failure.ts';
import { startJob } from '../../src/testing/local-job.ts';
import { limiter } from '../golden/limiter.ts';

const JOB = new URL('jobs/throwing.ts', import.meta.url);
const EXPECTED = Array.from({ length: 1000 }, (_, n) => `${n} is number ${Math.floor(n / 10) + 1} of its key`).sort();

/** Every place where user code can throw, with the operator that has to be named. */
const PLACES: readonly (readonly [place: string, operator: string])[] = [
  ['reader create', 'sequence'],
  ['reader open', 'sequence'],
  ['reader splits', 'sequence'],
  ['reader read', 'sequence'],
  ['reader fail', 'sequence'],
  ['reader snapshot', 'sequence'],
  ['reader completed', 'sequence'],
  ['timestamps', 'watermarks'],
  ['map', 'double check'],
  ['filter', 'filter'],
  ['flatMap', 'flatMap'],
  ['partition', 'flatMap'],
  ['key', 'routed'],
  ['process', 'count'],
  ['event timer', 'count'],
  ['processing timer', 'count'],
  ['function open', 'count'],
  ['function snapshot', 'count'],
  ['async call', 'asyncMap'],
  ['async rejection', 'asyncMap'],
  ['timeout', 'double check'],
  ['rejection', 'double check'],
  ['sink create', 'out'],
  ['sink write', 'out'],
  ['sink async write', 'out'],
  ['sink prepare', 'out'],
  ['sink async prepare', 'out'],
  ['sink abort', 'out'],
];

describe('user code that throws', () => {
  const inTurn = limiter(3);
  let root: string;

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'millrace-throwing-'));
  });

  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const run = (place: string, kind: string, options: { readonly once: boolean; readonly strategy: string }) =>
    inTurn(async () => {
      const folder = mkdtempSync(join(root, 'run-'));
      const job = await startJob(JOB, {
        args: [place, kind, options.once ? join(folder, 'thrown') : '', '2000', join(folder, 'out')],
        configuration: {
          'parallelism.default': 2,
          'execution.checkpointing.interval': '40ms',
          'execution.buffer-timeout.interval': '10ms',
          'restart-strategy.type': options.strategy,
          'restart-strategy.fixed-delay.attempts': 3,
          'restart-strategy.fixed-delay.delay': '10ms',
        },
      });
      const outcome = await job.outcome;
      return { outcome, restarts: job.progress().restarts, log: job.log, folder };
    });

  const committed = (folder: string): string[] =>
    readdirSync(join(folder, 'out'))
      .filter((file) => file.endsWith('.committed'))
      .flatMap((file) =>
        readFileSync(join(folder, 'out', file), 'utf8')
          .trim()
          .split('\n'),
      )
      .sort();

  test.concurrent.each(PLACES)('%s: the job restarts, and its output is exact', async (place) => {
    const { outcome, restarts, log, folder } = await run(place, 'error', { once: true, strategy: 'fixed-delay' });
    expect([outcome.status, outcome.error?.message, log.filter((line) => line.startsWith('error'))]).toEqual([
      'FINISHED',
      undefined,
      [],
    ]);
    expect(restarts).toBe(1);
    expect(committed(folder)).toEqual(EXPECTED);
    // I13: nothing that was prepared is left.
    expect(readdirSync(join(folder, 'out')).filter((file) => !file.endsWith('.committed'))).toEqual([]);
  });

  test.concurrent.each(PLACES)(
    '%s: without restarts the job fails, naming %s, file and line',
    async (place, operator) => {
      const { outcome, restarts } = await run(place, 'error', { once: false, strategy: 'none' });
      expect([outcome.status, restarts]).toEqual(['FAILED', 0]);
      const text = describeFailure(outcome.error);
      const [inTask = '', inOperator = ''] = /^task "(.*?)" failed: (.*boom)/.exec(text)?.slice(1) ?? [];
      expect([inTask, inOperator]).toEqual([expect.stringContaining(operator), expect.stringContaining('boom')]);
      // The task names all its operators, so that one of them is named once more; unless it is the only one, or cannot be
      // told: from where a timer or a promise came.
      const isTold = !inTask.startsWith(`${operator} (`) && place !== 'timeout' && place !== 'rejection';
      expect([text, inOperator.split(operator).length - 1]).toEqual([text, isTold ? 1 : 0]);
      expect(text).toMatch(/(throwing|trapped-connectors)\.ts:\d+:\d+/);
    },
  );

  test.concurrent.each(
    ['string', 'null', 'object'].flatMap((kind) =>
      ['map', 'async rejection', 'timeout', 'sink async write'].map((place) => [kind, place] as const),
    ),
  )('what is thrown may be a %s (%s)', async (kind, place) => {
    const [, operator] = PLACES.find(([name]) => name === place)!;
    const failed = await run(place, kind, { once: false, strategy: 'none' });
    expect(failed.outcome.status).toBe('FAILED');
    expect(describeFailure(failed.outcome.error)).toContain(operator);
    const restarted = await run(place, kind, { once: true, strategy: 'fixed-delay' });
    expect(restarted.outcome.status).toBe('FINISHED');
    expect(committed(restarted.folder)).toEqual(EXPECTED);
  });

  test.concurrent('a commit that fails is tried again without a restart', async () => {
    const { outcome, restarts, folder } = await run('sink commit', 'error', { once: true, strategy: 'none' });
    expect([outcome.status, restarts]).toEqual(['FINISHED', 0]);
    expect(committed(folder)).toEqual(EXPECTED);
  });

  test.concurrent.each([['reader close'], ['function close'], ['sink close']])(
    '%s: what throws at the end of a job that is complete spoils nothing',
    async (place) => {
      const { outcome, folder } = await run(place, 'error', { once: true, strategy: 'fixed-delay' });
      expect(outcome.status).toBe('FINISHED');
      expect(committed(folder)).toEqual(EXPECTED);
    },
  );
});
