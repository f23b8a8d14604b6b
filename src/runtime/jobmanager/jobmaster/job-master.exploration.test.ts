import { describe, expect, test } from 'vitest';
import type { Random } from '../../../foundation/common/random.ts';
import type { RestorePoint } from '../scheduler/restore-plan.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import { scenarioOf } from '../test-support/exploration-scenario.ts';
import { forEachSeed, SEEDS } from '../test-support/for-each-seed.ts';
import { RARE_STATES, type RareState } from '../test-support/rare-states.ts';
import { SimulatedWorld } from '../test-support/simulated-world.ts';

const pointOf = ({ metadata, baseFolder, metadataPath }: CompletedCheckpoint): RestorePoint => ({
  metadata,
  baseFolder,
  metadataPath,
});

const sorted = (values: readonly string[]): string[] => [...values].sort();

const seen = new Map<RareState, number>();
/** For what a failing seed tells. */
const worlds: SimulatedWorld[] = [];

const perSeed = (run: (seed: number, random: Random) => Promise<void>): Promise<void> => forEachSeed(worlds, run);

describe('a job among failures', () => {
  test('it finishes, and every record is committed exactly once', async () => {
    let restarts = 0;
    let failedCheckpoints = 0;
    await perSeed(async (seed, random) => {
      const { graph, expected, parallelism, ownEnumerator } = scenarioOf(random);
      const world = new SimulatedWorld({ seen, seed, ownEnumerator, graph: graph(parallelism) });
      worlds.push(world);
      world.master.start();
      const asked = [];
      for (let round = 0; round < 6 && world.result === undefined; round++) {
        await world.run(300);
        const request = random.int(5);
        if (request === 0) {
          asked.push(world.ask(() => world.master.triggerSavepoint('/savepoints')));
        } else if (request === 1) {
          asked.push(world.ask(() => world.master.triggerCheckpoint()));
        }
      }
      const result = await world.finish();
      restarts += result.restarts;
      failedCheckpoints += world.master.overview.checkpoints?.failed ?? 0;
      expect(result.status).toBe('FINISHED');
      expect(sorted(world.output)).toEqual(expected);
      expect(world.liveTasks).toEqual([]);
      await world.run(200, () => false);
      expect(asked.every(({ done }) => done)).toBe(true);
      expect(world.files.below(world.folder), 'I13').toEqual([]);
      expect(world.store.pointers.size).toBe(0);
    });
    expect(restarts).toBeGreaterThan(SEEDS / 10);
    expect(failedCheckpoints).toBeGreaterThan(SEEDS / 10);
  });

  test('stopped with a savepoint and resumed with another parallelism, every record is committed exactly once', async () => {
    let stops = 0;
    await perSeed(async (seed, random) => {
      const { graph, expected, parallelism, ownEnumerator } = scenarioOf(random);
      const first = new SimulatedWorld({ seen, seed, ownEnumerator, graph: graph(parallelism) });
      first.master.start();
      await first.run(random.int(600));
      const stop = first.ask(() => first.master.stop('/savepoints', false));
      await first.run(1_500);
      const { status } = await first.finish();
      await first.run(100, () => stop.done);
      expect(status).toBe('FINISHED');
      if (stop.checkpoint === undefined) {
        expect(sorted(first.output)).toEqual(expected);
        return;
      }
      stops++;
      const { files, committed } = first;
      const second = new SimulatedWorld({
        seen,
        seed,
        ownEnumerator,
        files,
        committed,
        jobId: 'job2',
        graph: graph(1 + random.int(4)),
        restore: { ...pointOf(stop.checkpoint), allowNonRestoredState: false },
      });
      second.master.start();
      await second.run(1_000);
      expect((await second.finish()).status).toBe('FINISHED');
      expect(sorted(second.output)).toEqual(expected);
    });
    expect(stops).toBeGreaterThan(SEEDS / 4);
  });

  test('resumed from a plain savepoint, the output is that of a run from there on', async () => {
    await perSeed(async (seed, random) => {
      const { graph, expected, parallelism, ownEnumerator } = scenarioOf(random);
      const first = new SimulatedWorld({ seen, seed, ownEnumerator, graph: graph(parallelism) });
      first.master.start();
      await first.run(random.int(500));
      const asked = first.ask(() => first.master.triggerSavepoint('/savepoints'));
      await first.run(3_000, () => asked.done);
      first.cancel();
      await first.finish();
      if (asked.checkpoint === undefined) {
        return;
      }
      // What the first run committed after the savepoint comes again: only the second run's output is looked at, with
      // what the savepoint says was committed before.
      const second = new SimulatedWorld({
        seen,
        seed,
        ownEnumerator,
        files: first.files,
        jobId: 'job2',
        graph: graph(1 + random.int(4)),
        restore: { ...pointOf(asked.checkpoint), allowNonRestoredState: false },
      });
      second.master.start();
      await second.run(1_000);
      expect((await second.finish()).status).toBe('FINISHED');
      expect(sorted(expected.filter((value) => second.output.includes(value)))).toEqual(sorted(second.output));
      expect(sorted([...new Set([...first.output, ...second.output])])).toEqual(expected);
    });
  });

  test('drained, everything that was read is committed exactly once, and the job ends', async () => {
    await perSeed(async (seed, random) => {
      const { graph, expected, parallelism, ownEnumerator } = scenarioOf(random);
      const world = new SimulatedWorld({ seen, seed, ownEnumerator, graph: graph(parallelism) });
      worlds.push(world);
      world.master.start();
      await world.run(random.int(800));
      const stop = world.ask(() => world.master.stop('/savepoints', true));
      await world.run(1_000);
      expect((await world.finish()).status).toBe('FINISHED');
      if (stop.checkpoint === undefined) {
        expect(sorted(world.output)).toEqual(expected);
      }
      expect(new Set(world.output).size).toBe(world.output.length);
      expect(world.output.every((value) => expected.includes(value))).toBe(true);
    });
  });

  test('cancelled at any time, it ends, nothing lives, and nothing is committed twice', async () => {
    await perSeed(async (seed, random) => {
      const { graph, parallelism, ownEnumerator } = scenarioOf(random);
      const world = new SimulatedWorld({ seen, seed, ownEnumerator, graph: graph(parallelism) });
      worlds.push(world);
      world.master.start();
      await world.run(random.int(1_500));
      world.cancel();
      await world.run(random.int(50));
      world.cancel();
      const { status } = await world.finish();
      expect(['CANCELED', 'FINISHED']).toContain(status);
      expect(new Set(world.output).size).toBe(world.output.length);
      expect(world.liveTasks).toEqual([]);
    });
  });

  test('whose leader changes at any time: nothing is started or ended because of it (I9), every record is committed exactly once', async () => {
    let changes = 0;
    await perSeed(async (seed, random) => {
      const { graph, expected, parallelism, ownEnumerator } = scenarioOf(random, 60_000);
      const master = { reconcileTimeoutMs: 60_000 };
      const world = new SimulatedWorld({
        seen,
        seed,
        ownEnumerator,
        graph: graph(parallelism),
        master,
      });
      worlds.push(world);
      world.faults = false;
      world.master.start();
      await world.run(10_000, () => world.deployments > 0);
      const { deployments } = world;
      for (let round = 0; round < 5; round++) {
        await world.run(random.int(200));
        if (world.result === undefined) {
          changes++;
          world.changeLeader();
        }
      }
      const result = await world.finish();
      expect(result).toMatchObject({ status: 'FINISHED', restarts: 0 });
      expect(world.deployments, 'I9').toBe(deployments);
      expect(sorted(world.output), 'I6').toEqual(expected);
      expect(world.liveTasks).toEqual([]);
    });
    expect(changes).toBeGreaterThan(SEEDS);
  });

  test('whose TaskManager loses its connection at any time and is back: nothing is started anew, every record is committed exactly once (R15)', async () => {
    await perSeed(async (seed, random) => {
      const { graph, expected, parallelism, ownEnumerator } = scenarioOf(random, 60_000_000);
      const world = new SimulatedWorld({ seen, seed, ownEnumerator, graph: graph(parallelism) });
      worlds.push(world);
      world.faults = false;
      const startedMs = world.clock.monotonic();
      world.master.start();
      await world.run(10_000, () => world.deployments > 0);
      const { deployments } = world;
      for (let round = 0; round < 5 && world.result === undefined; round++) {
        await world.run(random.int(200));
        world.breakConnection();
      }
      expect(await world.finish()).toMatchObject({ status: 'FINISHED', restarts: 0 });
      expect(world.deployments).toBe(deployments);
      expect(sorted(world.output), 'I6').toEqual(expected);
      expect(world.clock.monotonic() - startedMs, 'no checkpoint waited for its timeout').toBeLessThan(60_000_000);
    });
  });

  test.each([
    ['changes among failures', (world: SimulatedWorld): void => world.changeLeader()],
    ['dies with some of its tasks, finished ones too (R11)', (world: SimulatedWorld): void => world.loseHost()],
  ])('whose leader %s: every record is committed exactly once', async (_, happen) => {
    await perSeed(async (seed, random) => {
      const { graph, expected, parallelism, ownEnumerator } = scenarioOf(random);
      const world = new SimulatedWorld({
        seen,
        seed,
        ownEnumerator,
        graph: graph(parallelism),
        master: { reconcileTimeoutMs: 60_000 },
      });
      worlds.push(world);
      world.master.start();
      for (let round = 0; round < 8; round++) {
        await world.run(random.int(300));
        if (world.result === undefined && random.int(3) === 0) {
          world.breakConnection();
        } else if (world.result === undefined) {
          happen(world);
        }
      }
      const result = await world.finish();
      expect(result.status).toBe('FINISHED');
      expect(sorted(world.output), 'I6').toEqual(expected);
      expect(world.liveTasks).toEqual([]);
    });
  });

  test('stopped while leaders change, it ends with a savepoint from which every record is committed exactly once', async () => {
    let stops = 0;
    await perSeed(async (seed, random) => {
      const { graph, expected, parallelism, ownEnumerator } = scenarioOf(random);
      const drain = random.int(3) === 0;
      const first = new SimulatedWorld({ seen, seed, ownEnumerator, graph: graph(parallelism) });
      worlds.push(first);
      first.master.start();
      await first.run(random.int(500));
      for (let round = 0; round < 5 && first.result === undefined; round++) {
        // Once it is in the job's record every leader goes on with it (R7), unless it failed.
        if (first.intent.kind === 'run') {
          first.ask(() => first.master.stop('/savepoints', drain));
        }
        await first.run(random.int(400));
        if (first.result === undefined) {
          first.changeLeader();
        }
      }
      const { status, savepoint } = await first.finish();
      expect(status).toBe('FINISHED');
      if (savepoint === undefined) {
        expect(sorted(first.output), 'I6').toEqual(expected);
        return;
      }
      stops++;
      const { files, committed } = first;
      const second = new SimulatedWorld({
        seen,
        seed,
        files,
        committed,
        ownEnumerator,
        jobId: 'job2',
        graph: graph(1 + random.int(4)),
        restore: { ...first.savepointAt(savepoint), allowNonRestoredState: false },
      });
      worlds.push(second);
      second.master.start();
      expect((await second.finish()).status).toBe('FINISHED');
      expect(sorted(second.output), 'I6').toEqual(expected);
    });
    expect(stops).toBeGreaterThan(SEEDS / 4);
  });

  test('cancelled while leaders change, it ends, nothing lives, and nothing is committed twice', async () => {
    await perSeed(async (seed, random) => {
      const { graph, parallelism, ownEnumerator } = scenarioOf(random);
      const world = new SimulatedWorld({
        seen,
        seed,
        ownEnumerator,
        graph: graph(parallelism),
        master: { reconcileTimeoutMs: 60_000 },
      });
      worlds.push(world);
      world.master.start();
      await world.run(random.int(800));
      for (let round = 0; round < 3 && world.result === undefined; round++) {
        world.cancel();
        await world.run(random.int(100));
        if (world.result === undefined) {
          world.changeLeader();
        }
      }
      world.cancel();
      const { status } = await world.finish();
      expect(['CANCELED', 'FINISHED']).toContain(status);
      expect(new Set(world.output).size).toBe(world.output.length);
      expect(world.liveTasks).toEqual([]);
    });
  });

  test('the seeds reached every rare state', () => {
    expect(RARE_STATES.filter((state) => !seen.has(state))).toEqual([]);
  });
});
