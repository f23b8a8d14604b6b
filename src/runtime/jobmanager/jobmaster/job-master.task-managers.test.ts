import { describe, expect, test } from 'vitest';
import type { Random } from '../../../foundation/common/random.ts';
import { scenarioOf } from '../test-support/exploration-scenario.ts';
import { forEachSeed } from '../test-support/for-each-seed.ts';
import { SimulatedWorld } from '../test-support/simulated-world.ts';
import { testGraph } from '../test-support/test-graph.ts';

/** Longer than any run of these tests: nobody is given up who lives. */
const master = { reconcileTimeoutMs: 60_000_000 };

const worlds: SimulatedWorld[] = [];

const perSeed = (run: (world: SimulatedWorld, random: Random) => Promise<void>): Promise<void> =>
  forEachSeed(worlds, async (seed, random) => {
    const { graph, expected, ownEnumerator } = scenarioOf(random, 60_000);
    const world = new SimulatedWorld({ seed, ownEnumerator, graph: graph(2), taskManagers: 2, master });
    worlds.push(world);
    world.master.start();
    await run(world, random);
    expect((await world.finish()).status).toBe('FINISHED');
    expect([...world.output].sort(), 'I6').toEqual(expected);
    expect(world.liveTasks).toEqual([]);
  });

describe('a region at two TaskManagers, under a new leader', () => {
  test('what a task says before the other TaskManager has registered is not lost (I8)', async () => {
    const splits = Array.from({ length: 3 }, (_, index) => ({ id: `s${index}`, next: 0, count: 300 }));
    const source = { enumerator: 'static-splits', config: { splits, assignment: 'pull' }, bounded: true };
    const graph = testGraph(
      [
        { name: 'source', parallelism: 1, source },
        { name: 'sink', parallelism: 2 },
      ],
      [['source', 'sink', 'hash']],
      { intervalMs: 1_000 },
    );
    const world = new SimulatedWorld({ seed: 3, graph, taskManagers: 2, master });
    world.faults = false;
    world.master.start();
    await world.run(10_000, () => world.output.length > 0);
    world.comeBack = false;
    world.changeLeader();
    await world.run(50, () => world.master.status === 'RECONCILING');
    world.register('tm1');
    // Its reader asks for a split, and waits.
    await world.run(5_000, () => false);
    expect(world.master.status).toBe('RECONCILING');
    world.register('tm2');
    world.comeBack = true;
    expect(await world.finish()).toMatchObject({ status: 'FINISHED', restarts: 0 });
    expect(world.output).toHaveLength(900);
  });

  test('goes on as it is, whichever registers first (I9)', async () => {
    await perSeed(async (world, random) => {
      world.faults = false;
      await world.run(10_000, () => world.deployments > 0);
      const { deployments } = world;
      for (let round = 0; round < 5 && world.result === undefined; round++) {
        await world.run(random.int(200));
        if (random.int(4) === 0) {
          world.breakConnection();
        } else {
          world.changeLeader();
        }
      }
      await world.finish();
      expect(world.deployments).toBe(deployments);
    });
  });
});

test('a job that loses TaskManagers, and leaders with them or not, among failures commits every record exactly once', async () => {
  await perSeed(async (world, random) => {
    for (let round = 0; round < 6; round++) {
      await world.run(random.int(300));
      if (world.result !== undefined) {
        return;
      }
      const what = random.int(3);
      if (what > 0) {
        world.loseTaskManager();
      }
      if (what < 2) {
        world.changeLeader();
      }
    }
  });
});
