import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { seededRandom } from '../../../src/foundation/common/random.ts';
import { reachabilitySchema, type Reachability } from '../../../src/runtime/protocol/reachability.ts';
import { folderWith, millrace } from '../../cli/millrace-process.ts';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { listeningPorts, residentBytes } from '../listening-ports.ts';
import { recount, starts } from '../recount.mjs';
import { tlsGreeting, visit, type VisitedPort } from '../strange-visitors.ts';

const SEED = Math.floor(Math.random() * 2 ** 31);
/** What the processes learn to do, before their memory is looked at. */
const WARM_UP_MS = 10_000;
const VISITORS_PER_PORT = 3;
const PAUSE_MS_MAX = 50;
/** Of what the main thread needs. A process has a thousand visits and more at each of its ports: 4 kB kept of each are beyond it. */
const GROWTH_BYTES_MAX = 8_000_000;
/** Of the whole process, with garbage. */
const RESIDENT_GROWTH_BYTES_MAX = 200_000_000;
const MEMORY_HOOK = fileURLToPath(new URL('../memory-hook.mjs', import.meta.url));

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const PROCESSES = ['jobmanager-1', 'jobmanager-2', 'taskmanager-1', 'taskmanager-2'];
const CLUSTER_ID = 'visited';
/** Of who leads and who follows. */
const CHANGES = /leadership|leads with epoch|suspect|Lost |The connection to TaskManager taskmanager-/;

const startCluster = async (configuration: Readonly<Record<string, string>>): Promise<ClusterUnderTest> => {
  cluster = await ClusterUnderTest.start({
    jobManagers: 2,
    taskManagers: 2,
    env: { NODE_OPTIONS: `--import=${MEMORY_HOOK}` },
    configuration: {
      'high-availability.cluster-id': CLUSTER_ID,
      // A machine that is busy besides is no visitor.
      'high-availability.embedded.lease-duration': '30 s',
      'heartbeat.timeout': '60 s',
      ...configuration,
    },
  });
  return cluster;
};

const allPorts = (made: ClusterUnderTest): readonly number[] =>
  PROCESSES.flatMap((name) => listeningPorts(made.pidOf(name)!)).toSorted((a, b) => a - b);

const memoryOf = (made: ClusterUnderTest, name: string): { readonly needed: number; readonly resident: number } => {
  const newest = [...made.logOf(name).matchAll(/^needed memory: (\d+) bytes$/gm)].at(-1);
  return { needed: Number(newest?.[1] ?? Number.NaN), resident: residentBytes(made.pidOf(name)!) };
};

/** Visitors come to each of these ports all the time. */
const besiege = async (
  ports: readonly VisitedPort[],
  ms: number,
  tls: boolean,
): Promise<{ readonly visits: number }> => {
  const greeting = await tlsGreeting();
  const endMs = performance.now() + ms;
  let visits = 0;
  const come = async (port: VisitedPort, seed: number): Promise<void> => {
    const random = seededRandom(seed);
    while (performance.now() < endMs) {
      await visit(random, port, { tls, greeting });
      visits++;
      await sleep(random.int(PAUSE_MS_MAX));
    }
  };
  const visitors = ports.flatMap((port, index) =>
    Array.from({ length: VISITORS_PER_PORT }, (_, place) => come(port, SEED + index * VISITORS_PER_PORT + place)),
  );
  await Promise.all(visitors);
  return { visits };
};

const completed = (made: ClusterUnderTest, jobId: string): number =>
  made.said(new RegExp(`Completed checkpoint \\d+ for job ${jobId}`)).length;

/** A job runs while the ports are visited, and neither it nor the processes may notice. */
const endure = async (made: ClusterUnderTest, ports: readonly VisitedPort[], ms: number, tls: boolean) => {
  const work = join(made.folder, 'work');
  mkdirSync(work);
  const jobId = await made.submit('counted.ts', work, '1000000', '5', '2');
  await made.until('checkpoints complete', () => completed(made, jobId) >= 2);
  await besiege(ports, WARM_UP_MS, tls);
  const before = new Map(PROCESSES.map((name) => [name, memoryOf(made, name)]));
  const [started, checkpoints, elections] = [starts(work), completed(made, jobId), made.said(CHANGES)];

  const { visits } = await besiege(ports, ms, tls);
  expect(visits, `seed ${SEED}`).toBeGreaterThan(ports.length);
  expect(made.running.toSorted(), `seed ${SEED}`).toEqual(PROCESSES);
  expect(made.said(CHANGES), `seed ${SEED}`).toEqual(elections);
  expect(starts(work), `seed ${SEED}`).toBe(started);
  await made.until('checkpoints go on', () => completed(made, jobId) > checkpoints);
  const grown = (): readonly string[] =>
    PROCESSES.filter((name) => {
      const { needed, resident } = memoryOf(made, name);
      const start = before.get(name)!;
      return needed - start.needed > GROWTH_BYTES_MAX || resident - start.resident > RESIDENT_GROWTH_BYTES_MAX;
    });
  expect([...before.values()].filter(({ needed }) => !(needed > 0))).toEqual([]);
  await made.until(`the memory of all is what it was (seed ${SEED}, ${visits} visits)`, () => grown().length === 0);

  expect(await made.run('stop', jobId, '-p', join(made.folder, 'savepoints'))).toMatchObject({ code: 0 });
  const { committed } = recount(work, 0);
  expect(recount(work, committed)).toEqual({ expected: committed, committed, repeated: 0, missing: 0, unexpected: 0 });
};

test('visitors who talk nonsense at every port for twenty seconds: no process goes down, none grows, the job does not notice', async () => {
  const made = await startCluster({});
  let processes: Reachability['processes'] = [];
  await made.until('the leader knows all processes', async () => {
    ({ processes } = reachabilitySchema.parse(await made.ask('/cluster/reachability')));
    return processes.length === PROCESSES.length;
  });
  const ports = processes.flatMap(({ ports: own }) =>
    own.map(({ port: language, address, instanceId, thread = 0 }): VisitedPort => {
      const port = Number(/:(\d+)$/.exec(address)?.[1]);
      return { port, language, clusterId: CLUSTER_ID, instanceId, thread };
    }),
  );
  expect(ports.map(({ port }) => port).toSorted((a, b) => a - b)).toEqual(allPorts(made));
  await endure(made, ports, 20_000, false);
});

test('the same where every port wants a certificate', async () => {
  const folder = join(await folderWith({}), 'certificates');
  await millrace(['certs', folder, '127.0.0.1'], { cwd: join(folder, '..') });
  const made = await startCluster({
    'security.ssl.internal.enabled': 'true',
    'security.ssl.internal.keystore': join(folder, 'host-127.0.0.1.pem'),
    'security.ssl.internal.truststore': join(folder, 'ca.pem'),
    'security.ssl.rest.enabled': 'true',
    'security.ssl.rest.authentication-enabled': 'true',
  });
  const of = { language: 'rest', clusterId: CLUSTER_ID, instanceId: 'nobody', thread: 0 } as const;
  const ports = allPorts(made).map((port): VisitedPort => ({ port, ...of }));
  expect(ports).toHaveLength(2 * 2 + 2 * 3);
  await endure(made, ports, 20_000, true);
});
