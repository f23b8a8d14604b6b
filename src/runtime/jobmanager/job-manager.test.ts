import { expect, test } from 'vitest';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { AttemptRef, JobId, VertexId } from '../../foundation/common/ids.ts';
import type { JobSubmission } from './dispatcher/cluster-gateway.ts';
import { brokenFile } from './test-support/fake-job-starter.ts';
import { ClusterWorld, LEASE_MS, type SimulatedJobManager } from './test-support/cluster-world.ts';
import { testGraph } from './test-support/test-graph.ts';

const JOB = 'a'.repeat(32) as JobId;
const UNKNOWN = 'f'.repeat(32) as JobId;

const submission = (jobId = JOB): JobSubmission => ({
  jobId,
  graph: testGraph([{ name: 'source', parallelism: 1 }]),
  bundle: Buffer.from('export default 1'),
  args: [],
  env: {},
  configuration: {},
});

const attemptOf = (job: JobId): AttemptRef => ({
  job,
  graphVersion: 1,
  vertex: 'v-source' as VertexId,
  subtask: 0,
  generation: { epoch: 1, number: 1 },
});

const isLeading = ({ jobManager }: SimulatedJobManager) => jobManager.isLeading;

const start = async (...names: readonly string[]) => {
  const world = new ClusterWorld();
  const processes: SimulatedJobManager[] = [];
  for (const name of names) {
    processes.push(await world.jobManager(name));
  }
  const [first, ...others] = processes as [SimulatedJobManager, ...SimulatedJobManager[]];
  await world.until(() => isLeading(first), 'the first leads');
  await world.until(() => others.every(({ jobManager }) => jobManager.leader?.isPublished === true), 'all see it');
  // Standbys connect.
  await world.pass(20);
  return { world, first, others };
};

test('the first leads, a standby refuses clients and names the leader', async () => {
  const { first, others } = await start('one', 'two');
  const [second] = others as [SimulatedJobManager];
  expect(first.log.join('\n')).toMatch(/was granted leadership with leaderSessionID=[0-9a-f-]{36}/);
  expect(second.log.join('\n')).toMatch(/New leader elected [0-9a-f-]{36}/);
  expect(second.log.join('\n')).toMatch(/Standby: waiting/);
  await expect(second.jobManager.list()).rejects.toMatchObject({ code: 'NOT_LEADER', retryable: true });
  await expect(second.jobManager.list()).rejects.toThrow('http://one:8081');
  expect(second.jobManager.leader?.endpoints.restAddress).toBe('http://one:8081');
});

test('the leader dies: the next one leads long before the lease ends, with its jobs', async () => {
  const { world, first, others } = await start('one', 'two', 'three');
  const [second, third] = others as [SimulatedJobManager, SimulatedJobManager];
  await world.settled(first.jobManager.submit(submission()));
  const killedMs = world.clock.now();
  world.kill(first);
  await world.until(() => isLeading(second), 'the second leads', LEASE_MS);
  expect(world.clock.now() - killedMs).toBeLessThan(LEASE_MS / 2);
  expect(second.starter.master(JOB).heard).toContain('start');
  expect(second.starter.master(JOB).surroundings.fence.epoch).toBe(2);
  expect(third.jobManager.isLeading).toBe(false);
  // It connects to the one that leads now.
  await world.pass(50);
  world.kill(second);
  await world.until(() => isLeading(third), 'the third leads', LEASE_MS);
  expect(third.starter.master(JOB).surroundings.fence.epoch).toBe(3);
});

test('the leader and the first standby die together: the next standby acts a little later', async () => {
  const { world, first, others } = await start('one', 'two', 'three');
  const [second, third] = others as [SimulatedJobManager, SimulatedJobManager];
  world.kill(first);
  world.kill(second);
  await world.until(() => isLeading(third), 'the third leads', LEASE_MS * 3);
});

