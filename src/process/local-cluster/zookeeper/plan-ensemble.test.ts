import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { Configuration } from '../../../foundation/config/configuration.ts';
import { ClusterFolder } from '../cluster-folder.ts';
import { planCluster } from '../cluster-plan.ts';
import { planEnsemble, type EnsemblePlan } from './plan-ensemble.ts';
import { zooCfg } from './server-files.ts';

let folder: string;
let env: Readonly<Record<string, string>>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plan-ensemble-'));
  await mkdir(join(folder, 'release/lib'), { recursive: true });
  await writeFile(join(folder, 'release/lib/zookeeper-3.9.3.jar'), '');
  await writeFile(join(folder, 'java'), '');
  await chmod(join(folder, 'java'), 0o755);
  env = { ZOOKEEPER_HOME: join(folder, 'release'), PATH: folder };
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const cluster = (): ClusterFolder => new ClusterFolder(join(folder, 'run'));

const plan = (
  zooKeeperServers?: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<EnsemblePlan | undefined> =>
  planEnsemble(
    {
      configuration: Configuration.of(settings, '-D'),
      ...(zooKeeperServers === undefined ? {} : { zooKeeperServers }),
    },
    cluster(),
    { env, logger: silentLogger },
  );

test('none is started unless somebody asks, also where ZooKeeper is not installed', async () => {
  env = {};
  expect(await plan()).toBeUndefined();
  await expect(plan(1)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});

test('has ports of its own for each server, and the same at each start', async () => {
  const first = await plan(3);
  await first?.writeFiles();
  const ports = first?.servers.map(({ clientPort }) => clientPort) ?? [];
  expect(new Set(ports).size).toBe(3);
  expect(first?.quorum).toBe(ports.map((port) => `127.0.0.1:${port}`).join());
  const again = await plan(3);
  const [before, after] = [first, again].map((each) => JSON.stringify([each?.servers, each?.quorum]));
  expect(after).toBe(before);
  expect((await plan())?.quorum, 'also without being asked').toBe(first?.quorum);
  expect(
    await plan(undefined, { 'high-availability.type': 'embedded' }),
    'unless another one is named',
  ).toBeUndefined();
  for (const number of [1, 2, 3]) {
    const server = join(folder, 'run/zookeeper', `server-${number}`);
    expect(await readFile(join(server, 'data/myid'), 'utf8')).toBe(`${number}\n`);
    expect((await stat(join(server, 'data'))).mode & 0o777, 'of this user alone').toBe(0o700);
    expect(await readFile(join(server, 'zoo.cfg'), 'utf8')).toContain(`clientPort=${ports[number - 1]}\n`);
  }
});

test('that did not start is not started again by itself, unless the cluster had it before', async () => {
  const first = await plan(3);
  await first?.writeFiles();
  await first?.undo();
  expect(await plan()).toBeUndefined();
  await (await plan(3))?.writeFiles();
  await (await plan())?.undo();
  expect((await plan())?.servers.length).toBe(3);
});

test('takes the place of the store that a cluster has by default', async () => {
  const ensemble = await plan(1);
  const request = {
    configuration: Configuration.of({ 'rest.bind-port': '0' }, '-D'),
    configDir: undefined,
    jobManagers: 2,
    taskManagers: 1,
    isInsecure: false,
    isSupervised: false,
    look: () => Promise.resolve(undefined),
  };
  const { settings, jobManagers, taskManagers, zooKeeper, storeText } = await planCluster(request, cluster(), ensemble);
  const own = {
    'high-availability.type': 'zookeeper',
    'high-availability.zookeeper.quorum': ensemble?.quorum,
    'high-availability.storageDir': join(folder, 'run/storage'),
  };
  expect(settings).toEqual(own);
  for (const { args } of [...jobManagers, ...taskManagers]) {
    expect(args).toEqual(expect.arrayContaining(Object.entries(own).map(([key, value]) => `${key}=${value}`)));
  }
  expect(zooKeeper).toBe(ensemble?.servers);
  expect(storeText).toContain(`high-availability.zookeeper.quorum: ${ensemble?.quorum}`);
});

test('is refused beside another store, and with another number of servers than it has', async () => {
  for (const [key, value] of [
    ['high-availability.type', 'zookeeper'],
    ['high-availability.zookeeper.quorum', 'zk1:2181'],
  ] as const) {
    await expect(plan(3, { [key]: value })).rejects.toThrow(`${key} is ${value} (-D); leave one of them out`);
  }
  await (await plan(3))?.writeFiles();
  await expect(plan(1)).rejects.toThrow(/has 3 servers.*--zookeeper 3/);
  await writeFile(join(folder, 'run/zookeeper/ensemble.json'), '{"version":1,"servers":[{"client":0}]}');
  await expect(plan(3)).rejects.toMatchObject({ code: 'CORRUPT_DATA' });
});

const portsOf = (server: number) => ({ client: 10 + server, peers: 20 + server, election: 30 + server });

test('a server is told of the others, flushes what it writes, and is heard on this machine alone', () => {
  const text = zooCfg({ number: 2, dataFolder: '/run/data', ports: [1, 2, 3].map(portsOf) });
  expect(text).toContain('clientPort=12\n');
  expect(text).toContain('clientPortAddress=127.0.0.1\n');
  expect(text.match(/^server.*$/gm)).toEqual([
    'server.1=127.0.0.1:21:31',
    'server.2=127.0.0.1:22:32',
    'server.3=127.0.0.1:23:33',
  ]);
  expect(text).not.toMatch(/forceSync|skipACL/i);
  const settings = new Map(text.split('\n').map((line) => line.split('=', 2) as [string, string]));
  const timeoutMs = Number(settings.get('tickTime')) * Number(settings.get('syncLimit'));
  expect(timeoutMs, 'a leader that is cut off ends before sessions do').toBeLessThanOrEqual(10_000);
});

test('one that is alone names no server, and paths are written as its file format wants them', () => {
  const text = zooCfg({ number: 1, dataFolder: '/ru\\n/é/data', ports: [portsOf(1)] });
  expect(text).not.toMatch(/^server/m);
  expect(text).toContain('dataDir=/ru\\\\n/\\u00e9/data\n');
});
