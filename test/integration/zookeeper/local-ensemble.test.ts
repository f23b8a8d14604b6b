import { mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parseConnectString } from '../../../src/coordination/zookeeper/client/connect-string.ts';
import { askEnsemble, type EnsembleStatus } from '../../../src/coordination/zookeeper/ensemble/ensemble-status.ts';
import { silentLogger, type Logger } from '../../../src/foundation/common/logger.ts';
import { systemClock } from '../../../src/foundation/common/system-clock.ts';
import { Configuration } from '../../../src/foundation/config/configuration.ts';
import type { ClusterProcess } from '../../../src/interfaces/cli/local-cluster.ts';
import { ClusterFolder } from '../../../src/process/local-cluster/cluster-folder.ts';
import { listenIfFree } from '../../../src/process/local-cluster/free-port.ts';
import { ProcessCluster } from '../../../src/process/local-cluster/process-cluster.ts';
import { processIdentity } from '../../../src/process/local-cluster/process-identity.ts';
import { bytes, Clients, textOf } from './clients.ts';
import { eventually } from './eventually.ts';

/*
 * Real ZooKeeper servers below a cluster whose JobManagers and TaskManagers are played: they say when they start and when they end.
 */
const STAND_IN = new URL('../../../src/process/local-cluster/test-support/stand-in.ts', import.meta.url).pathname;

const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) {
    await cleanUp();
  }
});

const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'local ensemble é '));
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

interface Made {
  /** As another command would see it. */
  readonly open: () => ProcessCluster;
  readonly cluster: ProcessCluster;
  readonly warnings: string[];
  readonly start: (zooKeeperServers?: number) => Promise<void>;
}

/** `looked`: what the leader is asked has just been asked. */
const make = async (
  env: Record<string, string> = {},
  looked: (cluster: ProcessCluster) => Promise<void> = () => Promise.resolve(),
): Promise<Made> => {
  const folder = await temporaryFolder();
  const path = join(folder, 'events');
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (message) => void warnings.push(message) };
  const open = (): ProcessCluster =>
    new ProcessCluster({
      folder: join(folder, 'run'),
      program: [process.execPath, STAND_IN],
      env: { PATH: process.env['PATH'], STAND_IN_EVENTS: path, ...env },
      leaderSession: () => Promise.resolve(undefined),
      clock: systemClock,
      logger,
    });
  const events = async (): Promise<readonly string[]> =>
    (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  cleanUps.push(() => open().stop());
  return {
    open,
    cluster: open(),
    warnings,
    start: async (zooKeeperServers) => {
      const before = (await events()).length;
      await open().start({
        jobManagers: 1,
        taskManagers: 1,
        ...(zooKeeperServers === undefined ? {} : { zooKeeperServers }),
        isSupervised: false,
        isInsecure: false,
        configuration: Configuration.of({ 'rest.bind-port': 0 }, '-D'),
        configDir: undefined,
        look: async () => {
          await looked(open());
          const started = (await events()).slice(before);
          return started.includes('jobmanager-1 started')
            ? {
                taskManagers: started.includes('taskmanager-1 started') ? 1 : 0,
                leader: { restAddress: 'http://127.0.0.1:1', sessionId: 'a session' },
              }
            : undefined;
        },
      });
    },
  };
};

const quorumOf = async (cluster: ProcessCluster): Promise<string> =>
  (await cluster.settings())?.['high-availability.zookeeper.quorum'] ?? '';

const statusOf = async (cluster: ProcessCluster): Promise<EnsembleStatus> =>
  askEnsemble({ servers: parseConnectString(await quorumOf(cluster)).servers, clock: systemClock });

const zooKeepers = async (cluster: ProcessCluster): Promise<readonly ClusterProcess[]> =>
  (await cluster.processes()).filter(({ kind }) => kind === 'zookeeper');

const kill = async (processes: readonly ClusterProcess[]): Promise<void> => {
  processes.forEach(({ pid }) => process.kill(pid, 'SIGKILL'));
  await eventually('they are gone', () => processes.every(({ pid }) => processIdentity(pid) === undefined));
};

