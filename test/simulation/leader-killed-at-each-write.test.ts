import { expect, test } from 'vitest';
import { codeOf } from '../../src/foundation/common/errors.ts';
import type { JobId } from '../../src/foundation/common/ids.ts';
import type {
  ClusterGateway,
  JobDetails,
  JobSubmission,
} from '../../src/runtime/jobmanager/dispatcher/cluster-gateway.ts';
import type { RescaleRequest } from '../../src/runtime/protocol/rescale-request.ts';
import { vertexIdOf } from '../../src/runtime/jobmanager/test-support/test-graph.ts';
import { ControlPlane } from './control-plane.ts';
import { JOB, outputOf, STRIDE, submissionOf, SUBTASKS } from './counted-splits.ts';

const NEVER = Number.POSITIVE_INFINITY;
const RESUMED = 'b'.repeat(32) as JobId;
const JOB_SIZE = { splits: 4, records: 30 };

const expected = outputOf(JOB_SIZE);

const submission = (jobId: JobId, configuration: Readonly<Record<string, string>> = {}): JobSubmission =>
  submissionOf({ ...JOB_SIZE, assignment: 'pull' }, jobId, configuration);

interface Scenario {
  readonly name: string;
  /** What the job comes to. */
  readonly end: 'FINISHED' | 'CANCELED';
  readonly restarts?: boolean;
  /** The metadata of its newest checkpoint breaks with the leader, and is mended where that sets the job aside (R5). */
  readonly breaks?: boolean;
  /** Jobs submitted one after the other; one unless said otherwise. */
  readonly jobs?: number;
  /** Tasks that are started where nothing dies; those of the jobs unless said otherwise. */
  readonly starts?: number;
  readonly run: (world: ControlPlane) => Promise<void>;
}

const submit = (world: ControlPlane, jobId = JOB, configuration = {}): Promise<unknown> =>
  world.ask((gateway) => gateway.submit(submission(jobId, configuration)));

const details = (world: ControlPlane, jobId = JOB): Promise<JobDetails> =>
  world.ask((gateway) => gateway.details(jobId));

const reaches = async (world: ControlPlane, what: (job: JobDetails) => boolean, jobId = JOB): Promise<JobDetails> => {
  for (let look = 0; look < 2_000; look++) {
    const job = await details(world, jobId);
    if (what(job)) {
      return job;
    }
    if (job.state === 'SET_ASIDE' && world.broken !== undefined) {
      await world.mend();
      await world.ask((gateway) => gateway.retry(jobId));
    }
    await world.pass(5);
  }
  throw new Error(`the job stays ${(await details(world, jobId)).state}\n${world.log.slice(-10).join('\n')}`);
};

const runs = (world: ControlPlane): Promise<JobDetails> =>
  reaches(world, ({ state, tasks }) => state === 'FINISHED' || (state === 'RUNNING' && tasks.running === SUBTASKS));

const hasEnded = (state: JobDetails['state']): boolean => ['FINISHED', 'CANCELED', 'FAILED'].includes(state);

/** Asks again where a takeover has forgotten it (R7); `undefined`: the job was over before. */
const snapshot = async (
  world: ControlPlane,
  request: (gateway: ClusterGateway) => Promise<{ readonly triggerId: string }>,
): Promise<string | undefined> => {
  for (;;) {
    try {
      const { triggerId } = await world.ask(request);
      for (;;) {
        const status = await world.ask((gateway) => gateway.snapshotStatus(JOB, triggerId));
        if (status.state === 'completed') {
          return status.location;
        }
        if (status.state === 'failed') {
          throw Object.assign(new Error(status.error.message), { code: status.error.code });
        }
        await world.pass(5);
      }
    } catch (error) {
      if (codeOf(error) === 'JOB_ENDED' || codeOf(error) === 'JOB_NOT_RUNNING') {
        return undefined;
      }
      if (codeOf(error) !== 'TRIGGER_NOT_FOUND' && codeOf(error) !== 'CHECKPOINT_FAILED') {
        throw error;
      }
    }
  }
};

const rescaleTo = (parallelism: number): RescaleRequest => {
  const bounds = { lowerBound: parallelism, upperBound: parallelism };
  const vertices = { [vertexIdOf('source')]: bounds, [vertexIdOf('sink')]: bounds };
  return { triggerId: `to-${parallelism}`, vertices };
};

/** To so many subtasks of each vertex. Resolves when the job has them, or was over before. */
const rescale = async (world: ControlPlane, parallelism: number): Promise<void> => {
  const location = await snapshot(world, (gateway) => gateway.rescale(JOB, rescaleTo(parallelism)));
  if (location !== undefined) {
    await reaches(world, ({ state, tasks }) => hasEnded(state) || tasks.running === 2 * parallelism);
  }
};

