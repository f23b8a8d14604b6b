import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/foundation/common/random.ts';
import { runKilled } from './killed-run.ts';
import type { KillPoint, RunOfJob } from './killed-run.ts';

const JOB = join(import.meta.dirname, 'jobs/kill-points.ts');
const POINTS = 50;
/** Processes at once; the points are shared out over as many chains. */
const AT_ONCE = 4;

/** Between, during and right after checkpoints; in the sink's rename; in the writing of state; at any time. */
const KINDS: readonly ((nth: number, when: 'before' | 'after') => KillPoint)[] = [
  (nth, when) => ({ call: 'unlink', path: '_metadata', nth, when }),
  (nth, when) => ({ call: 'link', path: '_metadata', nth, when }),
  (nth, when) => ({ call: 'sync', path: '_metadata', nth, when }),
  (nth, when) => ({ call: 'rename', path: '.pending', nth, when }),
  (nth, when) => ({ call: 'rename', path: '/out/part-', nth, when }),
  (nth, when) => ({ call: 'sync', path: '.inprogress', nth, when }),
  (nth, when) => ({ call: 'write', path: '.inprogress', nth, when }),
  (nth) => ({ afterMs: 300 + nth * 90 }),
];

const pointOf = (seed: number): KillPoint[] => {
  const random = seededRandom(seed);
  const kind = KINDS[seed % KINDS.length]!;
  const first = kind(1 + random.int(6), random.int(2) === 0 ? 'before' : 'after');
  // Every fifth run is killed a second time, wherever it is then.
  return seed % 5 === 0 ? [first, { afterMs: 350 + random.int(500) }] : [first];
};

describe('kill -9', () => {
  let calm: RunOfJob;
  const killed = new Map<number, Promise<RunOfJob>>();

  beforeAll(async () => {
    calm = await runKilled(JOB, []);
    const chains = Array.from({ length: AT_ONCE }, () => Promise.resolve());
    for (let seed = 0; seed < POINTS; seed++) {
      const run = chains[seed % AT_ONCE]!.then(() => runKilled(JOB, pointOf(seed)));
      killed.set(seed, run);
      chains[seed % AT_ONCE] = run.then(
        () => {},
        () => {},
      );
    }
  });

  test('the run without a kill writes every record', () => {
    const lines = Object.values(calm.output).flatMap((text) => text.trimEnd().split('\n'));
    expect(lines).toHaveLength(8_000);
    expect(calm.kills).toBe(0);
  });

  test.each(Array.from({ length: POINTS }, (_, seed) => [seed, JSON.stringify(pointOf(seed))] as const))(
    'seed %i: the committed bytes are those of the run without a kill: %s',
    async (seed) => {
      const { output } = await killed.get(seed)!;
      expect(output).toEqual(calm.output);
    },
    240_000,
  );

  test('most points were reached', async () => {
    const runs = await Promise.all(killed.values());
    expect(runs.filter(({ kills }) => kills > 0).length).toBeGreaterThan(POINTS / 2);
  });
});
