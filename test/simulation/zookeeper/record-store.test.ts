import { expect, test } from 'vitest';
import type { Leadership } from '../../../src/coordination/leadership.ts';
import { RecordMap } from '../../../src/coordination/records/record-map.ts';
import type { RecordChange, StoredRecord, TransactionOutcome } from '../../../src/coordination/records/record-store.ts';
import { RecordingContender } from '../../../src/coordination/test-support/recording-contender.ts';
import { LeaderFolder } from '../../../src/coordination/zookeeper/leader-folder.ts';
import { LedRecordStore } from '../../../src/coordination/zookeeper/led-record-store.ts';
import { SessionKeeper } from '../../../src/coordination/zookeeper/session-keeper.ts';
import { storePathsOf } from '../../../src/coordination/zookeeper/store-paths.ts';
import { deleteStoreRoot, openStoreRoot } from '../../../src/coordination/zookeeper/store-root.ts';
import { ZooKeeperElection } from '../../../src/coordination/zookeeper/zookeeper-election.ts';
import { ZooKeeperRecordStore } from '../../../src/coordination/zookeeper/zookeeper-record-store.ts';
import { codeOf } from '../../../src/foundation/common/errors.ts';
import { silentLogger } from '../../../src/foundation/common/logger.ts';
import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import type { ModelClient } from './model-client.ts';
import { ModelWorld } from './model-world.ts';

const KEYS = ['jobs/a/record', 'jobs/a/checkpoints/1', 'jobs/a/checkpoints/2', 'execution-plans/a', 'results/a'];

interface Leader {
  readonly world: ModelWorld;
  readonly store: ZooKeeperRecordStore;
  readonly led: LedRecordStore;
  readonly leadership: Leadership;
  readonly client: () => ModelClient;
  /** What was asked of the ensemble about records since the last call. */
  readonly asked: () => readonly string[];
}

const lead = async (seed: number): Promise<Leader> => {
  const world = new ModelWorld(seed, { lagMs: (random) => random.next() * 600 });
  const { time: clock } = world;
  const clients: ModelClient[] = [];
  const asked: string[] = [];
  const connect = (): ModelClient => {
    const client = world.client();
    clients.push(client);
    for (const name of ['get', 'exists', 'children', 'sync', 'multi', 'multiRead'] as const) {
      const call = client[name].bind(client) as (...args: unknown[]) => never;
      client[name] = (...args: unknown[]): never => {
        // Not what the election looks at.
        if (/test\/(jobs|results)/.test(JSON.stringify(args[0]))) {
          asked.push(name);
        }
        return call(...args);
      };
    }
    return client;
  };
  const random = seededRandom(seed);
  const paths = storePathsOf('/millrace/test');
  const keeper = new SessionKeeper({ connect, clock, logger: silentLogger });
  const lineage = await world.settled(
    openStoreRoot({
      client: keeper.client,
      paths,
      random,
      storage: '/shared',
      beforeCreation: () => Promise.resolve(),
    }),
  );
  const folder = new LeaderFolder({ keeper, paths, lineage, clock });
  const election = new ZooKeeperElection({ keeper, folder, paths, clock, random });
  const store = new ZooKeeperRecordStore({ keeper, paths, lineage, clock, election });
  const contender = new RecordingContender('one');
  await world.settled(election.join(contender));
  await world.until(() => contender.grants.length > 0);
  const leadership = contender.grants[0]!;
  const led = new LedRecordStore(store, leadership);
  return { world, store, led, leadership, client: () => clients.at(-1)!, asked: () => asked.splice(0) };
};