test('the leader died while nobody stood by: whoever starts then does not wait for its lease', async () => {
  const { world, first } = await start('one');
  await world.settled(first.jobManager.submit(submission()));
  world.kill(first);
  const late = await world.jobManager('late');
  const startedMs = world.clock.now();
  await world.until(() => isLeading(late), 'the late one leads', LEASE_MS);
  expect(world.clock.now() - startedMs).toBeLessThan(LEASE_MS / 2);
  expect(late.starter.master(JOB).surroundings.fence.epoch).toBe(2);
});

test('a leader that one standby cannot reach is not replaced for ever: the false alarms are counted', async () => {
  const { world, first, others } = await start('one', 'two');
  const [second] = others as [SimulatedJobManager];
  const reachable = first.jobManager.endpoints.rpcAddress;
  world.network.removeListener(reachable);
  world.network.break('one', 'two');
  await world.until(() => isLeading(second), 'the second takes over', 5_000);
  await world.until(() => second.services.retrieval.current?.falseAlarms === 1, 'the false alarm is counted', 5_000);
  expect(first.jobManager.isLeading).toBe(false);
});

test('a connection that breaks is no death: the leader goes on', async () => {
  const { world, first, others } = await start('one', 'two');
  world.network.break('one', 'two');
  await world.pass(3_000);
  expect(isLeading(first)).toBe(true);
  expect(first.jobManager.leadership?.epoch).toBe(1);
  expect(others.some(isLeading)).toBe(false);
});

test('a paused leader is replaced when its lease ends; woken, it is a standby and exits not', async () => {
  const { world, first, others } = await start('one', 'two');
  const [second] = others as [SimulatedJobManager];
  await world.settled(first.jobManager.submit(submission()));
  const old = first.starter.master(JOB);
  world.pause(first);
  await world.until(() => isLeading(second), 'the second leads', LEASE_MS * 3);
  world.resume(first);
  await world.until(() => first.jobManager.leadership === undefined && !isLeading(first), 'the first steps down');
  expect(old.status).toBe('SUSPENDED');
  await world.until(() => first.jobManager.leader?.leadership.epoch === 2, 'the first sees who leads');
  world.kill(second);
  await world.until(() => isLeading(first), 'the first leads again', LEASE_MS * 3);
  expect(first.jobManager.leadership?.epoch).toBe(3);
});

test('an orderly stop: another leads at once, no lease and no suspicion', async () => {
  const { world, first, others } = await start('one', 'two');
  const [second] = others as [SimulatedJobManager];
  await world.settled(first.jobManager.submit(submission()));
  const stopped = first.jobManager.shutDown();
  expect(first.starter.master(JOB).status).toBe('SUSPENDED');
  await world.settled(stopped);
  await world.until(() => isLeading(second), 'the second leads', 200);
  expect(second.jobManager.leader?.falseAlarms).toBe(0);
  await expect(first.jobManager.list()).rejects.toMatchObject({ code: 'NOT_LEADER' });
});

test('TaskManagers: their reports reach the jobs, unknown jobs are cancelled and released', async () => {
  const { world, first } = await start('one');
  await world.settled(first.jobManager.submit(submission()));
  const address = first.jobManager.endpoints.rpcAddress;
  const taskManager = await world.taskManager('tm', 2);
  taskManager.adopt(attemptOf(JOB), 0);
  taskManager.adopt(attemptOf(UNKNOWN), 1);
  await world.until(() => first.starter.masters.has(JOB), 'the job is loaded');
  await world.settled(taskManager.register(address));
  const master = first.starter.master(JOB);
  await world.until(() => master.heard.length > 1, 'the report arrives');
  expect(master.heard[1]).toMatchObject({ taskManager: 'tm-first', attempts: [{ attempt: { job: JOB } }] });
  await world.until(() => taskManager.heard.some(({ kind }) => kind === 'cancel'), 'the stray is cancelled');
  expect(first.log.find((line) => line.includes(UNKNOWN))).toMatch(
    /at tm: there is no job .* older copy of the HA store/,
  );
  taskManager.switchTo(attemptOf(UNKNOWN), 'CANCELED');
  await world.until(() => taskManager.heard.some(({ kind }) => kind === 'release'), 'the stray is released');
  expect(taskManager.heard).not.toContainEqual(expect.objectContaining({ kind: 'release', job: JOB }));
  const { slots } = await world.settled(first.jobManager.overview());
  expect(slots).toMatchObject({ total: 2, free: 1, freeAfterLargestLoss: -1 });
});

