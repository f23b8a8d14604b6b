import { describe, expect, test } from 'vitest';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { JobGraph } from '../../../pipeline/graph/job-graph.ts';
import { filesOf } from '../../checkpoint/referenced-files.ts';
import type { SimulatedTask } from '../test-support/simulated-task.ts';
import { SimulatedWorld, type WorldOptions } from '../test-support/simulated-world.ts';
import { testGraph } from '../test-support/test-graph.ts';
import { mayFallBack } from './older-checkpoint.ts';

const SPLITS = 40;
const RECORDS = 20;

const graphOf = (
  options: { numRetained?: number; bearsRepeats?: boolean; partitioning?: 'forward' | 'hash' } = {},
): JobGraph => {
  const splits = Array.from({ length: SPLITS }, (_, split) => ({ id: `s${split}`, next: 0, count: RECORDS }));
  const graph = testGraph(
    [
      {
        name: 'source',
        parallelism: 2,
        source: { enumerator: 'static-splits', config: { splits, assignment: 'pull' }, bounded: true },
      },
      { name: 'sink', parallelism: 2 },
    ],
    [['source', 'sink', options.partitioning ?? 'hash']],
    { intervalMs: 200, timeoutMs: 600_000, numRetained: options.numRetained ?? 2, tolerableFailures: 1_000 },
  );
  const sink = { bearsRepeats: options.bearsRepeats ?? false };
  return {
    ...graph,
    vertices: graph.vertices.map((vertex) => ({
      ...vertex,
      operators: vertex.operators.map((operator) => (operator.source === undefined ? { ...operator, sink } : operator)),
    })),
  };
};

interface Job {
  readonly world: SimulatedWorld;
  readonly setAside: ErrorInfo[];
}

const start = (seed: number, graph: JobGraph, options: Partial<WorldOptions> = {}): Job => {
  const setAside: ErrorInfo[] = [];
  const isSetAside = (error: ErrorInfo): boolean => setAside.push(error) > 0;
  const { master, ...rest } = options;
  const world = new SimulatedWorld({ seed, graph, mayBeBanned: true, ...rest, master: { isSetAside, ...master } });
  world.faults = false;
  world.master.start();
  return { world, setAside };
};

const isRunning = ({ master }: SimulatedWorld): boolean =>
  master.overview.tasks.length > 0 && master.overview.tasks.every(({ state }) => state === 'RUNNING');

const newest = ({ store }: SimulatedWorld): number => Math.max(...store.pointers.keys());

/** Runs until so many checkpoints are complete and kept. */
const checkpointed = async (world: SimulatedWorld, ever = 2, kept = 2): Promise<void> => {
  await world.run(100_000, () => isRunning(world) && world.store.ever.size >= ever && world.store.undecided === 0);
  await world.run(1_000, () => world.store.pointers.size <= kept);
};

const breakMetadata = (world: SimulatedWorld, id = newest(world)): number => {
  world.files.broken.add(`${world.folder}/chk-${id}/_metadata`);
  return id;
};

const breakState = (world: SimulatedWorld): number => {
  const id = newest(world);
  const metadata = world.files.metadata.get(`${world.folder}/chk-${id}/_metadata`)!;
  [...filesOf(metadata).keys()].forEach((path) => world.files.broken.add(path));
  return id;
};

const sinkOf = (world: SimulatedWorld): SimulatedTask =>
  world.liveTasks.find(({ deployment }) => deployment.vertex === 'v-sink')!;

const said = (world: SimulatedWorld, words: string): readonly string[] =>
  world.log.filter((line) => line.includes(words));

const exact = Array.from({ length: SPLITS }, (_, split) =>
  Array.from({ length: RECORDS }, (_one, record) => `s${split}:${record}`),
)
  .flat()
  .sort();

const SEEDS = Array.from({ length: 25 }, (_, seed) => seed);

