import { describe, expect, test } from 'vitest';
import type { JobDetails, JobSubmission } from '../../src/runtime/jobmanager/dispatcher/cluster-gateway.ts';
import { vertexIdOf } from '../../src/runtime/jobmanager/test-support/test-graph.ts';
import { ControlPlane } from './control-plane.ts';
import { JOB, outputOf, STRIDE, submissionOf, SUBTASKS, type CountedSplits } from './counted-splits.ts';

const NEVER = Number.POSITIVE_INFINITY;
const JOB_SIZE = { splits: 12, records: 40 };

const STORE = ['/cluster/ha-store'];
const EVERYTHING = ['/cluster', '/checkpoints'];

type Assignment = CountedSplits['assignment'];

const expected = outputOf(JOB_SIZE);

const submission = (assignment: Assignment, configuration: Readonly<Record<string, string>> = {}): JobSubmission =>
  submissionOf({ ...JOB_SIZE, assignment }, JOB, configuration);

const details = (world: ControlPlane): Promise<JobDetails> => world.ask((gateway) => gateway.details(JOB));

const reaches = async (world: ControlPlane, what: (job: JobDetails) => boolean): Promise<JobDetails> => {
  for (let look = 0; look < 4_000; look++) {
    const job = await details(world);
    if (what(job)) {
      return job;
    }
    await world.pass(2);
  }
  throw new Error(`the job stays ${(await details(world)).state}\n${world.log.slice(-10).join('\n')}`);
};

const completed = ({ overview }: JobDetails): number => overview?.checkpoints?.completed ?? 0;

interface Journey {
  readonly assignment: Assignment;
  readonly folders: readonly string[];
  /** Checkpoints that were complete when the copy was made, and after it. */
  readonly before: number;
  readonly after: number;
}

/** Returns how the job stands once it is at rest under leaders of the older store, and how often the first of these changed the disk. */
const travel = async (
  { assignment, folders, before, after }: Journey,
  death: { readonly change: number; readonly happens: boolean } = { change: NEVER, happens: true },
): Promise<{ readonly job: JobDetails; readonly changes: number; readonly world: ControlPlane }> => {
  const world = await ControlPlane.start();
  await world.ask((gateway) => gateway.submit(submission(assignment)));
  await reaches(world, (job) => completed(job) >= before);
  const copy = await world.copyOf(...folders);
  await reaches(world, (job) => completed(job) >= before + after);
  expect((await details(world)).state).toBe('RUNNING');
  await world.goBack(copy, death);
  const job = await reaches(world, ({ state }) => state === 'FINISHED' || state === 'SET_ASIDE');
  // I6, and nothing was started (I9).
  expect(new Set(world.tasks.output).size).toBe(world.tasks.output.length);
  expect(world.tasks.deployments).toBe(SUBTASKS);
  return { job, changes: world.doomed.disk.changes, world };
};

const hasFinished = ({ job, world }: Awaited<ReturnType<typeof travel>>): void => {
  expect(job.setAside).toBeUndefined();
  expect(job.state).toBe('FINISHED');
  // I6
  expect(world.tasks.output).toEqual(expected);
};

const times = [1, 2, 3].flatMap((before) => [1, 2, 3, 5].map((after) => ({ before, after })));

describe('the store goes back under running tasks (R12)', () => {
  test.each(times)('the HA store alone, by $after checkpoints to $before', async (time) => {
    for (const assignment of ['by-index', 'pull'] as const) {
      hasFinished(await travel({ assignment, folders: STORE, ...time }));
    }
  });

  test.each(times)('with all files, by $after checkpoints to $before', async (time) => {
    hasFinished(await travel({ assignment: 'by-index', folders: EVERYTHING, ...time }));
  });

  test.each(times)(
    'with all files and splits that nobody remembers, by $after checkpoints to $before',
    async (time) => {
      const there = await travel({ assignment: 'pull', folders: EVERYTHING, ...time });
      if (there.job.state === 'FINISHED') {
        return hasFinished(there);
      }
      expect(time.after, 'one older checkpoint is remembered').toBeGreaterThan(1);
      expect(there.job.setAside?.message).toMatch(
        /^the HA store is older than what TaskManager tm has seen: .* was an older copy of its folder put back\?; and nobody knows all that its sources read since checkpoint \d+: stop the JobManagers, bring the newer copy back/,
      );
      expect(there.world.tasks.live).toHaveLength(SUBTASKS);
    },
  );
});

