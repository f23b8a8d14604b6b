import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bookings } from './jobs/bookings.ts';
import { committedOutput, type KilledJobResult, runKilledJob } from './killed-job.ts';
import { type KillPlan, killPlan } from './kill-points.ts';
import { limiter } from './limiter.ts';

const POINTS = 50;
const AT_ONCE = 3;
const BOOKINGS = 600;
const LINES = 150;
const SUMS = 50;
const TEXT = join(import.meta.dirname, '../../examples/word-count/genesis.txt');

const ARGUMENTS: Readonly<Record<KillPlan['job'], readonly string[]>> = {
  words: [TEXT, String(LINES)],
  accounts: [String(BOOKINGS)],
  sums: [String(SUMS)],
};

const outputIn = (folder: string): ReadonlyMap<string, string> => committedOutput(join(folder, 'out'));

/** Runs a job in a folder of its own. */
const run = async (
  folder: string,
  { job, retained, kills }: Pick<KillPlan, 'job' | 'retained' | 'kills'>,
  afterKill?: () => void,
): Promise<KilledJobResult> =>
  runKilledJob(
    {
      file: join(import.meta.dirname, 'jobs', `${job}.ts`),
      folder,
      args: ARGUMENTS[job],
      configuration: {
        'execution.checkpointing.interval': '20ms',
        'restart-strategy.type': 'none',
        'execution.checkpointing.num-retained': retained,
        // Small state goes to files too.
        'execution.checkpointing.data-inline-threshold': '100b',
      },
    },
    kills,
    afterKill,
  );

describe('a job that is killed and started again', () => {
  const inTurn = limiter(AT_ONCE);
  const calm = new Map<KillPlan['job'], ReadonlyMap<string, string>>();
  let root: string;
  const newFolder = (): string => mkdtempSync(join(root, 'run-'));

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'millrace-kill-points-'));
    await Promise.all(
      (['words', 'accounts', 'sums'] as const).map(async (job) => {
        const folder = newFolder();
        await run(folder, { job, retained: 1, kills: [] });
        calm.set(job, outputIn(folder));
      }),
    );
  });

  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });

  test('writes what it computes when nobody kills it', () => {
    const lines = (job: KillPlan['job']): string[] =>
      [...calm.get(job)!.values()].flatMap((text) => text.trimEnd().split('\n'));
    expect(lines('sums')).toEqual(Array.from({ length: SUMS }, (_, k) => String(400 * k + 190)));
    expect(lines('words').sort()).toEqual(countWords().sort());
    expect(lines('accounts').sort()).toEqual(statements().sort());
  });

  test.concurrent.each(Array.from({ length: POINTS }, (_, seed) => killPlan(seed)))(
    'commits the same bytes: seed $seed',
    { timeout: 240_000 },
    async (plan) => {
      const expected = calm.get(plan.job)!;
      const folder = newFolder();
      const result = await inTurn(() =>
        run(folder, plan, () => {
          for (const [subtask, bytes] of outputIn(folder)) {
            // Nothing is visible that does not stay, at no time.
            expect({ plan, subtask, start: expected.get(subtask)?.slice(0, bytes.length) }).toEqual({
              plan,
              subtask,
              start: bytes,
            });
          }
        }),
      );
      expect({ plan, output: outputIn(folder) }).toEqual({ plan, output: expected });
      expect(result.kills).toBeGreaterThanOrEqual(plan.certain);
      rmSync(folder, { recursive: true });
    },
  );
});

/** What the job `words` writes, in no particular order. */
const countWords = (): string[] => {
  const counts = new Map<string, number>();
  const text = readFileSync(TEXT, 'utf8').split('\n').slice(0, LINES).join('\n');
  return (text.toLowerCase().match(/[a-z]+/g) ?? []).map((word) => {
    counts.set(word, (counts.get(word) ?? 0) + 1);
    return `${word},${counts.get(word)}`;
  });
};

/** What the job `accounts` writes, in no particular order. */
const statements = (): string[] => {
  const all = bookings(BOOKINGS);
  return all.map(({ account, id }) => {
    const own = all.filter((booking) => booking.account === account && booking.id <= id);
    const sum = (some: typeof all): number => some.reduce((total, { amount }) => total + amount, 0);
    const kinds = [...new Set(own.map(({ kind }) => kind))].sort();
    return JSON.stringify({
      account,
      bookings: own.length,
      balance: sum(own),
      latest: own.slice(-3).map((booking) => booking.id),
      kinds: kinds.map((kind) => [kind, sum(own.filter((booking) => booking.kind === kind))]),
    });
  });
};