const anyChange = (random: Random, known: ReadonlyMap<string, number>, count: number): RecordChange => {
  const key = KEYS[random.int(KEYS.length)]!;
  // Now and then one that is not so.
  const expected = random.int(6) === 0 ? 'absent' : (known.get(key) ?? 'absent');
  switch (random.int(7)) {
    case 0:
      return { kind: 'delete-all', prefix: 'jobs/a/' };
    case 1:
      return { kind: 'delete', key };
    case 2:
      return expected === 'absent' ? { kind: 'delete', key } : { kind: 'delete', key, expected };
    case 3:
      return { kind: 'require', key, expected };
    case 4:
      return { kind: 'put', key, value: `${count}`, expected };
    default:
      return { kind: 'put', key, value: `${count}` };
  }
};

/** Each for itself, asked at once: before anything else goes over a new connection. */
const everything = async ({ led }: Leader): Promise<readonly StoredRecord[]> => {
  const found = await Promise.all(KEYS.map((key) => led.get(key)));
  return found.filter((record) => record !== undefined).toSorted((one, other) => (one.key < other.key ? -1 : 1));
};

const listed = async ({ led }: Leader): Promise<readonly StoredRecord[]> => {
  const lists = await Promise.all(['execution-plans/', 'jobs/', 'results/'].map((prefix) => led.list(prefix)));
  return lists.flat();
};

const valuesOf = (records: readonly StoredRecord[]): string =>
  records.map(({ key, value }) => `${key}=${value}`).join();

/** As it must be after these changes, by the rules of `RecordMap`; versions are translated. */
const changed = (
  before: readonly StoredRecord[],
  changes: readonly RecordChange[],
): { readonly after: string; readonly conflict: string | undefined } => {
  const map = new RecordMap(before, Math.max(0, ...before.map(({ version }) => version)));
  const conflict = map.change(changes);
  return { after: valuesOf(map.list('')), conflict };
};

test('transactions are those of a map in memory, over a connection that breaks again and again', async () => {
  const outcomes = new Map<string, number>();
  for (let seed = 1; seed <= 12; seed++) {
    const leader = await lead(seed);
    const { world, led, leadership, client } = leader;
    const random = seededRandom(seed);
    /** Key and version: its content. */
    const contents = new Map<string, string>();
    let records = await world.settled(patiently(() => everything(leader)));
    for (let count = 0; count < 60; count++) {
      const known = new Map(records.map(({ key, version }) => [key, version]));
      // Of one record each, as transactions of the stores are.
      const wanted = Array.from({ length: 1 + random.int(2) }, () => anyChange(random, known, count));
      const changes = wanted.filter(
        (one, index) =>
          !wanted.slice(0, index).some((other) => keyOf(other) === keyOf(one)) &&
          (wanted.length === 1 || one.kind !== 'delete-all'),
      );
      if (random.int(3) === 0) {
        world.time.after(random.next() * 20, () => client().breakConnection());
      }
      const outcome = await world.settled(led.transact(leadership, changes));
      await world.settled(patiently(() => led.settle()));
      const after = await world.settled(patiently(() => everything(leader)));
      expect(await world.settled(patiently(() => listed(leader)))).toEqual(after);
      const wants = changed(records, changes);
      check(outcome, valuesOf(after), valuesOf(records), wants);
      for (const { key, version, value } of after) {
        expect(contents.get(`${key} ${version}`) ?? value).toBe(value);
        contents.set(`${key} ${version}`, value);
      }
      const isThere = valuesOf(after) === wants.after && wants.after !== valuesOf(records);
      const name = outcome.outcome === 'undecided' ? `undecided, ${isThere ? 'written' : 'not'}` : outcome.outcome;
      outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
      records = after;
    }
  }
  expect([...outcomes.keys()].toSorted()).toEqual(['conflict', 'undecided, not', 'undecided, written', 'written']);
});

const keyOf = (change: RecordChange): string => (change.kind === 'delete-all' ? 'jobs/a' : change.key);

/** Its connection may break, too. */
const patiently = async <T>(call: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      expect(codeOf(error)).toBe('STORE_AWAY');
    }
  }
};

