import { describe, expect, test } from 'vitest';
import type { RestartCounts } from '../../../coordination/job-record-store.ts';
import { seededRandom } from '../../../foundation/common/random.ts';
import { RestartLedger } from './restart-ledger.ts';
import {
  createRestartStrategy,
  defaultRestartStrategy,
  EXPONENTIAL_DELAY_DEFAULTS,
  type RestartStrategyOptions,
} from './restart-strategy.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** Delays by failure; `give-up` where the job fails. */
const decisions = (options: RestartStrategyOptions, failures: readonly (number | { lostAt: number })[]): unknown[] => {
  const strategy = createRestartStrategy(options, seededRandom(1));
  return failures.map((failure) => {
    const lost = typeof failure === 'object';
    const decision = strategy.failed({ atMs: lost ? failure.lostAt : failure, taskManagerLost: lost });
    return decision.kind === 'restart' ? decision.delayMs : 'give-up';
  });
};

const exponential: RestartStrategyOptions = {
  kind: 'exponential-delay',
  ...EXPONENTIAL_DELAY_DEFAULTS,
  jitterFactor: 0,
};

test.each<{
  name: string;
  options: RestartStrategyOptions;
  failures: (number | { lostAt: number })[];
  expected: unknown[];
}>([
  { name: 'none', options: { kind: 'none' }, failures: [0], expected: ['give-up'] },
  {
    name: 'fixed delay counts for ever',
    options: { kind: 'fixed-delay', attempts: 2, delayMs: 7 },
    failures: [0, HOUR, 2 * HOUR],
    expected: [7, 7, 'give-up'],
  },
  {
    name: 'failure rate: one more than allowed within the interval',
    options: { kind: 'failure-rate', maxFailuresPerInterval: 2, intervalMs: 100, delayMs: 5 },
    failures: [0, 50, 100],
    expected: [5, 5, 'give-up'],
  },
  {
    name: 'failure rate: old failures are forgotten',
    options: { kind: 'failure-rate', maxFailuresPerInterval: 2, intervalMs: 100, delayMs: 5 },
    failures: [0, 50, 101, 151, 152],
    expected: [5, 5, 5, 5, 'give-up'],
  },
  {
    name: 'exponential delay: at once, then the initial backoff, then more',
    options: exponential,
    failures: [0, 10 * SECOND, 20 * SECOND, 30 * SECOND],
    expected: [0, 1_000, 1_500, 2_250],
  },
  {
    name: 'exponential delay: the longest',
    options: { ...exponential, maxBackoffMs: 1_200 },
    failures: [0, 10 * SECOND, 20 * SECOND, 30 * SECOND],
    expected: [0, 1_000, 1_200, 1_200],
  },
  {
    name: 'exponential delay: a quiet hour sets it back',
    options: exponential,
    failures: [0, 10 * SECOND, 11 * SECOND + HOUR, 12 * SECOND + HOUR],
    expected: [0, 1_000, 0, 1_000],
  },
  {
    name: 'exponential delay: failures before the restart count as one',
    options: exponential,
    failures: [0, 10 * SECOND, 10 * SECOND + 400, 20 * SECOND],
    expected: [0, 1_000, 600, 1_500],
  },
  {
    name: 'exponential delay: one cause that fails several regions counts once',
    options: exponential,
    failures: [0, 1, 2, 10 * SECOND],
    // Those that follow wait a little: they may as well be the same task, failing again at once.
    expected: [0, 99, 98, 1_000],
  },
  {
    name: 'exponential delay: a lost TaskManager is nothing the job did',
    options: exponential,
    failures: [0, { lostAt: 5 * SECOND }, { lostAt: 6 * SECOND }, 10 * SECOND],
    expected: [0, 0, 0, 1_000],
  },
  {
    name: 'exponential delay: attempts',
    options: { ...exponential, attemptsBeforeResetBackoff: 2 },
    failures: [0, 10 * SECOND, 20 * SECOND],
    expected: [0, 1_000, 'give-up'],
  },
])('$name', ({ options, failures, expected }) => {
  expect(decisions(options, failures)).toEqual(expected);
});

describe('what was counted outlives the leader (R13)', () => {
  test.each<{ name: string; options: RestartStrategyOptions; failures: number[] }>([
    { name: 'fixed delay', options: { kind: 'fixed-delay', attempts: 3, delayMs: 7 }, failures: [0, 1, 2, 3] },
    {
      name: 'failure rate',
      options: { kind: 'failure-rate', maxFailuresPerInterval: 2, intervalMs: 100, delayMs: 5 },
      failures: [0, 50, 101, 120, 140, 300],
    },
    { name: 'exponential delay', options: exponential, failures: [0, 10 * SECOND, 20 * SECOND, HOUR, 2.5 * HOUR] },
    { name: 'none', options: { kind: 'none' }, failures: [0, 1] },
  ])('$name', ({ options, failures }) => {
    let counts: RestartCounts = {};
    let total = 0;
    const one = new RestartLedger(createRestartStrategy(options, seededRandom(1)));
    // Another process for each failure: its own monotonic clock, the same wall clock.
    const decided = failures.map((wallMs, index) => {
      const now = { wallMs, monotonicMs: wallMs + 1_000 * index };
      const next = new RestartLedger(createRestartStrategy(options, seededRandom(1)));
      next.resume(counts, now);
      const decision = next.failed({ atMs: now.monotonicMs, taskManagerLost: false });
      counts = next.counts({ wallMs: wallMs + 5, monotonicMs: now.monotonicMs + 5 });
      total = next.total;
      return decision;
    });
    expect(decided).toEqual(failures.map((atMs) => one.failed({ atMs, taskManagerLost: false })));
    expect(total).toBe(one.total);
  });

  test('of another strategy, or of nothing that makes sense, nothing is taken over', () => {
    const strategy = createRestartStrategy({ kind: 'fixed-delay', attempts: 1, delayMs: 7 }, seededRandom(1));
    strategy.resume({ fixedDelayFailures: [1, 2], backoffMs: 3 }, (wallMs) => wallMs);
    expect(strategy.failed({ atMs: 0, taskManagerLost: false })).toEqual({ kind: 'restart', delayMs: 7 });
  });
});

describe('exponential delay', () => {
  test('jitter stays within its share', () => {
    const strategy = createRestartStrategy({ ...exponential, jitterFactor: 0.1 }, seededRandom(3));
    strategy.failed({ atMs: 0, taskManagerLost: false });
    const decision = strategy.failed({ atMs: 10_000, taskManagerLost: false });
    expect(decision).toMatchObject({ kind: 'restart' });
    expect(decision.kind === 'restart' && Math.abs(decision.delayMs - 1_000)).toBeLessThanOrEqual(100);
  });
});

test('what applies when nothing is set', () => {
  expect(defaultRestartStrategy(false)).toEqual({ kind: 'none' });
  expect(defaultRestartStrategy(true)).toMatchObject({ kind: 'exponential-delay', initialBackoffMs: 1_000 });
});