describe('and tasks have to start again', () => {
  const underWay = async (assignment: Assignment, folders: readonly string[], configuration = {}) => {
    const world = await ControlPlane.start();
    await world.ask((gateway) => gateway.submit(submission(assignment, configuration)));
    await reaches(world, (job) => completed(job) >= 2);
    return { world, copy: await world.copyOf(...folders) };
  };
  const isAtRest = ({ state }: JobDetails): boolean => state === 'FINISHED' || state === 'SET_ASIDE';

  test('one failed before it is known: the job is set aside, and on command starts from what it had committed', async () => {
    const { world, copy } = await underWay('pull', STORE);
    await reaches(world, (job) => completed(job) >= 5);
    await world.goBack(copy, { change: NEVER, happens: true });
    world.tasks.fail();
    const { setAside } = await reaches(world, isAtRest);
    expect(setAside?.message).toMatch(
      /^the HA store is older .*; no new checkpoint was complete .*: run "millrace retry a+"/,
    );
    await world.ask((gateway) => gateway.retry(JOB));
    const job = await reaches(world, isAtRest);
    expect(job.setAside?.message).toBeUndefined();
    // I6
    expect(world.tasks.output).toEqual(expected);
  });

  test('one failed, and what it had committed is gone too: both ways out are named, and one is to bring it back', async () => {
    const { world, copy } = await underWay('by-index', EVERYTHING);
    await reaches(world, (job) => completed(job) >= 5);
    const newer = await world.copyOf(...EVERYTHING);
    await world.goBack(copy, { change: NEVER, happens: true });
    world.tasks.fail();
    const { setAside } = await reaches(world, isAtRest);
    expect(setAside?.message).toMatch(
      /: stop the JobManagers, bring the newer copy back and start them; or set .*allow-older/,
    );
    await world.goBack(newer, { change: NEVER, happens: true });
    await reaches(world, isAtRest);
    // I6
    expect(world.tasks.output).toEqual(expected);
  });

  test('one failed, and an older checkpoint is allowed: nothing is missing, and the log says what is repeated', async () => {
    const { world, copy } = await underWay('by-index', EVERYTHING, { 'allow-older': 'true' });
    await reaches(world, (job) => completed(job) >= 5);
    await world.goBack(copy, { change: NEVER, happens: true });
    world.tasks.fail();
    expect(await reaches(world, isAtRest)).toMatchObject({ state: 'FINISHED' });
    expect([...new Set(world.tasks.output)].sort()).toEqual(expected);
    expect(world.saidOfOlderStores).toContainEqual(
      expect.stringMatching(
        /falls back to checkpoint \d: the HA store is older .*; output since checkpoint \d, .* again/,
      ),
    );
  });

  test('they have another parallelism since: they go on, until the newer copy is brought back', async () => {
    const { world, copy } = await underWay('pull', EVERYTHING);
    const one = { lowerBound: 1, upperBound: 1 };
    const vertices = { [vertexIdOf('source')]: one, [vertexIdOf('sink')]: one };
    await world.ask((gateway) => gateway.rescale(JOB, { vertices }));
    await reaches(world, ({ tasks }) => tasks.running === 2 && tasks.total === 2);
    const before = await details(world);
    await reaches(world, (job) => completed(job) > completed(before));
    const newer = await world.copyOf(...EVERYTHING);
    await world.goBack(copy, { change: NEVER, happens: true });
    const { setAside } = await reaches(world, isAtRest);
    expect(setAside?.message).toMatch(/^the HA store is older .*; and the 2 tasks that run there were started later/);
    expect(world.tasks.live).toHaveLength(2);
    await world.goBack(newer, { change: NEVER, happens: true });
    await reaches(world, isAtRest);
    expect(world.tasks.output, 'I6').toEqual(expected);
  });

  test('they were started later than the store knows: they go on, until the newer copy is brought back', async () => {
    const { world, copy } = await underWay('by-index', EVERYTHING);
    world.tasks.fail();
    await reaches(world, ({ restarts }) => restarts > 0);
    await reaches(world, ({ tasks }) => tasks.running === SUBTASKS);
    const { overview } = await details(world);
    await reaches(world, (job) => completed(job) > (overview?.checkpoints?.completed ?? 0));
    const newer = await world.copyOf(...EVERYTHING);
    await world.goBack(copy, { change: NEVER, happens: true });
    const { setAside } = await reaches(world, isAtRest);
    expect(setAside?.message).toMatch(/^the HA store is older .*; and the 4 tasks that run there were started later/);
    const { deployments, live } = world.tasks;
    expect(live).toHaveLength(SUBTASKS);
    await world.goBack(newer, { change: NEVER, happens: true });
    await reaches(world, isAtRest);
    // I6
    expect(world.tasks.output).toEqual(expected);
    expect(world.tasks.deployments).toBe(deployments);
  });
});

test.each([
  { name: 'the HA store alone', assignment: 'pull', folders: STORE } as const,
  { name: 'all files', assignment: 'by-index', folders: EVERYTHING } as const,
])(
  '$name: as if the leader of the older store had not died, at whichever write it dies',
  async ({ assignment, folders }) => {
    const journey = { assignment, folders, before: 2, after: 3 };
    const { changes } = await travel(journey);
    expect(changes).toBeGreaterThan(20);
    for (let change = 1; change <= changes; change += STRIDE) {
      for (const happens of [false, true]) {
        try {
          hasFinished(await travel(journey, { change, happens }));
        } catch (cause) {
          const what = happens ? 'happened' : 'did not happen';
          throw new Error(`killed at change ${change} of ${changes}, which ${what}`, { cause });
        }
      }
    }
  },
  Number.POSITIVE_INFINITY,
);