test('a TaskManager whose process has ended is lost at once; one that only lost its connection is waited for', async () => {
  const { world, first } = await start('one');
  await world.settled(first.jobManager.submit(submission()));
  await world.until(() => first.starter.masters.has(JOB), 'the job is loaded');
  const master = first.starter.master(JOB);
  const address = first.jobManager.endpoints.rpcAddress;
  const [dies, stays] = [await world.taskManager('dies', 1), await world.taskManager('stays', 1)];
  await world.settled(Promise.all([dies.register(address), stays.register(address)]));
  await world.until(() => master.heard.length === 3, 'both have reported');
  world.network.break('one', 'stays');
  const killedMs = world.clock.now();
  world.network.crash('dies');
  const isLost = (name: string): boolean =>
    master.heard.some((event) => (event as { lost?: string }).lost === `${name}-first`);
  await world.until(() => isLost('dies'), 'it is lost');
  expect(world.clock.now() - killedMs).toBeLessThan(1_000);
  await world.settled(stays.register(address));
  await world.pass(10_000);
  expect(isLost('stays')).toBe(false);
  world.network.pause('stays');
  await world.until(() => isLost('stays'), 'the frozen one is lost');
});

test('the same resource id: a living process keeps it, a dead one gives way', async () => {
  const { world, first } = await start('one');
  const address = first.jobManager.endpoints.rpcAddress;
  const old = await world.taskManager('tm', 1);
  await world.settled(old.register(address));
  const rival = await world.taskManager('elsewhere', 1, 'first', 'tm');
  await expect(world.settled(rival.register(address))).rejects.toThrow("taskmanager.resource-id 'tm' belongs to");
  world.network.crash('tm');
  const restarted = await world.taskManager('tm', 1, 'second');
  await world.settled(restarted.register(address));
  await world.pass(10);
  const { slots } = await world.settled(first.jobManager.overview());
  expect(slots.taskManagers).toMatchObject([{ instanceId: 'tm-second' }]);
});

test('the leader and a TaskManager die together: nobody waits for the TaskManager', async () => {
  const { world, first, others } = await start('one', 'two');
  const [second] = others as [SimulatedJobManager];
  await world.settled(first.jobManager.submit(submission()));
  const [dies, stays] = [await world.taskManager('dies', 1), await world.taskManager('stays', 1)];
  const address = first.jobManager.endpoints.rpcAddress;
  await world.settled(Promise.all([dies.register(address), stays.register(address)]));
  await world.pass(20);
  world.kill(first);
  world.network.crash('dies');
  await world.until(() => isLeading(second), 'the second leads', LEASE_MS);
  const { heard } = second.starter.master(JOB);
  await world.until(
    () => heard.some((event) => (event as { lost?: string }).lost === 'dies-first'),
    'it is lost',
    1_000,
  );
  // The one that lives hears of the new leader before it looks into the store.
  await world.until(() => stays.heard.some(({ kind, epoch }) => kind === 'ping' && epoch === 2), 'it is told');
});

test('all processes have died: a job that was running then waits for none of the TaskManagers that its record names', async () => {
  const { world, first } = await start('one');
  await world.settled(first.jobManager.submit(submission()));
  const [dies, stays] = [await world.taskManager('dies', 1), await world.taskManager('stays', 1)];
  const address = first.jobManager.endpoints.rpcAddress;
  await world.settled(Promise.all([dies.register(address), stays.register(address)]));
  await world.pass(20);
  await world.until(() => first.starter.masters.has(JOB), 'the job is loaded');
  const addressOf = first.starter.master(JOB).surroundings.taskManagerAddress!;
  const recorded = ['dies-first', 'stays-first'].map((instanceId) => ({
    instanceId,
    rpcAddress: addressOf(instanceId)!,
  }));
  world.kill(first);
  world.network.crash('dies');
  const again = await world.jobManager('again');
  await world.until(() => again.starter.masters.has(JOB), 'the job is loaded', LEASE_MS * 3);
  const { heard, surroundings } = again.starter.master(JOB);
  surroundings.awaited!(recorded);
  const lost = (): unknown[] => heard.flatMap((event) => (event as { readonly lost?: string }).lost ?? []);
  await world.until(() => lost().length > 0, 'one is lost', 1_000);
  await world.pass(100);
  expect(lost()).toEqual(['dies-first']);
});

