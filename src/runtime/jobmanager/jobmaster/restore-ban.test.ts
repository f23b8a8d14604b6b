import { expect, test } from 'vitest';
import type { JobGraph } from '../../../pipeline/graph/job-graph.ts';
import type { SimulatedTask } from '../test-support/simulated-task.ts';
import { SimulatedWorld } from '../test-support/simulated-world.ts';
import { testGraph } from '../test-support/test-graph.ts';

const graph: JobGraph = testGraph(
  [
    {
      name: 'source',
      parallelism: 2,
      source: {
        enumerator: 'static-splits',
        config: { splits: ['s0', 's1'].map((id) => ({ id, next: 0, count: 300 })), assignment: 'by-index' },
        bounded: true,
      },
    },
    { name: 'sink', parallelism: 2 },
  ],
  [['source', 'sink', 'forward']],
  { intervalMs: 200, numRetained: 2 },
);

/** A TaskManager comes back with a task that ended long ago and had heard more than the store has. */
const banRestores = (job: SimulatedWorld): void => {
  const [{ deployment }] = job.liveTasks as [SimulatedTask];
  const attempt = { ...deployment.attempt, generation: { ...deployment.attempt.generation, number: 7 } };
  const report = { attempt, slot: 9, state: 'CANCELED', ended: false, drained: false, readers: [] } as const;
  job.master.taskManagerReported('other', [{ ...report, completedId: 90, highestId: 100 }], 'tm-9');
};

const world = (): { readonly job: SimulatedWorld; readonly setAside: string[] } => {
  const setAside: string[] = [];
  const isSetAside = ({ message }: { readonly message: string }): boolean => setAside.push(message) > 0;
  const job = new SimulatedWorld({ seed: 5, graph, mayBeBanned: true, master: { isSetAside } });
  job.faults = false;
  job.master.start();
  return { job, setAside };
};

const sink = (job: SimulatedWorld): SimulatedTask =>
  job.liveTasks.find(({ deployment }) => deployment.vertex === 'v-sink')!;

test('a banned restore: a checkpoint above the id is taken at once, after it tasks restart as ever', async () => {
  const { job, setAside } = world();
  await job.run(50_000, () => job.store.ever.size > 1);
  banRestores(job);
  await job.run(50_000, () => job.store.ever.has(101));
  await job.run(50_000, () => job.log.some((line) => line.includes('Checkpoint 101 refers to no other one')));
  sink(job).fail('boom');
  expect(await job.finish()).toMatchObject({ status: 'FINISHED', restarts: 1 });
  expect(job.output).toHaveLength(600);
  expect(setAside).toEqual([]);
});

test('a failure before that sets the job aside: other regions go on, nothing is deleted or told to end', async () => {
  const { job, setAside } = world();
  await job.run(50_000, () => job.store.ever.size > 1);
  const files = job.files.below(job.folder).filter((path) => path.endsWith('_metadata'));
  const deployments = job.deployments;
  sink(job).fail('boom');
  banRestores(job);
  expect(await job.finish()).toMatchObject({ status: 'SUSPENDED' });
  expect(setAside).toEqual([
    expect.stringMatching(
      /^the HA store is older than what TaskManager tm-9 has seen: checkpoint 90 was complete, .*: stop the JobManagers, bring/,
    ),
  ]);
  expect(job.deployments).toBe(deployments);
  expect(job.liveTasks.filter(({ phase }) => phase === 'running')).toHaveLength(2);
  expect(job.files.below(job.folder)).toEqual(expect.arrayContaining(files));
});

test('who has no way to set a job aside lets it fail, with the reason', async () => {
  const job = new SimulatedWorld({ seed: 5, graph, mayBeBanned: true });
  job.faults = false;
  job.master.start();
  await job.run(50_000, () => job.store.ever.size > 1);
  sink(job).fail('boom');
  banRestores(job);
  expect(await job.finish()).toMatchObject({ status: 'FAILED', error: { code: 'JOB_SET_ASIDE' } });
});
