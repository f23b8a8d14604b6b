/**
 * `millrace/zookeeper` against the package `node-zookeeper-client`, on three real servers of this machine (Debian's package):
 * `npm install --prefix DIR node-zookeeper-client`, then `node benchmarks/zookeeper-client.ts --against DIR [--short]`. The package is not
 * among the dependencies: nothing else needs it.
 */
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { connectZooKeeper, type ZooKeeperClient } from '../src/coordination/zookeeper/client/index.ts';
import { Ensemble } from '../test/integration/zookeeper/ensemble.ts';
import { median, ratioLine } from './report.ts';

const { values } = parseArgs({ options: { against: { type: 'string' }, short: { type: 'boolean', default: false } } });

const ROUNDS = 5;
const AT_A_TIME = 100;
const COUNTS = values.short ? { get: 5_000, set: 2_000 } : { get: 40_000, set: 10_000 };
const PATH = '/measured';
const DATA = Buffer.alloc(200, 'x');
const AT_LEAST = 0.9;

type Kind = keyof typeof COUNTS;
type Operations = Readonly<Record<Kind, () => Promise<unknown>>>;

/** As far as it is used here. */
interface OtherClient {
  once(event: 'connected', listener: () => void): void;
  connect(): void;
  close(): void;
  getData(path: string, done: (error: Error | null, data: Buffer) => void): void;
  setData(path: string, data: Buffer, version: number, done: (error: Error | null) => void): void;
}
interface OtherPackage {
  createClient(connectString: string, options: { readonly sessionTimeout: number }): OtherClient;
}

const loadOther = (folder: string): OtherPackage => {
  const require = createRequire(join(resolve(folder), 'package.json'));
  return require('node-zookeeper-client') as OtherPackage;
};

const perSecond = async (kind: Kind, operations: Operations): Promise<number> => {
  let left = COUNTS[kind];
  const run = async (): Promise<void> => {
    while (left-- > 0) {
      await operations[kind]();
    }
  };
  const beganMs = performance.now();
  await Promise.all(Array.from({ length: AT_A_TIME }, run));
  return COUNTS[kind] / ((performance.now() - beganMs) / 1_000);
};

const ofOwn = (client: ZooKeeperClient): Operations => ({
  get: () => client.get(PATH),
  set: () => client.set(PATH, DATA),
});

const ofOther = (client: OtherClient): Operations => {
  const settled = (resolve_: () => void, reject: (error: Error) => void) => (error: Error | null) =>
    error === null || error === undefined ? resolve_() : reject(error);
  return {
    get: () => new Promise<void>((done, failed) => client.getData(PATH, settled(done, failed))),
    set: () => new Promise<void>((done, failed) => client.setData(PATH, DATA, -1, settled(done, failed))),
  };
};

if (values.against === undefined) {
  process.stderr.write(
    'zookeeper-client: --against DIR names a folder with node-zookeeper-client in its node_modules\n',
  );
  process.exit(2);
}
const other = loadOther(values.against);
await using ensemble = await Ensemble.start();
// Both of the same server, so that none is nearer to the leader.
const connectString = `127.0.0.1:${ensemble.portOf(0)}`;
const own = connectZooKeeper({ connectString, sessionTimeoutMs: 30_000 });
await own.create(PATH, DATA);
const theirs = other.createClient(connectString, { sessionTimeout: 30_000 });
await new Promise<void>((connected) => {
  theirs.once('connected', connected);
  theirs.connect();
});
process.stdout.write(
  `Node ${process.versions.node}, ${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}; medians of ${ROUNDS} rounds, ${AT_A_TIME} operations under way\n`,
);
const clients = { own: ofOwn(own), other: ofOther(theirs) };
for (const kind of ['get', 'set'] as const) {
  const seen: Record<keyof typeof clients, number[]> = { own: [], other: [] };
  // The first one is not counted: it compiles.
  for (let round = 0; round <= ROUNDS; round++) {
    const order = round % 2 === 0 ? (['own', 'other'] as const) : (['other', 'own'] as const);
    for (const name of order) {
      seen[name].push(await perSecond(kind, clients[name]));
    }
  }
  ratioLine(`${kind} of ${DATA.length} bytes`, {
    unit: 'a second',
    measured: median(seen.own.slice(1)),
    baseline: median(seen.other.slice(1)),
    baselineName: 'node-zookeeper-client',
    atLeast: AT_LEAST,
  });
}
theirs.close();
await own.close();