test('a TaskManager has heard of a higher epoch: the leader proves itself and goes above it', async () => {
  const { world, first } = await start('one');
  const { lineage } = first.jobManager.leadership!;
  const taskManager = await world.taskManager('tm', 1);
  taskManager.knownFence = { lineage, epoch: 41 };
  const address = first.jobManager.endpoints.rpcAddress;
  await expect(world.settled(taskManager.register(address))).rejects.toMatchObject({ code: 'FENCED' });
  await world.until(() => (first.jobManager.leadership?.epoch ?? 0) > 41 && isLeading(first), 'the epoch is raised');
  await world.settled(taskManager.register(address));
  expect(taskManager.fence).toEqual({ lineage, epoch: 42 });
});

test('a TaskManager was registered under this epoch with another process: the leader goes above it', async () => {
  const { world, first } = await start('one');
  const { lineage, epoch } = first.jobManager.leadership!;
  const taskManager = await world.taskManager('tm', 1);
  taskManager.knownFence = { lineage, epoch };
  taskManager.knownLeader = 'of-a-store-that-went-back';
  const address = first.jobManager.endpoints.rpcAddress;
  await expect(world.settled(taskManager.register(address))).rejects.toMatchObject({ code: 'FENCED' });
  await world.until(() => (first.jobManager.leadership?.epoch ?? 0) > epoch && isLeading(first), 'the epoch is raised');
  await world.settled(taskManager.register(address));
  expect(taskManager.fence).toEqual({ lineage, epoch: epoch + 1 });
});

test('a leader that was not certain goes on under a higher epoch, from what the stores say', async () => {
  const { world, first } = await start('one');
  await world.settled(first.jobManager.submit(submission()));
  await world.until(() => first.starter.masters.has(JOB), 'the job is loaded');
  const before = first.starter.master(JOB);
  const leadership = first.jobManager.leadership!;
  first.jobManager.uncertain(leadership);
  expect(before.status).toBe('SUSPENDED');
  await expect(first.jobManager.list()).rejects.toMatchObject({ code: 'NOT_LEADER' });
  first.jobManager.certain(leadership);
  await world.until(() => isLeading(first), 'it leads again');
  expect(first.jobManager.leadership?.epoch).toBe(2);
  expect(first.starter.master(JOB)).not.toBe(before);
  expect(first.starter.master(JOB).surroundings.fence.epoch).toBe(2);
});

test('a job that is loaded late: what runs of it is left alone, and reported anew when it is there', async () => {
  const { world, first, others } = await start('one', 'two');
  const [second] = others as [SimulatedJobManager];
  await world.settled(first.jobManager.submit(submission()));
  await world.until(() => first.starter.masters.has(JOB), 'the job is loaded');
  second.starter.broken.set(JOB, new MillraceError('FILESYSTEM', 'EIO'));
  world.kill(first);
  await world.until(() => isLeading(second), 'the second leads', LEASE_MS);
  const taskManager = await world.taskManager('tm', 1);
  taskManager.adopt(attemptOf(JOB), 0);
  await world.settled(taskManager.register(second.jobManager.endpoints.rpcAddress));
  await world.pass(50);
  expect(taskManager.heard.filter(({ kind }) => kind !== 'ping')).toEqual([]);
  expect((await world.settled(second.jobManager.overview())).slots.free).toBe(0);
  second.starter.broken.clear();
  await world.until(() => second.starter.masters.has(JOB), 'the job is loaded');
  second.starter.master(JOB).switchTo('RUNNING');
  await world.until(() => taskManager.connection?.closeReason !== undefined, 'it is asked to register again');
  await world.settled(taskManager.register(second.jobManager.endpoints.rpcAddress));
  const { heard } = second.starter.master(JOB);
  await world.until(() => heard.length > 1, 'the report arrives');
  expect(heard[1]).toMatchObject({ taskManager: 'tm-first', attempts: [{ state: 'RUNNING' }] });
});

