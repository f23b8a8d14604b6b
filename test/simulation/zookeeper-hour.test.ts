import { expect, test } from 'vitest';
import { seededRandom } from '../../src/foundation/common/random.ts';
import type { Tree } from './zookeeper/tree.ts';
import { Client } from './world/client.ts';
import { simulatedJob } from './world/simulated-job.ts';
import { MAIN } from './world/sizes.ts';
import { Weather } from './world/weather.ts';
import { World } from './world/world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SEED = 11;
const NODE_BYTES_MAX = 1_024;
/** Leaders come and go, jobs too: what there is at one of so many looks is there at another. */
const LOOK_MS = 15_000;

interface Look {
  readonly nodes: number;
  readonly largest: number;
}

const lookAt = (tree: Tree): Look => {
  const paths = tree.paths('/');
  return { nodes: paths.length, largest: Math.max(...paths.map((path) => tree.get(path)?.data.length ?? 0)) };
};

test('an hour of a job, savepoints and changes of the leader: nodes in ZooKeeper stay small, and no more than at first', async () => {
  const weather = new Weather(seededRandom(SEED));
  const world = new World({
    seed: SEED,
    slots: 2,
    keepsCopies: false,
    zookeeper: { delayMs: (random) => random.next() * 4, accepted: () => {} },
    networkDelayMs: (random) => weather.networkDelayMs(random),
    weather,
    outcomeOfLogCall: () => 'done',
    skewMs: () => 0,
    observerOf: () => ({ repeats: false, deployed: () => {}, commanded: () => {}, reported: () => {} }),
    changed: () => {},
    violate: (invariant, what) => {
      throw new Error(`${invariant}: ${what}`);
    },
    observe: () => {},
    said: () => {},
  });
  ['jm1', 'jm2', 'jm3'].forEach((name) => world.startJobManager(name));
  ['tm1', 'tm2'].forEach((name) => world.startTaskManager(name));
  const client = new Client(world, seededRandom(SEED + 1));
  const size = { ...MAIN, records: 2 * (HOUR_MS / 1_000) };
  const definition = simulatedJob({ size, log: world.log, rate: 1, trap: () => {}, arrived: () => {} });
  await world.settled(client.ask((gateway) => gateway.submit(world.submission(definition, MAIN.jobId))));

  const { ensemble } = world.zookeeper!;
  const looks: Look[] = [];
  for (let minute = 1; world.elapsedMs < HOUR_MS; minute++) {
    const untilMs = world.elapsedMs + MINUTE_MS;
    if (minute % 5 === 0 && world.leader !== undefined) {
      const { name } = world.leader;
      world.killJobManager(name, minute % 10 === 0);
      world.startJobManager(name);
    }
    if (minute % 7 === 0) {
      const triggerId = `minute-${minute}`;
      await world.settled(client.snapshot(MAIN.jobId, (gateway) => gateway.savepoint(MAIN.jobId, { triggerId })));
    }
    while (world.elapsedMs < untilMs) {
      await world.run(LOOK_MS);
      looks.push(lookAt(ensemble.tree));
    }
  }

  expect(Math.max(...looks.map(({ largest }) => largest))).toBeLessThanOrEqual(NODE_BYTES_MAX);
  const mostIn = (part: readonly Look[]): number => Math.max(...part.map(({ nodes }) => nodes));
  const third = Math.floor(looks.length / 3);
  expect(mostIn(looks.slice(-third))).toBeLessThanOrEqual(mostIn(looks.slice(0, third)));
  expect(world.trace.filter(({ text }) => text.includes('was granted leadership')).length).toBeGreaterThan(10);
  expect(world.trace.filter(({ text }) => text.startsWith('Completed checkpoint')).length).toBeGreaterThan(400);
});
