import { expect, test, vi } from 'vitest';
import { NoneServices } from '../../../coordination/none/none-services.ts';
import type { JobGraphPointer } from '../../../coordination/job-graph-store.ts';
import { ClusterStorage } from '../../../coordination/storage/cluster-storage.ts';
import type { StoredJob } from '../../../coordination/storage/job-graph-files.ts';
import type { Leadership } from '../../../coordination/leadership.ts';
import { codeOf, MillraceError } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { seededRandom } from '../../../foundation/common/random.ts';
import { MemoryFileSystem } from '../../../foundation/filesystem/memory/memory-file-system.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import { FakeJobStarter, FakeMaster } from '../test-support/fake-job-starter.ts';
import { testGraph, vertexIdOf } from '../test-support/test-graph.ts';
import { JobRescale } from './job-rescale.ts';
import type { JobSurroundings } from './job-starter.ts';
import { SnapshotTriggers } from './snapshot-triggers.ts';
import { SteadfastStores } from './steadfast-stores.ts';

const JOB = 'a'.repeat(32) as JobId;
const TO_TWO = { vertices: { [vertexIdOf('source')]: { lowerBound: 2, upperBound: 2 } } };
/** What takes longer hangs. */
const PATIENCE = { timeout: 30_000 };
const TAKEN = { metadataPath: '/chk-7/_metadata', checkpointId: 7 } as CompletedCheckpoint;

/** A job that runs, with what a leader keeps of it. */
const runningJob = async () => {
  const clock = new ManualClock(1_000);
  const random = seededRandom(1);
  const storage = new ClusterStorage(new MemoryFileSystem(), '/cluster', random);
  const services = new NoneServices({ clock, random });
  const granted = Promise.withResolvers<Leadership>();
  await services.election.join({
    endpoints: { instanceId: 'jm', rpcAddress: 'jm:1', restAddress: 'http://jm:1' },
    granted: granted.resolve,
    uncertain: () => {},
    certain: () => {},
    revoked: () => {},
  });
  const stores = new SteadfastStores({
    stores: services.leading(await granted.promise),
    clock,
    logger: silentLogger,
    leadershipLost: () => {},
  });
  const graph = testGraph([{ name: 'source', parallelism: 1 }], [], {});
  const about = { jobId: JOB, submittedMs: 1, graphVersion: 1 };
  const stored: StoredJob = { ...about, graph, args: [], env: {}, configuration: {}, bundles: [] };
  const graphPath = await storage.jobGraphs.write(storage.jobFolder(JOB), stored);
  const pointer: JobGraphPointer = { ...about, jobName: 'test-job', graphPath, bundlePaths: [], writeId: 'w' };
  await stores.raw.jobGraphs.add(pointer);
  const master = new FakeMaster(stored, { listener: {} } as unknown as JobSurroundings);
  master.switchTo('RUNNING');
  const record = stores.record(JOB);
  const triggers = new SnapshotTriggers();
  const switched: JobGraphPointer[] = [];
  const rescale = new JobRescale({
    stores,
    storage,
    starter: new FakeJobStarter(),
    record,
    triggers,
    random,
    logger: silentLogger,
    slots: () => ({ own: 1, free: 1 }),
    host: {
      requireLoaded: () => ({ pointer, stored, master }),
      isCurrent: () => true,
      switchedTo: async (next) => void switched.push(next),
    },
  });
  const files = async (): Promise<readonly string[]> =>
    (await storage.fs.names(storage.jobFolder(JOB))).map((name) => `${storage.jobFolder(JOB)}/${name}`);
  return { clock, stores, storage, master, record, triggers, rescale, pointer, switched, files };
};

const settled = (job: Awaited<ReturnType<typeof runningJob>>, state: 'completed' | 'failed'): Promise<void> =>
  vi.waitFor(() => expect(job.triggers.get('mine')?.state).toBe(state), PATIENCE);

