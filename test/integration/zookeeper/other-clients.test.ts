import { spawnSync } from 'node:child_process';
import { join as joinPaths } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  checkpoint,
  graph,
  JOB,
  join,
  lead,
  OTHER,
  result,
  type HaCluster,
} from '../../../src/coordination/test-support/ha-cluster.ts';
import { connectZooKeeper } from '../../../src/coordination/zookeeper/client/connect-zookeeper.ts';
import { ZooKeeperServices } from '../../../src/coordination/zookeeper/zookeeper-services.ts';
import { checkpointId } from '../../../src/foundation/common/ids.ts';
import { silentLogger } from '../../../src/foundation/common/logger.ts';
import { systemClock } from '../../../src/foundation/common/system-clock.ts';
import { systemRandom } from '../../../src/foundation/common/system-random.ts';
import { caughtUp, Clients, textOf } from './clients.ts';
import { classPath, Ensemble } from './ensemble.ts';
import { shellNodes, shellPaths, type PrintedNode } from './zookeeper-shell.ts';

/*
 * An HA store is nodes that any client of ZooKeeper can look at: Debian's kazoo and ZooKeeper's own shell list all of it, and read in each
 * node what our client reads.
 */

/** Debian's own: kazoo is not there for another Python. */
const PYTHON = '/usr/bin/python3';
const ROOT = '/millrace/looked-at';
const JARS = classPath({ jars: ['commons-cli'] }).join(':');
const SIZE_MAX_BYTES = 1_024;

let ensemble: Ensemble;
const opened: ZooKeeperServices[] = [];
/** What our client reads, by path. */
const nodes = new Map<string, PrintedNode>();

beforeAll(async () => {
  if (spawnSync(PYTHON, ['-c', 'import kazoo']).status !== 0) {
    throw new Error(
      'this test needs kazoo for Python; on Debian: apt-get install -y --no-install-recommends python3-kazoo',
    );
  }
  ensemble = await Ensemble.start({ jars: ['commons-cli'] });
  await fill();
  await using clients = new Clients(ensemble.connectString);
  const client = await clients.connected();
  await caughtUp(client);
  const read = async (path: string): Promise<void> => {
    const { data, stat } = await client.get(path);
    nodes.set(path, {
      data: textOf(data),
      version: stat.version,
      modifiedIn: stat.modifiedIn,
      ephemeralOwner: stat.ephemeralOwner,
      dataLength: stat.dataLength,
    });
    for (const name of (await client.children(path)).names) {
      await read(`${path}/${name}`);
    }
  };
  await read(ROOT);
});

afterAll(async () => {
  await Promise.all(opened.map((services) => services.close()));
  await ensemble?.stop();
});

/** A leader, one that waits, and one of each thing that a leader keeps. */
const fill = async (): Promise<void> => {
  const cluster: HaCluster = {
    open: async () => {
      const services = await ZooKeeperServices.open({
        connect: () => connectZooKeeper({ connectString: ensemble.connectString, sessionTimeoutMs: 4_000 }),
        root: ROOT,
        storage: '/shared',
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
        beforeCreation: async () => undefined,
      });
      opened.push(services);
      return services;
    },
  };
  const { stores, leadership } = await lead(cluster, 'one');
  await join(cluster, 'two');
  await stores.jobGraphs.add({ ...graph(JOB), jobName: 'clicks of the café – ☕' });
  await stores.jobGraphs.add(graph(OTHER));
  for (const id of [1, 2, 3]) {
    await stores.checkpointIds(JOB).next();
    await stores.checkpoints(JOB).add(checkpoint(id));
  }
  await stores.checkpoints(JOB).remove(checkpointId(1));
  await stores.jobRecord(JOB).recordGeneration({
    generation: { epoch: leadership.epoch, number: 1 },
    graphVersion: 1,
    restored: checkpointId(3),
    subtasks: ['source/0', 'source/1', 'window/0', 'window/1'],
    taskManagers: [{ instanceId: 'tm-1', rpcAddress: 'host-1:6122' }],
  });
  await stores.jobRecord(OTHER).recordIntent({ kind: 'cancel', requestId: 'r' });
  await stores.jobResults.createDirty(result('c'.repeat(32) as typeof JOB));
  await stores.lock('cleanup').acquire();
};

test('there is something to look at: leader, queue, jobs, checkpoints, results, locks, none above 1 KiB', () => {
  const paths = [...nodes.keys()].map((path) => path.slice(ROOT.length));
  for (const part of ['/leader/epoch', '/leader/connection_info', '/leader/suspicions']) {
    expect(paths).toContain(part);
  }
  expect(paths.filter((path) => path.startsWith('/leader/latch/'))).toHaveLength(2);
  for (const [folder, count] of Object.entries({ 'execution-plans': 2, jobs: 6, results: 1, locks: 1 })) {
    const below = paths.filter((path) => path.startsWith(`/${folder}/`));
    expect([folder, below.length >= count, below]).toEqual([folder, true, below]);
  }
  const sizes = [...nodes].map(([path, { dataLength }]) => `${path}: ${dataLength}`);
  expect(sizes.filter((line) => Number(line.split(': ')[1]) > SIZE_MAX_BYTES)).toEqual([]);
  expect([...nodes.values()].some(({ data }) => data.includes('café – ☕'))).toBe(true);
  expect([...nodes.values()].some(({ ephemeralOwner }) => ephemeralOwner !== 0n)).toBe(true);
});

test('kazoo lists and reads every node', () => {
  const script = joinPaths(import.meta.dirname, 'list-nodes.py');
  const { stdout, stderr, status } = spawnSync(PYTHON, [script, ensemble.connectString, ROOT], {
    encoding: 'utf8',
    timeout: 50_000,
  });
  expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
  const printed = JSON.parse(stdout) as Record<string, Record<keyof PrintedNode, string | number>>;
  const found = Object.entries(printed).map(([path, { data, version, modifiedIn, ephemeralOwner, dataLength }]) => [
    path,
    {
      data: Buffer.from(String(data), 'base64').toString(),
      version,
      modifiedIn: BigInt(modifiedIn),
      ephemeralOwner: BigInt(ephemeralOwner),
      dataLength,
    },
  ]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(nodes));
});

test("ZooKeeper's own shell lists and reads every node", async () => {
  const paths = await shellPaths(JARS, ensemble.connectString, ROOT);
  expect(paths.toSorted()).toEqual([...nodes.keys()].toSorted());
  const printed = await shellNodes(JARS, ensemble.connectString, paths);
  expect(printed).toHaveLength(paths.length);
  const found = paths.map((path, at) => [path, printed[at]!] as const);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(nodes));
});