const check = (
  { outcome }: TransactionOutcome,
  after: string,
  before: string,
  wants: { readonly after: string; readonly conflict: string | undefined },
): void => {
  switch (outcome) {
    case 'written':
      expect([after, wants.conflict]).toEqual([wants.after, undefined]);
      return;
    case 'conflict':
      expect([after, wants.conflict !== undefined]).toEqual([before, true]);
      return;
    case 'undecided':
      expect([before, ...(wants.conflict === undefined ? [wants.after] : [])]).toContain(after);
      return;
    case 'leadership-lost':
      expect(outcome).toBe('no loss of leadership');
  }
};

test('a checkpoint pointer is two small nodes deep below its job, and the job leaves nothing when it is removed', async () => {
  const leader = await lead(100);
  const { world, led, leadership } = leader;
  const key = `jobs/a/checkpoints/${'1'.padStart(19, '0')}`;
  await world.settled(led.transact(leadership, [{ kind: 'put', key, value: '{}', expected: 'absent' }]));
  const paths = (): readonly string[] => world.ensemble.tree.paths('/millrace/test/jobs');
  expect(paths().slice(1)).toEqual([
    '/millrace/test/jobs/a',
    '/millrace/test/jobs/a/checkpoints',
    `/millrace/test/${key}`,
  ]);
  await world.settled(led.transact(leadership, [{ kind: 'delete-all', prefix: 'jobs/a/' }]));
  expect(paths()).toEqual(['/millrace/test/jobs']);
});

const POINTER = `jobs/a/checkpoints/${'1'.padStart(19, '0')}`;

test('what a leader has read or written it knows: a transaction is one multi, a list costs nothing', async () => {
  const { world, led, leadership, asked } = await lead(101);
  const put = (key: string, value: string): Promise<TransactionOutcome> =>
    world.settled(led.transact(leadership, [{ kind: 'put', key, value }]));
  await put('jobs/a/record', 'one');
  asked();
  await put('jobs/a/record', 'two');
  await put(POINTER, '{}');
  expect(asked()).toEqual(['multi', 'multi']);
  expect(await world.settled(led.get('jobs/a/record'))).toMatchObject({ value: 'two' });
  expect(asked()).toEqual([]);
  // A multi tells no version of what it made: here of a record, and of the folder of it.
  expect(await world.settled(led.list('jobs/a/'))).toMatchObject([{ key: POINTER, value: '{}' }, { value: 'two' }]);
  expect(asked()).toEqual(['multiRead']);
  expect(await world.settled(led.list('jobs/a/'))).toHaveLength(2);
  expect(await world.settled(led.get('jobs/a/other'))).toBeUndefined();
  expect(asked()).toEqual([]);
});

test('transactions of one turn travel in one multi, and one that is refused takes no other along', async () => {
  const { world, led, leadership, asked } = await lead(106);
  const putAll = (value: string): Promise<readonly TransactionOutcome[]> =>
    world.settled(
      Promise.all(
        ['a', 'b', 'c'].map((job) =>
          led.transact(leadership, [{ kind: 'put', key: `jobs/${job}/record`, value: `${value} of ${job}` }]),
        ),
      ),
    );
  const written = ['a', 'b', 'c'].map(() => ({ outcome: 'written' }));
  expect(await putAll('first')).toEqual(written);
  await world.settled(led.list('jobs/'));
  asked();
  expect(await putAll('second')).toEqual(written);
  expect(asked()).toEqual(['multi']);
  world.ensemble.deleteNode('/millrace/test/jobs/b/record');
  expect(await putAll('third')).toEqual(written);
  // All three, then all but the one that met something else, which reads what is there.
  expect(asked().filter((name) => name === 'multi')).toHaveLength(3);
  expect((await world.settled(led.list('jobs/'))).map(({ value }) => value)).toEqual([
    'third of a',
    'third of b',
    'third of c',
  ]);
});

