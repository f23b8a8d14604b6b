import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JobId } from '../foundation/common/ids.ts';
import { silentLogger } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { Configuration } from '../foundation/config/configuration.ts';
import type { JobGraph } from '../pipeline/graph/job-graph.ts';
import { openHighAvailability, type HighAvailability } from './high-availability.ts';

const JOB = 'c'.repeat(32) as JobId;

let folder: string;
let opened: HighAvailability[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-ha-'));
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map(({ services }) => services.close()));
  await rm(folder, { recursive: true });
});

const open = async (
  settings: Readonly<Record<string, string>>,
  role: 'jobmanager' | 'taskmanager' = 'jobmanager',
): Promise<HighAvailability> => {
  const surroundings = { clock: systemClock, random: systemRandom, logger: silentLogger, role };
  const ha = await openHighAvailability(Configuration.of(settings), surroundings);
  opened.push(ha);
  return ha;
};

const embedded = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  'high-availability.type': 'embedded',
  'high-availability.storageDir': folder,
  ...more,
});

test('nothing set is no HA', async () => {
  const { services, storage } = await open({});
  expect(services.type).toBe('none');
  expect(storage).toBeUndefined();
});

test('kubernetes says that it is not there yet', async () => {
  await expect(open({ 'high-availability.type': 'kubernetes' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});

const QUORUM = 'high-availability.zookeeper.quorum';
const CLIENT = 'high-availability.zookeeper.client';
const zooKeeper = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  ...embedded(),
  'high-availability.type': 'ZOOKEEPER',
  // Nothing listens there, and nobody is asked before all is said that the configuration has wrong.
  [QUORUM]: '127.0.0.1:1',
  ...more,
});

test.each([
  [
    'no quorum',
    { [QUORUM]: ' ' },
    /type is zookeeper .*, but high-availability\.zookeeper\.quorum is not set; name the servers/,
  ],
  ['a quorum that is none', { [QUORUM]: 'zk1:99999' }, /zookeeper\.quorum \(code\): .*zk1:99999 has no valid port/],
  ['no storageDir', { 'high-availability.storageDir': '' }, /storageDir is not set/],
  ['a root with dots', { 'high-availability.zookeeper.path.root': '/a/../b' }, /path\.root \(code\): .*a\/\.\.\/b/],
  [
    'jobs where results are',
    { 'high-availability.zookeeper.path.jobgraphs': 'results' },
    /path\.execution-plans \(code\): \/results is no place for submitted jobs/,
  ],
  ['creator and nobody', { [`${CLIENT}.acl`]: 'creator' }, /client\.acl is creator .*nothing says who this process is/],
  [
    'a user without password',
    { [`${CLIENT}.sasl.username`]: 'x' },
    /sasl\.username is set and .*sasl\.password is not/,
  ],
  [
    'a password without user',
    { [`${CLIENT}.sasl.password`]: 'x' },
    /sasl\.password is set and .*sasl\.username is not/,
  ],
  [
    'Kerberos',
    { 'security.kerberos.login.contexts': 'Client,KafkaClient' },
    /names Client: .*Kerberos, which Millrace does not support/,
  ],
  [
    'a truststore that is not there',
    { [`${CLIENT}.ssl.enabled`]: 'true', [`${CLIENT}.ssl.truststore`]: '/no/such.pem' },
    /\/no\/such\.pem \(high-availability\.zookeeper\.client\.ssl\.truststore\) does not exist/,
  ],
])('ZooKeeper with %s does not start, and says why', async (_what, settings, message) => {
  await expect(open(zooKeeper(settings))).rejects.toThrow(message);
});

test('HA without a storageDir does not start', async () => {
  await expect(open({ 'high-availability.type': 'embedded' })).rejects.toThrow(/storageDir is not set/);
});

test('what a cluster keeps is for its user alone, unless somebody made the folder otherwise', async () => {
  const modeOf = async (name: string): Promise<number> => (await stat(join(folder, name))).mode & 0o777;
  await open(embedded());
  expect(await modeOf('default')).toBe(0o700);
  await mkdir(join(folder, 'shared'));
  await chmod(join(folder, 'shared'), 0o770);
  await open(embedded({ 'high-availability.cluster-id': 'shared' }));
  expect(await modeOf('shared')).toBe(0o770);
});

test('a storageDir that is a file is an error that names it', async () => {
  await writeFile(join(folder, 'file'), '');
  await expect(open(embedded({ 'high-availability.storageDir': join(folder, 'file') }))).rejects.toMatchObject({
    code: 'FILESYSTEM',
    message: expect.stringContaining(join(folder, 'file')) as string,
  });
});

test.each(['', '/', '..', 'a/../b', 'a b'])('the cluster id %j is refused', async (id) => {
  await expect(open(embedded({ 'high-availability.cluster-id': id }))).rejects.toThrow(/cluster-id/);
});

test('processes of one cluster share a lineage, those of another do not', async () => {
  const one = await open(embedded());
  const two = await open(embedded(), 'taskmanager');
  const other = await open(embedded({ 'high-availability.cluster-id': 'another' }));
  expect(two.services.lineage).toBe(one.services.lineage);
  expect(other.services.lineage).not.toBe(one.services.lineage);
  expect(one.storage?.folder).toBe(`${folder}/default`);
});

test('clusters have stores of their own, also below one folder of stores', async () => {
  const settings = { 'high-availability.embedded.dir': join(folder, 'stores') };
  const one = await open(embedded(settings));
  const other = await open(embedded({ ...settings, 'high-availability.cluster-id': 'other' }));
  expect(other.services.lineage).not.toBe(one.services.lineage);
  expect((await readdir(join(folder, 'stores'))).toSorted()).toEqual(['default', 'other']);
});

test('a TaskManager that comes first waits for a JobManager to make the store', async () => {
  await expect(open(embedded(), 'taskmanager')).rejects.toMatchObject({ code: 'STORE_AWAY', retryable: true });
});

test('an empty store where storageDir holds jobs is no beginning (R12)', async () => {
  const first = await open(embedded({ 'high-availability.embedded.dir': join(folder, 'store') }));
  const storage = first.storage!;
  const graph = { name: 'g', fingerprint: 'f', vertices: [], edges: [], settings: {} } as unknown as JobGraph;
  await storage.jobGraphs.write(storage.jobFolder(JOB), {
    jobId: JOB,
    submittedMs: 1,
    graphVersion: 1,
    graph,
    args: [],
    env: {},
    configuration: {},
    bundles: [],
  });
  await first.services.close();
  const again = await open(embedded({ 'high-availability.embedded.dir': join(folder, 'store') }));
  expect(again.services.lineage).toBe(first.services.lineage);
  await rm(join(folder, 'store'), { recursive: true });
  const refused = open(embedded({ 'high-availability.embedded.dir': join(folder, 'store') }));
  await expect(refused).rejects.toMatchObject({ code: 'STORE_EMPTY', message: expect.stringContaining(JOB) as string });
  await mkdir(join(folder, 'store'));
  const anew = await open(
    embedded({ 'high-availability.embedded.dir': join(folder, 'store'), 'high-availability.start-empty': 'true' }),
  );
  expect(anew.services.lineage).not.toBe(first.services.lineage);
  expect(await anew.services.reader.jobs()).toEqual([]);
  expect(await storage.jobIds()).toEqual([JOB]);
});

test('a JobManager has a thread that stands in for its main one, others have none', async () => {
  const threads = (): number => (process.report.getReport() as { readonly workers: readonly unknown[] }).workers.length;
  await open(embedded());
  await expect.poll(threads).toBe(1);
  await open(embedded(), 'taskmanager');
  expect(threads()).toBe(1);
});
