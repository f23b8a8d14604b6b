import { resolve } from 'node:path/posix';
import { beforeEach, expect, test } from 'vitest';
import type { JobId } from '../../foundation/common/ids.ts';
import { seededRandom } from '../../foundation/common/random.ts';
import type { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import type { JobGraph } from '../../pipeline/graph/job-graph.ts';
import { jobFolder, jobId, metadataOf, StoredJob } from '../../runtime/checkpoint/test-support/stored-job.ts';
import { writeMetadata } from '../../runtime/checkpoint/write-metadata.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import type { LeaderStores } from '../high-availability-services.ts';
import { NoneServices } from '../none/none-services.ts';
import { RecordingContender } from '../test-support/recording-contender.ts';
import { ClusterStorage } from './cluster-storage.ts';
import { readStorageContents, writePointersAnew, type StorageContents } from './restore-from-storage.ts';

const JOB = jobId as JobId;
const ENDED = 'e'.repeat(32) as JobId;

let stored: StoredJob;
let fs: MemoryFileSystem;
let storage: ClusterStorage;

beforeEach(() => {
  stored = new StoredJob();
  fs = stored.fs;
  storage = new ClusterStorage(fs, '/s/default', seededRandom(2));
});

const submit = (job: JobId, graphVersion = 1): Promise<string> =>
  storage.jobGraphs.write(storage.jobFolder(job), {
    ...{ jobId: job, submittedMs: 7, graphVersion, args: [], env: {}, configuration: {}, bundles: ['f'.repeat(64)] },
    graph: {
      name: 'clicks',
      fingerprint: 'f',
      vertices: [],
      edges: [],
      checkpointing: undefined,
      settings: {},
    } satisfies JobGraph,
  });

const read = (): Promise<StorageContents> =>
  readStorageContents({
    storage,
    checkpointFolder: (job) => `/checkpoints/${job.jobId}`,
    locate: stored.locate,
    random: seededRandom(3),
  });

const newStores = async (): Promise<LeaderStores> => {
  const services = new NoneServices({ clock: new ManualClock(), random: seededRandom(4) });
  const contender = new RecordingContender('one');
  await services.election.join(contender);
  return services.leading(await contender.grant());
};

test('jobs come back with their newest graph and checkpoint, no id is given out twice, and ended ones stay ended', async () => {
  await submit(JOB);
  const graphPath = await submit(JOB, 2);
  await submit(ENDED);
  const resultPath = await storage.results.write(storage.resultsFolder, {
    ...{ jobId: ENDED, jobName: 'done', status: 'CANCELED', startedMs: 1, endedMs: 2, restarts: 0 },
  });
  await stored.complete(3);
  await writeMetadata(fs, jobFolder, { ...metadataOf(7, [{ keyed: [] }]), generation: { epoch: 12, number: 1 } });
  // Number 9 was never finished.
  await stored.target(9).writeState('exclusive', [Buffer.from('state of nine')]);
  const contents = await read();
  expect(contents.broken).toEqual([]);
  expect(contents.highestEpoch).toBe(12);
  const stores = await newStores();
  await writePointersAnew(stores, contents);
  // Once more, as after a crash in the middle.
  await writePointersAnew(stores, await read());
  expect(await stores.jobGraphs.get(JOB)).toMatchObject({
    ...{ jobName: 'clicks', graphVersion: 2, graphPath, submittedMs: 7 },
    bundlePaths: [`${storage.jobFolder(JOB)}/blob_${'f'.repeat(64)}`],
  });
  expect(await stores.checkpoints(JOB).all()).toMatchObject([
    { checkpointId: 7, kind: 'checkpoint', metadataPath: expect.stringContaining('chk-7/_metadata') as string },
  ]);
  const [pointer] = await stores.checkpoints(JOB).all();
  expect(resolve(stored.locate(pointer!.baseFolder).path)).toBe(jobFolder);
  expect(await stores.checkpointIds(JOB).next()).toBe(10);
  expect(await stores.jobGraphs.get(ENDED)).toBeUndefined();
  expect(await stores.jobResults.get(ENDED)).toMatchObject({ status: 'CANCELED', resultPath, isDirty: true });
});

test('a job whose newest checkpoint or whose graph is broken is left out and named (R5)', async () => {
  const broken = await submit(ENDED);
  await submit(JOB);
  await stored.complete(3);
  await stored.complete(4);
  for (const path of [broken, `${jobFolder}/chk-4/_metadata`]) {
    const bytes = Uint8Array.from(await fs.read(path));
    bytes[bytes.length - 1]! ^= 1;
    await fs.write(path, bytes);
  }
  const contents = await read();
  expect(contents.jobs).toEqual([]);
  expect(contents.broken.map(({ path, error }) => [path, error.code])).toEqual([
    [`/checkpoints/${jobId}/chk-4`, 'CHECKPOINT_BROKEN'],
    [broken, 'CORRUPT_DATA'],
  ]);
});

test('storage that is away is an error of the whole', async () => {
  await submit(JOB);
  storage.fs.read = () => Promise.reject(Object.assign(new Error('away'), { code: 'FILESYSTEM', retryable: true }));
  await expect(read()).rejects.toMatchObject({ code: 'FILESYSTEM' });
});