describe('a checkpoint that is broken when another leader comes', () => {
  test.each(SEEDS)('an older one: said, and gone with the next one (seed %i)', async (seed) => {
    const { world, setAside } = start(seed, graphOf());
    await checkpointed(world);
    const broken = breakMetadata(world, Math.min(...world.store.pointers.keys()));
    world.changeLeader();
    await world.run(100_000, () => isRunning(world));
    expect(said(world, `Checkpoint ${broken} of job job1 cannot be used, nothing starts from it`)).toHaveLength(1);
    expect(world.deployments).toBe(4);
    await world.run(100_000, () => !world.store.pointers.has(broken) || world.result !== undefined);
    sinkOf(world)?.fail('boom');
    expect(await world.finish()).toMatchObject({ status: 'FINISHED' });
    expect([...world.output].sort()).toEqual(exact);
    expect(setAside).toEqual([]);
  });

  test.each(SEEDS)(
    'the newest of a job that runs: it goes on, takes a full one, and starts from that (seed %i)',
    async (seed) => {
      const { world, setAside } = start(seed, graphOf());
      await checkpointed(world, 2 + (seed % 3));
      const broken = breakMetadata(world);
      world.changeLeader();
      await world.run(100_000, () => said(world, 'refers to no other one').length > 0 || world.result !== undefined);
      expect(setAside).toEqual([]);
      expect(world.deployments).toBe(4);
      await world.run(1_000, () => !world.store.pointers.has(broken));
      expect([...world.store.pointers.keys()]).not.toContain(broken);
      sinkOf(world)?.fail('boom');
      expect(await world.finish()).toMatchObject({ status: 'FINISHED' });
      expect([...world.output].sort()).toEqual(exact);
    },
  );

  test.each(SEEDS)('once more, with all that breaks in between (seed %i)', async (seed) => {
    const { world, setAside } = start(seed, graphOf());
    await checkpointed(world);
    breakMetadata(world);
    world.faults = true;
    world.changeLeader();
    await world.run(3_000, () => said(world, 'refers to no other one').length > 0);
    world.faults = false;
    const { status } = await world.finish();
    if (status === 'FINISHED') {
      expect([...world.output].sort()).toEqual(exact);
    } else {
      expect(status).toBe('SUSPENDED');
      expect(setAside[0]?.message).toMatch(/cannot be used.*mend it and run "millrace retry job1", or set /s);
      expect(new Set(world.output).size).toBe(world.output.length);
    }
  });

  test('the only one, the first: the enumerators go on from the start of the job', async () => {
    const { world } = start(3, graphOf());
    await checkpointed(world, 1);
    expect(world.store.ever.size).toBe(1);
    breakMetadata(world);
    world.changeLeader();
    expect(await world.finish()).toMatchObject({ status: 'FINISHED' });
    expect(world.deployments).toBe(4);
    expect([...world.output].sort()).toEqual(exact);
  });

  test('the only one that is kept: too little is known, the job is set aside and its tasks go on', async () => {
    const { world, setAside } = start(3, graphOf({ numRetained: 1 }));
    await checkpointed(world, 3, 1);
    breakMetadata(world);
    world.changeLeader();
    expect(await world.finish()).toMatchObject({ status: 'SUSPENDED' });
    expect(setAside[0]).toMatchObject({ code: 'JOB_SET_ASIDE' });
    expect(setAside[0]?.message).toMatch(
      /nobody knows all that its sources read since the start of the job.*no older/s,
    );
    expect(world.liveTasks).toHaveLength(4);
    expect(world.store.pointers.size).toBe(1);
  });

  test('a task failed meanwhile: the job is set aside, both ways out named, nothing deleted', async () => {
    const { world, setAside } = start(5, graphOf({ partitioning: 'forward' }));
    await checkpointed(world);
    const pointers = [...world.store.pointers.keys()];
    breakMetadata(world);
    world.changeLeader();
    sinkOf(world).fail('boom');
    expect(await world.finish()).toMatchObject({ status: 'SUSPENDED' });
    expect(setAside[0]?.message).toMatch(
      /mend it and run "millrace retry job1", or set execution.state-recovery.allow-older-checkpoint: true .* written again to "sink"/,
    );
    expect(world.deployments).toBe(4);
    expect([...world.store.pointers.keys()]).toEqual(pointers);
  });
});

