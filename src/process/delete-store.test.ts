import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { graph } from '../coordination/test-support/ha-cluster.ts';
import { RecordingContender } from '../coordination/test-support/recording-contender.ts';
import type { JobId } from '../foundation/common/ids.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { deleteStore, type DeleteStoreOptions } from './delete-store.ts';
import type { HighAvailability } from './high-availability.ts';
import { StoredCluster } from './test-support/stored-cluster.ts';

const JOB = 'c'.repeat(32) as JobId;

let cluster: StoredCluster;

beforeEach(async () => {
  cluster = await StoredCluster.make();
});

afterEach(() => cluster[Symbol.asyncDispose]());

const clusterDelete = (options: Partial<DeleteStoreOptions> = {}) =>
  deleteStore(cluster.configuration, {
    ...{ clock: systemClock, random: systemRandom, isDryRun: false, givesJobsUp: false },
    ...options,
  });

/** What a JobManager leaves that led with a job, and was killed. */
const leftOver = async (): Promise<HighAvailability> => {
  const ha = await cluster.open();
  const { services, storage } = ha;
  const contender = new RecordingContender('one');
  const candidacy = await services.election.join(contender);
  await expect.poll(() => contender.grants.length, { timeout: 20_000 }).toBe(1);
  await storage!.marker.write(contender.grants[0]!, 'one');
  await services.leading(contender.grants[0]!).jobGraphs.add({
    ...graph(JOB),
    jobName: 'clicks',
  });
  await storage!.fs.write(`${storage!.folder}/${JOB}/graph`, Buffer.from('graph'));
  await storage!.fs.makeFolder(`${storage!.folder}/checkpoints/${JOB}`);
  await candidacy.leave();
  return ha;
};

test('a cluster that has ended leaves nothing; what is asked first touches nothing', async () => {
  const { services, storage } = await leftOver();
  const marker = `${storage!.folder}/leader-marker`;
  expect(await clusterDelete({ isDryRun: true })).toMatchObject({
    jobs: [{ jobId: JOB, jobName: 'clicks' }],
    files: expect.arrayContaining([marker, `${storage!.folder}/${JOB}`]),
    kept: [],
  });
  await expect(clusterDelete()).rejects.toThrow(`clicks (${JOB}); cancel them`);
  expect((await services.reader.jobs()).length).toBe(1);
  await services.close();
  await clusterDelete({ givesJobsUp: true });
  expect(await readdir(cluster.folder)).toEqual([]);
  // And the name can be used anew.
  const { services: anew } = await cluster.open();
  expect(await anew.reader.jobs()).toEqual([]);
});

test('checkpoints and savepoints stay', async () => {
  const { services, storage } = await leftOver();
  const [checkpoint, savepoint] = ['checkpoints/chk-1/_metadata', 'savepoints/savepoint-1/_metadata'];
  for (const path of [checkpoint, savepoint]) {
    await storage!.fs.write(`${storage!.folder}/${path}`, Buffer.from('state'));
  }
  await services.close();
  const { kept } = await clusterDelete({ givesJobsUp: true });
  expect(kept).toEqual([`${storage!.folder}/checkpoints`, `${storage!.folder}/savepoints`]);
  expect((await readdir(storage!.folder)).toSorted()).toEqual(['checkpoints', 'savepoints']);
  expect(await storage!.fs.read(`${storage!.folder}/${checkpoint}`)).toEqual(new Uint8Array(Buffer.from('state')));
});

test('a cluster whose id goes on from that of this one is left alone, and what nobody of them made', async () => {
  const { services, storage } = await leftOver();
  const [other, stranger] = [`${storage!.folder}/eu/leader-marker`, `${storage!.folder}/notes.txt`];
  await storage!.fs.write(other, Buffer.from('of another'));
  await storage!.fs.write(stranger, Buffer.from('of a stranger'));
  await services.close();
  const { files, kept } = await clusterDelete({ givesJobsUp: true });
  expect([...files, ...kept].filter((path) => /eu|notes/.test(path))).toEqual([]);
  expect((await readdir(storage!.folder)).toSorted()).toEqual(['eu', 'notes.txt']);
  expect(await storage!.fs.read(other)).toEqual(new Uint8Array(Buffer.from('of another')));
});

test('a cluster with a leader is left alone', async () => {
  const { services, storage } = await cluster.open();
  const contender = new RecordingContender('one');
  await services.election.join(contender);
  await expect.poll(() => contender.grants.length, { timeout: 20_000 }).toBe(1);
  await expect(clusterDelete()).rejects.toMatchObject({ code: 'STORE_IN_USE' });
  expect(services.election).toBeDefined();
  expect(await storage!.fs.names(storage!.folder)).toContain('ha-store');
});

test('where no store is, that is said', async () => {
  await expect(clusterDelete()).rejects.toMatchObject({ code: 'STORE_AWAY' });
});