const write = async (quorum: string, text: string): Promise<void> => {
  await using clients = new Clients(quorum);
  const client = await clients.connected({ sessionTimeoutMs: 4_000 });
  await client.create('/kept', bytes(text));
};

const read = async (quorum: string): Promise<string> => {
  await using clients = new Clients(quorum);
  const client = await clients.connected({ sessionTimeoutMs: 4_000 });
  await client.sync('/kept');
  return textOf((await client.get('/kept')).data);
};

describe('an ensemble of three below a cluster', () => {
  test('serves before the JobManagers start, belongs to the cluster, and ends after them', async () => {
    const atFirstLook: EnsembleStatus[] = [];
    const { cluster, start, open } = await make({ STAND_IN_DEAF: 'jobmanager-1' }, async (made) => {
      if (atFirstLook.length === 0) {
        atFirstLook.push(await statusOf(made));
      }
    });
    await start(3);
    const works = { state: 'works', voters: 3, serving: 3, mayFail: 1, problems: [] };
    expect(atFirstLook).toEqual([expect.objectContaining(works)]);
    const servers = await zooKeepers(cluster);
    expect((await cluster.processes()).map(({ name, isAlive }) => [name, isAlive])).toEqual(
      ['zookeeper-1', 'zookeeper-2', 'zookeeper-3', 'jobmanager-1', 'taskmanager-1'].map((name) => [name, true]),
    );
    expect(await quorumOf(cluster)).toBe(servers.map(({ clientPort }) => `127.0.0.1:${clientPort}`).join());
    expect((await cluster.settings())?.['high-availability.type']).toBe('zookeeper');
    const [jobManager] = await new ClusterFolder(cluster.folder).records().then((all) => all.slice(3));
    expect(jobManager?.args).toContain(`high-availability.zookeeper.quorum=${await quorumOf(cluster)}`);
    expect([...(await cluster.zooKeeperModes()).values()].toSorted()).toEqual(['follower', 'follower', 'leader']);
    for (const { log, pid } of servers) {
      expect(await readFile(log, 'utf8')).toMatch(/LEADING|FOLLOWING/);
      const listening = await listeningAddresses(pid);
      expect(listening.length).toBeGreaterThanOrEqual(2);
      expect(new Set(listening), 'only this machine reaches them').toEqual(new Set(['0100007F']));
    }
    // A JobManager that does not end yet still has its store.
    const stopping = open().stop();
    await eventually('the TaskManager has ended', async () => (await cluster.processes()).length === 4);
    expect(await statusOf(cluster)).toMatchObject(works);
    process.kill(jobManager!.pid, 'SIGKILL');
    expect(await stopping).toBe(true);
    expect(servers.filter(({ pid }) => processIdentity(pid) !== undefined)).toEqual([]);
    expect(await cluster.processes()).toEqual([]);
  });

  test('keeps its ports and its data over a stop, and over a crash of everything', async () => {
    const { cluster, start, open } = await make();
    await start(3);
    const quorum = await quorumOf(cluster);
    await write(quorum, 'before the stop');
    await open().stop();
    await start();
    expect(await quorumOf(cluster), 'also without --zookeeper').toBe(quorum);
    expect(await read(quorum)).toBe('before the stop');
    await kill(await cluster.processes());
    await start(3);
    expect(await quorumOf(cluster)).toBe(quorum);
    expect(await read(quorum)).toBe('before the stop');
    await expect(start(3)).rejects.toThrow(/is started already: zookeeper-1 /);
    await open().stop();
    await expect(start(5)).rejects.toThrow(/--zookeeper is 5, and the ensemble in .* has 3 servers.*--zookeeper 3/);
  });

  test('loses a server and gets it back, by revive and by the supervisor', async () => {
    const { cluster, start } = await make();
    await start(3);
    const [first, second] = await zooKeepers(cluster);
    await kill([first!]);
    expect((await cluster.zooKeeperModes()).get('zookeeper-1')).toBe('unreachable');
    expect(await statusOf(cluster)).toMatchObject({ serving: 2, mayFail: 0 });
    expect(await cluster.startDead(Configuration.of({}), () => Promise.resolve(true))).toEqual(['zookeeper-1']);
    await eventually('all serve', async () => (await statusOf(cluster)).mayFail === 1);
    const ended = Promise.withResolvers<void>();
    const supervised = cluster.supervise(Configuration.of({}), ended.promise);
    await kill([second!]);
    await eventually('all serve again', async () => (await statusOf(cluster)).mayFail === 1);
    expect((await zooKeepers(cluster)).map(({ restarts }) => restarts)).toEqual([1, 1, 0]);
    ended.resolve();
    await supervised;
  });
});