test('a job that is set aside after its tasks were reported: whoever takes it up again hears of them too', async () => {
  const { world, first } = await start('one');
  await world.settled(first.jobManager.submit(submission()));
  await world.until(() => first.starter.masters.has(JOB), 'the job is loaded');
  const before = first.starter.master(JOB);
  const address = first.jobManager.endpoints.rpcAddress;
  const [runs, idle] = [await world.taskManager('runs', 1), await world.taskManager('idle', 1)];
  runs.adopt(attemptOf(JOB), 0);
  await world.settled(Promise.all([runs.register(address), idle.register(address)]));
  await world.until(() => before.heard.length > 2, 'the reports arrive');
  before.fail(brokenFile);
  await world.pass(20);
  expect(await world.settled(first.jobManager.details(JOB))).toMatchObject({ state: 'SET_ASIDE' });
  await world.settled(first.jobManager.retry(JOB));
  await world.until(() => first.starter.master(JOB) !== before, 'it is tried again');
  const { heard } = first.starter.master(JOB);
  await world.until(() => heard.length > 1, 'it hears of the idle one');
  expect(heard.slice(1)).toEqual([{ taskManager: 'idle-first', attempts: [] }]);
  first.starter.master(JOB).switchTo('RUNNING');
  await world.until(() => runs.connection?.closeReason !== undefined, 'it is asked to register again');
  await world.settled(runs.register(address));
  await world.until(() => heard.length > 2, 'the report arrives');
  expect(heard[2]).toMatchObject({ taskManager: 'runs-first', attempts: [{ state: 'RUNNING' }] });
});

test('a standby is ready when it sees the files of the leader', async () => {
  const { world, first, others } = await start('one', 'two');
  const [second] = others as [SimulatedJobManager];
  await world.until(() => second.jobManager.isReady, 'it is ready');
  expect(first.jobManager.isReady).toBe(true);
});

/** The standby has read ahead what there is now. */
const anticipating = (world: ClusterWorld, standby: SimulatedJobManager, jobs: readonly JobId[]) =>
  world.until(
    () => String(standby.starter.anticipated.at(-1)?.map(({ pointer }) => pointer.jobId) ?? 'nothing') === String(jobs),
    'it looks ahead',
  );

test('a standby that takes over reads pointers only: what they name it has read before (R14)', async () => {
  const { world, first, others } = await start('one', 'two');
  const [second] = others as [SimulatedJobManager];
  await world.settled(first.jobManager.submit(submission()));
  await anticipating(world, second, [JOB]);
  await world.pass(20);
  const before = second.opened.length;
  world.kill(first);
  await world.until(() => isLeading(second), 'the second leads', LEASE_MS);
  expect(second.starter.master(JOB).job.graph.name).toBe(submission().graph.name);
  expect(second.opened.slice(before).filter((path) => path.includes('submittedExecutionPlan'))).toEqual([]);
  await anticipating(world, second, []);
});

test('what a standby has read stands for no pointer: a job that is gone stays gone (R14)', async () => {
  const { world, first, others } = await start('one', 'two');
  const [second] = others as [SimulatedJobManager];
  await world.settled(first.jobManager.submit(submission()));
  await anticipating(world, second, [JOB]);
  await world.settled(first.starter.master(JOB).end('CANCELED'));
  world.kill(first);
  await world.until(() => isLeading(second), 'the second leads', LEASE_MS);
  expect(second.starter.prepared).toEqual([]);
});

test('a leader that became a standby looks ahead again', async () => {
  const { world, first, others } = await start('one', 'two');
  const [second] = others as [SimulatedJobManager];
  await world.settled(first.jobManager.submit(submission()));
  world.pause(first);
  await world.until(() => isLeading(second), 'the second leads', LEASE_MS * 3);
  world.resume(first);
  await anticipating(world, first, [JOB]);
});
