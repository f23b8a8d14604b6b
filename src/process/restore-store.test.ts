import { rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RecordingContender } from '../coordination/test-support/recording-contender.ts';
import type { JobId } from '../foundation/common/ids.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { Configuration } from '../foundation/config/configuration.ts';
import type { JobGraph } from '../pipeline/graph/job-graph.ts';
import { metadataOf } from '../runtime/checkpoint/test-support/stored-job.ts';
import { writeMetadata } from '../runtime/checkpoint/write-metadata.ts';
import { restoreStore, type RestoreStoreOptions } from './restore-store.ts';
import { StoredCluster } from './test-support/stored-cluster.ts';

const JOB = 'c'.repeat(32) as JobId;
const BROKEN = 'd'.repeat(32) as JobId;

let cluster: StoredCluster;

beforeEach(async () => {
  cluster = await StoredCluster.make();
});

afterEach(() => cluster[Symbol.asyncDispose]());

const restore = (options: Partial<RestoreStoreOptions> = {}) =>
  restoreStore(cluster.configuration, {
    clock: systemClock,
    random: systemRandom,
    isDryRun: false,
    addsMissing: false,
    ...options,
  });

/** A job with a checkpoint, as a cluster leaves it whose store is gone afterwards. */
const lostStore = async (): Promise<{ readonly lineage: string; readonly broken: string }> => {
  const { services, storage } = await cluster.open();
  const checkpointing = { intervalMs: 1_000 };
  const graph = { name: 'clicks', fingerprint: 'f', vertices: [], edges: [], settings: {}, checkpointing };
  const job = { submittedMs: 1, graphVersion: 1, args: [], env: {}, configuration: {}, bundles: [] };
  const write = (jobId: JobId): Promise<string> =>
    storage!.jobGraphs.write(storage!.jobFolder(jobId), { ...job, jobId, graph: graph as unknown as JobGraph });
  await write(JOB);
  const broken = await write(BROKEN);
  await writeFile(broken, 'something else');
  const generation = { epoch: 12, number: 1 };
  const metadata = { ...metadataOf(7, [{ keyed: [] }]), jobId: JOB, generation };
  await writeMetadata(storage!.fs, `${storage!.checkpointDirectory}/${JOB}`, metadata);
  await services.close();
  await rm(storage!.embeddedStoreFolder, { recursive: true });
  return { lineage: services.lineage, broken };
};

test('pointers are written anew, above every epoch that a file carries; broken files are named (R12)', async () => {
  const { lineage, broken } = await lostStore();
  await expect(cluster.open()).rejects.toMatchObject({ code: 'STORE_EMPTY' });
  const wouldBe = await restore({ isDryRun: true });
  await expect(cluster.open()).rejects.toMatchObject({ code: 'STORE_EMPTY' });
  const done = await restore();
  expect(done).toEqual(wouldBe);
  expect(done).toEqual({
    jobs: [{ jobId: JOB, jobName: 'clicks', checkpoint: expect.stringContaining('chk-7/_metadata') as string }],
    written: 1,
    ended: 0,
    broken: [{ path: broken, message: expect.any(String) as string }],
  });
  const { services } = await cluster.open();
  expect(services.lineage).not.toBe(lineage);
  expect(await services.reader.jobs()).toMatchObject([{ jobId: JOB, kind: 'read' }]);
  expect(await services.reader.checkpoints(JOB)).toMatchObject([{ value: { checkpointId: 7 } }]);
  const contender = new RecordingContender('next');
  const candidacy = await services.election.join(contender);
  expect((await contender.grant()).epoch).toBeGreaterThan(13);
  await candidacy.leave();
});

test('a store that knows jobs is left alone; those that are missing are added when that is asked for', async () => {
  await lostStore();
  await restore();
  await expect(restore()).rejects.toMatchObject({ code: 'STORE_IN_USE' });
  expect(await restore({ addsMissing: true })).toMatchObject({ written: 0 });
});

test('nothing is written while a JobManager leads', async () => {
  const { services, storage } = await cluster.open();
  const candidacy = await services.election.join(new RecordingContender('leader'));
  const graph = { name: 'clicks', fingerprint: 'f', vertices: [], edges: [], settings: {} } as unknown as JobGraph;
  const job = { submittedMs: 1, graphVersion: 1, args: [], env: {}, configuration: {}, bundles: [] };
  await storage!.jobGraphs.write(storage!.jobFolder(JOB), { ...job, jobId: JOB, graph });
  await expect(restore()).rejects.toMatchObject({
    code: 'STORE_IN_USE',
    message: expect.stringContaining('end all JobManagers') as string,
  });
  expect(await services.reader.jobs()).toEqual([]);
  await candidacy.leave();
});

test('without HA, or without jobs, there is nothing to restore', async () => {
  const options = { clock: systemClock, random: systemRandom, isDryRun: false, addsMissing: false };
  await expect(restoreStore(Configuration.of({}), options)).rejects.toThrow('no HA store is named');
  await expect(restore()).rejects.toThrow('nothing to restore');
});
