import { beforeEach, describe, expect, test } from 'vitest';
import { checkpointId, type JobId } from '../../foundation/common/ids.ts';
import { seededRandom } from '../../foundation/common/random.ts';
import { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import type { JobGraph } from '../../pipeline/graph/job-graph.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { removeEndedJob } from '../job-removal.ts';
import { NoneServices } from '../none/none-services.ts';
import { RecordingContender } from '../test-support/recording-contender.ts';
import { ClusterStorage } from './cluster-storage.ts';
import type { StoredJob } from './job-graph-files.ts';

const JOB = 'd'.repeat(32) as JobId;

let fs: MemoryFileSystem;
let storage: ClusterStorage;

beforeEach(() => {
  fs = new MemoryFileSystem({ random: seededRandom(1), now: () => 1 });
  storage = new ClusterStorage(fs, '/s/default', seededRandom(2));
});

const job = (bundles: readonly string[] = []): StoredJob => ({
  jobId: JOB,
  submittedMs: 7,
  graphVersion: 1,
  graph: {
    name: 'clicks',
    fingerprint: 'f',
    vertices: [],
    edges: [],
    checkpointing: undefined,
    settings: { a: 'b' },
  } satisfies JobGraph,
  args: ['--x', '1'],
  env: { HOME: '/h' },
  configuration: { 'parallelism.default': '3' },
  bundles,
});

const damage = async (path: string): Promise<void> => {
  const bytes = Uint8Array.from(await fs.read(path));
  bytes[bytes.length - 1]! ^= 1;
  await fs.write(path, bytes);
};

describe('a job', () => {
  test('is written with its bundles and read back; a loss of power keeps it', async () => {
    const bundle = await storage.bundles.write(storage.jobFolder(JOB), Buffer.from('export default 1'));
    const path = await storage.jobGraphs.write(storage.jobFolder(JOB), job([bundle.hash]));
    fs.crash(seededRandom(3));
    const after = new ClusterStorage(new MemoryFileSystem({ disk: fs.disk }), '/s/default', seededRandom(4));
    expect(await after.jobGraphs.read(path)).toEqual(job([bundle.hash]));
    const content = await after.bundles.read(storage.jobFolder(JOB), bundle.hash);
    expect(Buffer.from(content).toString()).toBe('export default 1');
    expect(await after.jobIds()).toEqual([JOB]);
  });

  test('whose graph is written twice has two files (R16), whose bundle is written twice has one', async () => {
    const folder = storage.jobFolder(JOB);
    expect(await storage.jobGraphs.write(folder, job())).not.toBe(await storage.jobGraphs.write(folder, job()));
    const [one, two] = [
      await storage.bundles.write(folder, Buffer.from('x')),
      await storage.bundles.write(folder, Buffer.from('x')),
    ];
    expect(one).toEqual(two);
    expect(await fs.names(folder)).toHaveLength(3);
  });

  test('that a standby read ahead is not read again, once; others are (R14)', async () => {
    const folder = storage.jobFolder(JOB);
    const [one, two] = [await storage.jobGraphs.write(folder, job()), await storage.jobGraphs.write(folder, job())];
    await storage.jobGraphs.readAhead([one, `${folder}/none`]);
    await Promise.all([damage(one), damage(two)]);
    await expect(storage.jobGraphs.read(two)).rejects.toMatchObject({ code: 'CORRUPT_DATA' });
    expect(await storage.jobGraphs.read(one)).toEqual(job());
    await expect(storage.jobGraphs.read(one)).rejects.toMatchObject({ code: 'CORRUPT_DATA' });
  });

  test('whose file is damaged, cut off or another file is broken, with the name', async () => {
    const folder = storage.jobFolder(JOB);
    const bundle = await storage.bundles.write(folder, Buffer.from('export default 1'));
    const path = await storage.jobGraphs.write(folder, job());
    await expect(storage.jobGraphs.read(bundle.path)).rejects.toMatchObject({ code: 'CORRUPT_DATA' });
    await damage(path);
    await expect(storage.jobGraphs.read(path)).rejects.toThrow(`${path} cannot be used: its checksum does not match`);
    await damage(bundle.path);
    await expect(storage.bundles.read(folder, bundle.hash)).rejects.toMatchObject({ code: 'CORRUPT_DATA' });
    await fs.delete(path);
    await expect(storage.jobGraphs.read(path)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});

test('a result keeps its error with the causes', async () => {
  const result = {
    jobId: JOB,
    jobName: 'clicks',
    status: 'FAILED' as const,
    startedMs: 1,
    endedMs: 2,
    restarts: 3,
    error: { name: 'Error', message: 'm', code: 'TASK_FAILED', cause: { name: 'Error', message: 'n', stack: 's' } },
  };
  const path = await storage.results.write(storage.resultsFolder, result);
  expect(await storage.results.read(path)).toEqual(result);
  await damage(path);
  await expect(storage.results.read(path)).rejects.toMatchObject({ code: 'CORRUPT_DATA' });
});

test('what was begun and not finished before the newest leader goes, and nothing else', async () => {
  let nowMs = 1;
  fs = new MemoryFileSystem({ random: seededRandom(1), now: () => nowMs++ });
  storage = new ClusterStorage(fs, '/s/default', seededRandom(2));
  const begin = async (path: string): Promise<void> => fs.write(path, Buffer.from('begun'));
  await storage.deleteUnfinished();
  await begin('/s/default/.leader-marker.0123456789ab.tmp');
  await begin(`/s/default/results/.${JOB}-0123456789abcdef.0123456789ab.tmp`);
  await begin('/s/default/results/kept');
  await storage.deleteUnfinished();
  expect(await fs.names('/s/default/results'), 'nobody leads').toHaveLength(2);
  await storage.marker.write({ lineage: 'l', epoch: 1, sessionId: 's', grantedAtMs: 1 }, 'i');
  await begin(`/s/default/results/.${JOB}-fedcba9876543210.0123456789ab.tmp`);
  await storage.deleteUnfinished();
  expect(await fs.names('/s/default')).toEqual(['leader-marker', 'results']);
  expect(await fs.names('/s/default/results')).toEqual([`.${JOB}-fedcba9876543210.0123456789ab.tmp`, 'kept']);
});

test('a probe of a JobManager that is just starting stays, one that a killed process left goes with the next leader', async () => {
  let nowMs = 1;
  fs = new MemoryFileSystem({ random: seededRandom(1), now: () => nowMs });
  storage = new ClusterStorage(fs, '/s/default', seededRandom(2));
  await fs.write('/s/default/..millrace-probe-0123456789ab.0123456789ab.tmp', Buffer.from('begun'));
  await fs.write('/s/default/.millrace-probe-fedcba987654', Buffer.from('complete'));
  for (const [epoch, left] of [
    [1, 3],
    [2, 1],
  ] as const) {
    nowMs += 60_000;
    await storage.marker.write({ lineage: 'l', epoch, sessionId: 's', grantedAtMs: 1 }, 'i');
    await storage.deleteUnfinished();
    expect(await fs.names('/s/default'), `leader ${epoch}`).toHaveLength(left);
  }
});

describe('the marker', () => {
  const leadership = { lineage: 'l', epoch: 4, sessionId: 's', grantedAtMs: 1 };

  test('is seen where the leader wrote it, also that of a later leader', async () => {
    await storage.marker.write(leadership, 'i');
    expect(await storage.marker.check(leadership)).toEqual({ kind: 'seen' });
    await storage.marker.write({ ...leadership, epoch: 6 }, 'i');
    expect(await storage.marker.check(leadership)).toEqual({ kind: 'seen' });
  });

  test.each([
    ['missing', undefined, /no marker/],
    ['of an earlier leader', { ...leadership, epoch: 3 }, /epoch 3/],
    ['of another cluster', { ...leadership, lineage: 'k' }, /same file system/],
  ])('that is %s means that this is not the same folder', async (_what, written, text) => {
    if (written !== undefined) {
      await storage.marker.write(written, 'i');
    }
    const check = await storage.marker.check(leadership);
    expect(check.kind === 'not-seen' && check.message).toMatch(text);
    expect(check.kind === 'not-seen' && check.message).toContain("does not see the leader's files under /s/default");
  });
});

test('an ended job is removed in an order that a crash anywhere cannot break (R9, I3)', async () => {
  const steps = ['deleteFolder', 'checkpoints', 'none'];
  for (const crashAt of steps) {
    storage = new ClusterStorage(new MemoryFileSystem({ now: () => 1 }), '/s/default', seededRandom(2));
    const services = new NoneServices({ clock: new ManualClock(), random: seededRandom(5) });
    const contender = new RecordingContender('one');
    await services.election.join(contender);
    const stores = services.leading(await contender.grant());
    const graphPath = await storage.jobGraphs.write(storage.jobFolder(JOB), job());
    const base = { jobId: JOB, jobName: 'clicks' };
    await stores.jobGraphs.add({ ...base, submittedMs: 1, graphVersion: 1, graphPath, bundlePaths: [], writeId: 'w' });
    await stores.checkpoints(JOB).add({
      ...{ jobId: JOB, checkpointId: checkpointId(1), kind: 'checkpoint' },
      ...{ metadataPath: '/c/_metadata', baseFolder: '/c', writeId: 'w' },
    });
    await expect(removeEndedJob(stores, storage, JOB, async () => undefined)).rejects.toThrow(/has not ended/);
    await stores.jobResults.createDirty({ ...base, status: 'FINISHED', startedMs: 1, endedMs: 2, resultPath: '/r' });
    const deleteCheckpoints = async (): Promise<void> => {
      expect(await stores.checkpoints(JOB).all()).toEqual([]);
      expect(await storage.jobIds()).toEqual([JOB]);
      if (crashAt === 'checkpoints') {
        throw new Error('crash');
      }
    };
    const deleteFolder = storage.fs.deleteFolder.bind(storage.fs);
    storage.fs.deleteFolder = crashAt === 'deleteFolder' ? () => Promise.reject(new Error('crash')) : deleteFolder;
    await removeEndedJob(stores, storage, JOB, deleteCheckpoints).catch(() => undefined);
    const stopped = await stores.jobResults.get(JOB);
    expect(stopped?.isDirty, `crash at ${crashAt}`).toBe(crashAt !== 'none');
    storage.fs.deleteFolder = deleteFolder;
    await removeEndedJob(stores, storage, JOB, async () => undefined);
    expect((await stores.jobResults.get(JOB))?.isDirty).toBe(false);
    expect(await stores.jobGraphs.get(JOB)).toBeUndefined();
    expect(await storage.jobIds()).toEqual([]);
  }
});
