import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { graph } from '../coordination/test-support/ha-cluster.ts';
import { RecordingContender } from '../coordination/test-support/recording-contender.ts';
import type { JobId } from '../foundation/common/ids.ts';
import { silentLogger } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { Configuration } from '../foundation/config/configuration.ts';
import { deleteStore, type DeleteStoreOptions } from './delete-store.ts';
import { openHighAvailability, type HighAvailability } from './high-availability.ts';

const JOB = 'c'.repeat(32) as JobId;

let folder: string;
let opened: HighAvailability[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-delete-'));
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map(({ services }) => services.close()));
  await rm(folder, { recursive: true });
});

const configuration = (): Configuration =>
  Configuration.of({
    'high-availability.type': 'embedded',
    'high-availability.storageDir': folder,
    'high-availability.embedded.lease-duration': '300 ms',
  });

const open = async (): Promise<HighAvailability> => {
  const surroundings = { clock: systemClock, random: systemRandom, logger: silentLogger, role: 'jobmanager' } as const;
  const ha = await openHighAvailability(configuration(), surroundings);
  opened.push(ha);
  return ha;
};

const clusterDelete = (options: Partial<DeleteStoreOptions> = {}) =>
  deleteStore(configuration(), {
    ...{ clock: systemClock, random: systemRandom, isDryRun: false, givesJobsUp: false },
    ...options,
  });

/** What a JobManager leaves that led with a job, and was killed. */
const leftOver = async (): Promise<HighAvailability> => {
  const ha = await open();
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
  expect(await readdir(folder)).toEqual([]);
  // And the name can be used anew.
  const { services: anew } = await open();
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

test('a cluster with a leader is left alone', async () => {
  const { services, storage } = await open();
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