test('an unknown end is one of all that travelled together, and each is decided for itself', async () => {
  const ends = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const { world, led, leadership, client } = await lead(200 + seed);
    // Before it gets there, or while a server that lags has not heard of it.
    const atMs = seededRandom(seed).next() * (seed % 2 === 0 ? 900 : 12);
    world.time.after(atMs, () => client().breakConnection());
    const jobs = ['a', 'b', 'c'];
    const outcomes = await world.settled(
      Promise.all(
        jobs.map((job) => led.transact(leadership, [{ kind: 'put', key: `jobs/${job}/record`, value: job }])),
      ),
    );
    await world.settled(patiently(() => led.settle()));
    const there = await world.settled(patiently(() => led.list('jobs/')));
    const isThere = jobs.map((job) => there.some(({ value }) => value === job));
    expect(new Set(isThere).size).toBe(1);
    expect(new Set(outcomes.map(({ outcome }) => outcome)).size).toBe(1);
    expect(outcomes[0]!.outcome === 'written' && !isThere[0]).toBe(false);
    ends.add(`${outcomes[0]!.outcome}, ${isThere[0] ? 'there' : 'not there'}`);
  }
  expect([...ends].toSorted()).toEqual(['undecided, not there', 'undecided, there', 'written, there']);
});

test('reads of one turn share the sync before them, and travel together level by level', async () => {
  const { world, store, led, leadership, asked } = await lead(107);
  for (const job of ['a', 'b', 'c']) {
    const key = `jobs/${job}/checkpoints/${'1'.padStart(19, '0')}`;
    await world.settled(led.transact(leadership, [{ kind: 'put', key, value: job }]));
  }
  asked();
  const lists = await world.settled(Promise.all(['a', 'b', 'c'].map((job) => store.list(`jobs/${job}/checkpoints/`))));
  expect(lists.map((list) => list.map(({ value }) => value))).toEqual([['a'], ['b'], ['c']]);
  // The sync is of the root. Names, nodes and what is below them, and all of it again.
  expect(asked()).toEqual(['multiRead', 'multiRead', 'multiRead']);
});

test('a whole folder is known with what was added to it and removed from it', async () => {
  const { world, led, leadership, asked } = await lead(102);
  const transact = (change: RecordChange): Promise<TransactionOutcome> =>
    world.settled(led.transact(leadership, [change]));
  await transact({ kind: 'put', key: 'results/a', value: 'a' });
  const keys = async (): Promise<readonly string[]> =>
    (await world.settled(led.list('results/'))).map(({ key }) => key);
  expect(await keys()).toEqual(['results/a']);
  await transact({ kind: 'put', key: 'results/b', value: 'b' });
  expect(await keys()).toEqual(['results/a', 'results/b']);
  await transact({ kind: 'delete', key: 'results/a' });
  asked();
  expect(await keys()).toEqual(['results/b']);
  expect(asked()).toEqual([]);
});

test('a node that somebody has changed by hand is looked at again, and the transaction carried out', async () => {
  const { world, led, leadership } = await lead(103);
  const put = (value: string): Promise<TransactionOutcome> =>
    world.settled(led.transact(leadership, [{ kind: 'put', key: 'jobs/a/record', value }]));
  await put('one');
  world.ensemble.deleteNode('/millrace/test/jobs/a/record');
  expect(await put('two')).toEqual({ outcome: 'written' });
  expect(await world.settled(led.get('jobs/a/record'))).toMatchObject({ value: 'two' });
});