test('a job gets its new graph after a checkpoint, and the graph before is deleted', async () => {
  const job = await runningJob();
  await job.rescale.start('mine', TO_TWO);
  const { intent } = await job.record.read();
  expect(intent).toMatchObject({ kind: 'rescale', requestId: 'mine', graphVersion: 2 });
  expect((await job.stores.raw.jobGraphs.get(JOB))?.graphVersion, 'before the checkpoint').toBe(1);
  job.master.savepoint.resolve(TAKEN);
  await settled(job, 'completed');
  expect(job.master.heard).toEqual(['retire']);
  const pointer = await job.stores.raw.jobGraphs.get(JOB);
  expect(job.switched).toEqual([pointer]);
  expect(await job.files()).toEqual([pointer?.graphPath]);
  const read = await job.storage.jobGraphs.read(pointer!.graphPath);
  expect([read.graphVersion, read.graph.vertices[0]?.parallelism]).toEqual([2, 2]);
  expect(await job.record.read()).toMatchObject({ intent: { kind: 'run' }, graphVersion: 2 });
});

test('where no checkpoint comes about it stays as it is, and nothing is left of the rescale', async () => {
  const job = await runningJob();
  job.master.savepoint.reject(new MillraceError('CHECKPOINT_FAILED', 'no checkpoint'));
  await job.rescale.start('mine', TO_TWO);
  await vi.waitFor(() => {
    job.clock.advanceTo(job.clock.monotonic() + 50);
    expect(job.triggers.get('mine')).toMatchObject({ state: 'failed', error: { message: 'no checkpoint' } });
  }, PATIENCE);
  expect(job.master.heard).toEqual([]);
  expect((await job.record.read()).intent).toEqual({ kind: 'run' });
  expect(await job.files()).toEqual([job.pointer.graphPath]);
  expect(job.rescale.isUnderWay).toBe(false);
});

test('a cancel takes its place', async () => {
  const job = await runningJob();
  await job.rescale.start('mine', TO_TWO);
  const cancel = { kind: 'cancel', requestId: 'c' } as const;
  await job.record.recordIntent(cancel);
  job.master.savepoint.resolve(TAKEN);
  await settled(job, 'failed');
  expect(job.master.heard).toEqual([]);
  expect((await job.record.read()).intent).toEqual(cancel);
});

test('R7: the next leader, who finds it done, says so at once to whom asks again', async () => {
  const job = await runningJob();
  const intent = {
    kind: 'rescale',
    requestId: 'mine',
    graphVersion: 1,
    graphPath: '/new',
    replacedPath: '/old',
  } as const;
  await job.record.recordIntent(intent);
  job.rescale.goOn(intent);
  expect(job.triggers.get('mine')).toEqual({ state: 'in-progress' });
  await settled(job, 'completed');
  expect((await job.record.read()).intent).toEqual({ kind: 'run' });
  expect(job.rescale.isUnderWay).toBe(false);
});

test('a job that has this parallelism is left alone', async () => {
  const job = await runningJob();
  const starter = vi.spyOn(FakeJobStarter.prototype, 'rescaled').mockImplementation(async (stored) => stored);
  await job.rescale.start('mine', TO_TWO);
  starter.mockRestore();
  await settled(job, 'completed');
  expect(job.triggers.get('mine')).toEqual({ state: 'completed', location: '' });
  expect((await job.record.read()).intent).toEqual({ kind: 'run' });
});

test('one at a time, and only while the job runs; then nothing is written', async () => {
  const job = await runningJob();
  const refusal = (run: Promise<void>): Promise<unknown> => run.then(() => 'accepted', codeOf);
  job.master.switchTo('RESTARTING');
  expect(await refusal(job.rescale.start('early', TO_TWO))).toBe('JOB_NOT_RUNNING');
  job.master.switchTo('RUNNING');
  await job.record.recordIntent({ kind: 'stop', requestId: 's', savepointDirectory: '/s', drain: false });
  expect(await refusal(job.rescale.start('stopped', TO_TWO))).toBe('JOB_NOT_RUNNING');
  await job.record.settleIntent('s');
  const toMany = { vertices: { [vertexIdOf('source')]: { lowerBound: 3, upperBound: 3 } } };
  expect(await refusal(job.rescale.start('large', toMany))).toBe('NOT_ENOUGH_SLOTS');
  expect(await job.files()).toEqual([job.pointer.graphPath]);
  await job.rescale.start('mine', TO_TWO);
  expect(await refusal(job.rescale.start('another', TO_TWO))).toBe('JOB_NOT_RUNNING');
});