describe('an older checkpoint', () => {
  const falls = async (seed: number, { world, setAside }: Job): Promise<void> => {
    await world.run(100_000, () => said(world, 'falls back to checkpoint').length > 0);
    const result = await world.finish();
    expect(result, `seed ${seed}`).toMatchObject({ status: 'FINISHED' });
    expect(setAside).toEqual([]);
    expect([...new Set(world.output)].sort()).toEqual(exact);
    expect(said(world, 'falls back to checkpoint')[0]).toMatch(
      /output since checkpoint \d+, which .* is written again to "sink"/,
    );
  };

  test.each(SEEDS)(
    'is taken where the option allows it: at a takeover, if a task has failed (seed %i)',
    async (seed) => {
      const broken = new Set<number>();
      const job = start(seed, graphOf({ partitioning: seed % 2 === 0 ? 'forward' : 'hash' }), {
        broken,
        master: { allowOlderCheckpoint: true },
      });
      await checkpointed(job.world);
      broken.add(breakMetadata(job.world));
      job.world.changeLeader();
      sinkOf(job.world).fail('boom');
      await falls(seed, job);
    },
  );

  test.each(SEEDS)(
    'is taken by itself where all sinks bear repeats: at a restart that finds the state broken (seed %i)',
    async (seed) => {
      const broken = new Set<number>();
      const job = start(seed, graphOf({ bearsRepeats: true, partitioning: seed % 2 === 0 ? 'forward' : 'hash' }), {
        broken,
        master: { restartStrategy: { kind: 'fixed-delay', attempts: 1, delayMs: 1 } },
      });
      await checkpointed(job.world);
      broken.add(breakState(job.world));
      sinkOf(job.world).fail('boom');
      await falls(seed, job);
    },
  );

  test.each(SEEDS)('is taken by a leader that another one follows at once (seed %i)', async (seed) => {
    const broken = new Set<number>();
    const { world, setAside } = start(seed, graphOf({ bearsRepeats: true, partitioning: 'forward' }), { broken });
    await checkpointed(world);
    broken.add(breakMetadata(world));
    world.changeLeader();
    sinkOf(world).fail('boom');
    await world.run(100_000, () => said(world, 'falls back to checkpoint').length > 0);
    await world.run(seed * 3);
    world.changeLeader();
    expect(await world.finish()).toMatchObject({ status: 'FINISHED' });
    expect(setAside).toEqual([]);
    expect(said(world, 'HA store is older')).toEqual([]);
    expect([...new Set(world.output)].sort()).toEqual(exact);
  });

  test('is not taken without being allowed: a broken state file sets the job aside, whatever the restart strategy says', async () => {
    const { world, setAside } = start(7, graphOf(), {
      master: { restartStrategy: { kind: 'fixed-delay', attempts: 1, delayMs: 1 } },
    });
    await checkpointed(world);
    const id = breakState(world);
    sinkOf(world).fail('boom');
    expect(await world.finish()).toMatchObject({ status: 'SUSPENDED' });
    expect(setAside[0]?.message).toMatch(
      new RegExp(`^checkpoint ${id}, the newest, cannot be used: the state file .* is broken`),
    );
    expect(world.store.pointers.has(id)).toBe(true);
  });

  test('is of no use where there is none', async () => {
    const { world, setAside } = start(7, graphOf({ numRetained: 1 }), { master: { allowOlderCheckpoint: true } });
    await checkpointed(world);
    breakState(world);
    sinkOf(world).fail('boom');
    expect(await world.finish()).toMatchObject({ status: 'SUSPENDED' });
    expect(setAside[0]?.message).toContain('there is no older checkpoint that can be used');
  });
});

test('a graph that says nothing of its sinks has none that bear repeats', () => {
  const silent = testGraph([{ name: 'sink', parallelism: 1 }], []);
  expect(mayFallBack({ jobId: 'j' as never, graph: silent })).toBe(false);
  expect(mayFallBack({ jobId: 'j' as never, graph: graphOf({ bearsRepeats: true }) })).toBe(true);
  expect(mayFallBack({ jobId: 'j' as never, graph: graphOf() })).toBe(false);
  expect(mayFallBack({ jobId: 'j' as never, graph: graphOf(), allowOlderCheckpoint: true })).toBe(true);
});