describe('an ensemble of one', () => {
  test('from a release that ZOOKEEPER_HOME names', async () => {
    const home = join(await temporaryFolder(), 'apache-zookeeper-3.8.0-bin');
    await mkdir(join(home, 'lib'), { recursive: true });
    for (const jar of ['slf4j-log4j12', 'log4j-1.2']) {
      await symlink(`/usr/share/java/${jar}.jar`, join(home, 'lib', `${jar}.jar`));
    }
    await symlink('/usr/share/java/zookeeper.jar', join(home, 'lib', 'zookeeper-3.8.0.jar'));
    const { cluster, start } = await make({ ZOOKEEPER_HOME: home });
    await start(1);
    expect(await statusOf(cluster)).toMatchObject({ state: 'works', voters: 1, quorum: 1, mayFail: 0 });
    expect([...(await cluster.zooKeeperModes())]).toEqual([['zookeeper-1', 'standalone']]);
  });

  test('gets another port when its own is taken meanwhile, and finds its data', async () => {
    const { cluster, start, warnings } = await make();
    await start(1);
    const quorum = await quorumOf(cluster);
    await write(quorum, 'kept');
    await cluster.stop();
    const taken = Number(quorum.split(':')[1]);
    let stranger: Server | undefined;
    // Threads of a process that was killed may hold its ports for a moment longer.
    await eventually('the port is free', async () => {
      stranger = await listenIfFree(taken, '127.0.0.1');
      return stranger !== undefined;
    });
    cleanUps.push(() => new Promise((done) => stranger!.close(done)));
    await start(1);
    expect(warnings).toEqual([expect.stringContaining(`Port ${taken} of zookeeper-1 is in use`)]);
    expect(await quorumOf(cluster)).not.toBe(quorum);
    expect(await read(await quorumOf(cluster))).toBe('kept');
  });

  test('says why a server did not start, and leaves nothing running', async () => {
    const { cluster, start } = await make();
    await start(1);
    await cluster.stop();
    // A snapshot that is none.
    const data = join(cluster.folder, 'zookeeper', 'server-1', 'data', 'version-2');
    await rm(data, { recursive: true });
    await symlink('/dev/null', data);
    await expect(start(1)).rejects.toThrow(/zookeeper-1 ended at its start/);
    expect(await cluster.processes()).toEqual([]);
    expect(await readdir(join(cluster.folder, 'logs'))).toContain('zookeeper-1.log');
  });
});

/** Addresses, as the kernel writes them, on which a process listens. */
const listeningAddresses = async (pid: number): Promise<readonly string[]> => {
  const handles = await readdir(`/proc/${pid}/fd`);
  const links = await Promise.all(handles.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  const rows = (await Promise.all(['tcp', 'tcp6'].map((file) => readFile(`/proc/${pid}/net/${file}`, 'utf8'))))
    .join('\n')
    .split('\n')
    .map((row) => row.trim().split(/\s+/));
  return rows
    .filter((row) => row[3] === '0A' && inodes.has(row[9] ?? ''))
    .map((row) => row[1]?.split(':')[0]?.slice(-8) ?? '');
};