test('a store that is deleted leaves the one of a cluster alone whose id goes on from its own', async () => {
  const world = new ModelWorld(104);
  const client = world.client();
  const [paths, other] = [storePathsOf('/millrace/prod'), storePathsOf('/millrace/prod/eu')];
  const make = (of: typeof paths): Promise<string> =>
    openStoreRoot({
      ...{ client, paths: of, random: seededRandom(1), storage: `/shared${of.root}` },
      beforeCreation: () => Promise.resolve(),
    });
  await world.settled(make(paths));
  const lineage = await world.settled(make(other));
  const before = world.ensemble.tree.paths(other.root);
  await world.settled(deleteStoreRoot(client, paths));
  expect(world.ensemble.tree.paths('/millrace').slice(2)).toEqual(before);
  expect(await world.settled(make(other))).toBe(lineage);
  await world.settled(deleteStoreRoot(client, other));
  expect(world.ensemble.tree.paths('/millrace')).toEqual([]);
});

test('a store whose folders would be in those of another one is refused, and the other named', async () => {
  const world = new ModelWorld(108);
  const client = world.client();
  const make = ([root, executionPlans]: readonly [
    root: string,
    executionPlans?: string | undefined,
  ]): Promise<string> =>
    world.settled(
      openStoreRoot({
        ...{ client, paths: storePathsOf(root, executionPlans), random: seededRandom(1), storage: `/shared${root}` },
        beforeCreation: () => Promise.resolve(),
      }),
    );
  const refused = (root: string, executionPlans: string | undefined, other: string, taken: string): Promise<void> =>
    expect(make([root, executionPlans])).rejects.toMatchObject({
      code: 'STORE_IN_USE',
      message: expect.stringContaining(`at ${root} in ZooKeeper: the cluster at ${other} has ${taken}; `) as string,
    });
  await make(['/millrace/prod', '/eu/graphs']);
  const before = world.ensemble.tree.paths('/millrace');
  await refused('/millrace/prod/eu/graphs', undefined, '/millrace/prod', '/millrace/prod/eu/graphs');
  await refused('/millrace/prod/eu/graphs/x', undefined, '/millrace/prod', '/millrace/prod/eu/graphs');
  await refused('/millrace/prod/eu', '/graphs', '/millrace/prod', '/millrace/prod/eu/graphs');
  await refused('/millrace/prod/jobs', undefined, '/millrace/prod', '/millrace/prod/jobs');
  expect(world.ensemble.tree.paths('/millrace')).toEqual(before);
  await make(['/millrace/prod/eu']);
  await make(['/millrace/test/eu']);
  await refused('/millrace/test', '/eu', '/millrace/test/eu', '/millrace/test/eu/leader');
  await refused('/millrace/test', '/eu/results', '/millrace/test/eu', '/millrace/test/eu/results');
  await make(['/millrace/test', '/eu/graphs']);
});

test('the node of submitted jobs is another one where it is said to be, the same for all, and goes with the store', async () => {
  const world = new ModelWorld(105);
  const client = world.client();
  const paths = storePathsOf('/millrace/test', '/of/users/jobgraphs');
  expect(paths.ofRecord('execution-plans/a')).toBe('/millrace/test/of/users/jobgraphs/a');
  expect(paths.keyOf('/millrace/test/of/users/jobgraphs/a')).toBe('execution-plans/a');
  expect(paths.ofRecord('jobs/a/record')).toBe('/millrace/test/jobs/a/record');
  const open = (of: typeof paths): Promise<string> =>
    openStoreRoot({
      ...{ client, paths: of, random: seededRandom(1), storage: '/shared' },
      beforeCreation: () => Promise.resolve(),
    });
  const lineage = await world.settled(open(paths));
  expect(await world.settled(open(paths))).toBe(lineage);
  await expect(world.settled(open(storePathsOf('/millrace/test')))).rejects.toMatchObject({
    code: 'STORE_IN_USE',
    message: expect.stringContaining('keeps its jobs in /of/users/jobgraphs, not in /execution-plans') as string,
  });
  expect(world.ensemble.tree.paths('/millrace/test')).toContain('/millrace/test/of/users/jobgraphs');
  await world.settled(deleteStoreRoot(client, paths));
  expect(world.ensemble.tree.paths('/millrace')).toEqual([]);
});