const SCENARIOS: readonly Scenario[] = [
  { name: 'submitted, it runs and finishes', end: 'FINISHED', run: async (world) => void (await submit(world)) },
  {
    name: 'left with a broken checkpoint',
    end: 'FINISHED',
    breaks: true,
    run: async (world) => void (await submit(world)),
  },
  {
    name: 'left with a broken checkpoint and a failed task',
    end: 'FINISHED',
    breaks: true,
    restarts: true,
    run: async (world) => {
      await submit(world);
      const { state } = await reaches(
        world,
        (job) => job.state === 'FINISHED' || (job.overview?.checkpoints?.completed ?? 0) > 1,
      );
      if (state !== 'FINISHED') {
        world.tasks.fail();
      }
    },
  },
  {
    name: 'checkpointed on demand',
    end: 'FINISHED',
    run: async (world) => {
      await submit(world);
      await runs(world);
      await snapshot(world, (gateway) => gateway.checkpoint(JOB, { triggerId: 'mine' }));
    },
  },
  {
    name: 'given a savepoint',
    end: 'FINISHED',
    run: async (world) => {
      await submit(world);
      await runs(world);
      await snapshot(world, (gateway) => gateway.savepoint(JOB, { triggerId: 'mine' }));
    },
  },
  {
    name: 'stopped with a savepoint, and resumed from it as another job',
    end: 'FINISHED',
    jobs: 2,
    run: async (world) => {
      await submit(world);
      await runs(world);
      const folder = await snapshot(world, (gateway) => gateway.stop(JOB, { triggerId: 'mine', drain: false }));
      await reaches(world, ({ state }) => state === 'FINISHED');
      if (folder !== undefined) {
        await submit(world, RESUMED, { restore: folder });
        await reaches(world, ({ state }) => state === 'FINISHED', RESUMED);
      }
    },
  },
  {
    name: 'cancelled',
    end: 'CANCELED',
    run: async (world) => {
      await submit(world);
      await runs(world);
      await world.pass(10);
      await world.ask((gateway) => gateway.cancel(JOB));
    },
  },
  {
    name: 'rescaled up',
    end: 'FINISHED',
    restarts: true,
    starts: SUBTASKS + 8,
    run: async (world) => {
      world.tasks.cancelDelay = 20;
      await submit(world);
      await runs(world);
      await rescale(world, 4);
    },
  },
  {
    name: 'rescaled down, and up again',
    end: 'FINISHED',
    restarts: true,
    starts: SUBTASKS + 2 + 6,
    run: async (world) => {
      world.tasks.cancelDelay = 20;
      await submit(world);
      await runs(world);
      await rescale(world, 1);
      await rescale(world, 3);
    },
  },
  {
    name: 'cancelled while it is rescaled',
    end: 'CANCELED',
    restarts: true,
    run: async (world) => {
      world.tasks.cancelDelay = 20;
      await submit(world);
      await runs(world);
      await world.ask((gateway) => gateway.rescale(JOB, rescaleTo(1)));
      await world.ask((gateway) => gateway.cancel(JOB));
    },
  },
  {
    name: 'restarted after a failure of user code',
    end: 'FINISHED',
    restarts: true,
    run: async (world) => {
      await submit(world);
      await runs(world);
      world.tasks.fail();
    },
  },
];

/** Runs it, and looks at what is left. Returns how often the leader changed the disk. */
const play = async (scenario: Scenario, change: number, happens: boolean): Promise<number> => {
  const world = await ControlPlane.start();
  world.dieAt({ change, happens });
  if (scenario.breaks === true) {
    world.breakAtDeath(`/checkpoints/${JOB}`);
  }
  await scenario.run(world);
  const { state } = await reaches(world, (job) => hasEnded(job.state));
  expect(state, 'the end').toBe(scenario.end);
  const { output } = world.tasks;
  if (scenario.end === 'FINISHED') {
    expect(output, 'I6').toEqual(expected);
  } else {
    expect(new Set(output).size, 'I6').toBe(output.length);
  }
  if (change === NEVER && scenario.starts !== undefined) {
    expect(world.tasks.deployments, 'tasks started').toBe(scenario.starts);
  }
  if (scenario.restarts !== true && world.deployedAtDeath === SUBTASKS) {
    expect(world.tasks.deployments % SUBTASKS, 'I9').toBe(0);
    expect(world.tasks.deployments / SUBTASKS, 'I9').toBeLessThanOrEqual(scenario.jobs ?? 1);
  }
  expect(world.tasks.overlaps, 'R1').toEqual([]);
  expect(world.saidOfOlderStores, 'R12').toEqual([]);
  expect(world.tasks.live, 'I13').toEqual([]);
  let kept = await world.kept();
  for (let look = 0; kept.length > 0 && look < 2_000; look++) {
    await world.pass(5);
    kept = await world.kept();
  }
  expect(kept, 'I13').toEqual([]);
  return world.doomed.disk.changes;
};

test.each(SCENARIOS)(
  'a job is $name: as if its leader had not died, at whichever write it dies',
  async (scenario) => {
    const changes = await play(scenario, NEVER, true);
    expect(changes).toBeGreaterThan(50);
    for (let change = 1; change <= changes; change += STRIDE) {
      for (const happens of [false, true]) {
        await play(scenario, change, happens).catch((error: unknown) => {
          throw new Error(
            `killed at change ${change} of ${changes}, which ${happens ? 'happened' : 'did not happen'}`,
            { cause: error },
          );
        });
      }
    }
  },
  Number.POSITIVE_INFINITY,
);
