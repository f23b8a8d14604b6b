import { expect, test } from 'vitest';
import { LeaderLatch, type LatchEvent } from '../../../src/coordination/zookeeper/recipes/leader-latch.ts';
import { LeaderRetrieval } from '../../../src/coordination/zookeeper/recipes/leader-retrieval.ts';
import { inOrder } from '../../../src/coordination/zookeeper/recipes/queue-names.ts';
import { codeOf } from '../../../src/foundation/common/errors.ts';
import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import type { ModelClient } from './model-client.ts';
import { bytes, RecipeWorld, SESSION_MS, textOf } from './recipe-world.ts';

const LATCH = '/workers/leader';

let seed = 0;

interface Worker {
  readonly latch: LeaderLatch;
  readonly events: LatchEvent['kind'][];
  /** Path of its node, once it leads. */
  leads?: string;
}

const workerOf = (world: RecipeWorld, client: ModelClient, name: string): Worker => {
  const latch = new LeaderLatch(client, LATCH, {
    data: bytes(name),
    clock: world.time,
    random: seededRandom(3_000_000 + ++seed),
  });
  const events: LatchEvent['kind'][] = [];
  const worker: Worker = { latch, events };
  latch.onEvent((event) => {
    events.push(event.kind);
    if (event.kind === 'gained') {
      worker.leads = event.leadership.check.path;
    }
  });
  return worker;
};

/** Each is in the queue before the next comes. */
const workersOf = async (world: RecipeWorld, clients: readonly ModelClient[]): Promise<readonly Worker[]> => {
  const workers: Worker[] = [];
  for (const [at, client] of clients.entries()) {
    workers.push(workerOf(world, client, `worker-${at}`));
    await world.until(() => world.namesIn(LATCH).length === at + 1);
  }
  return workers;
};

/** Follows into `told`: names of leaders. */
const following = (
  world: RecipeWorld,
  client: ModelClient,
): { readonly retrieval: LeaderRetrieval; told: string[] } => {
  const told: string[] = [];
  const retrieval = new LeaderRetrieval(client, LATCH, { clock: world.time });
  retrieval.onLeader((leader) => told.push(leader === undefined ? 'nobody' : textOf(leader.data)));
  return { retrieval, told };
};

const settledCode = (world: RecipeWorld, promise: Promise<unknown>): Promise<string | undefined> =>
  world.settled(promise.then(() => 'done', codeOf));

test('leads when all before it have left; everybody sees the queue, and who leads', async () => {
  const world = new RecipeWorld(1);
  const clients = [0, 1, 2].map(() => world.client());
  const { retrieval, told } = following(world, world.client());
  await world.until(() => told.length === 1);
  const [one, two, three] = await workersOf(world, clients);
  const first = await world.settled(one!.latch.leadership());
  expect([one!.latch.isLeader, two!.latch.isLeader, three!.latch.state]).toEqual([true, false, 'queued']);
  const names = async (): Promise<readonly string[]> =>
    (await world.settled(three!.latch.participants())).map(({ data }) => textOf(data));
  expect(await names()).toEqual(['worker-0', 'worker-1', 'worker-2']);
  expect(await world.settled(two!.latch.leader())).toMatchObject({
    token: first.token,
    session: clients[0]!.session?.id,
  });
  await world.settled(two!.latch.close());
  await world.pass(10 * SESSION_MS);
  expect([await names(), two!.events, three!.events]).toEqual([['worker-0', 'worker-2'], [], []]);
  await world.settled(one!.latch.close());
  const second = await world.settled(three!.latch.leadership());
  expect([second.token > first.token, one!.events, three!.events]).toEqual([true, ['gained'], ['gained']]);
  await world.until(() => told.at(-1) === 'worker-2');
  await world.settled(three!.latch.close());
  await world.until(() => told.at(-1) === 'nobody');
  expect([told[0], told.at(-1), retrieval.current]).toEqual(['nobody', 'nobody', undefined]);
  expect(new Set(told)).toEqual(new Set(['nobody', 'worker-0', 'worker-2']));
  expect(world.namesIn(LATCH)).toEqual([]);
});

test('is suspended while no server is connected, and lost only with its session', async () => {
  const world = new RecipeWorld(2);
  const struck = world.struckClient();
  const [one, two] = await workersOf(world, [struck.client, world.client()]);
  const { check } = await world.settled(one!.latch.leadership());
  struck.client.breakConnection();
  await world.until(() => one!.events.includes('resumed'));
  expect([one!.events, one!.latch.isLeader]).toEqual([['gained', 'suspended', 'resumed'], true]);
  struck.isCutOff = true;
  await world.settled(two!.latch.leadership());
  expect([one!.latch.state, one!.latch.isSuspended, one!.latch.isLeader]).toEqual(['leading', true, false]);
  const write = two!.latch.leadership().then(({ check: own }) => [own, check]);
  const [own, old] = await world.settled(write);
  const outcomes = await world.settled(Promise.all([own!, old!].map((each) => world.client().multi([each]))));
  expect(outcomes.map(({ ok }) => ok)).toEqual([true, false]);
  struck.isCutOff = false;
  await world.until(() => one!.latch.state === 'lost');
  await world.pass(10);
  expect(one!.events.slice(3)).toEqual(['suspended', 'lost']);
  expect(await settledCode(world, one!.latch.leadership())).toBe('SESSION_EXPIRED');
  await world.settled(one!.latch.close());
});

test('that waits hears of the end of its session, too, and of its node that somebody deleted', async () => {
  const world = new RecipeWorld(3);
  const clients = [0, 1, 2].map(() => world.client());
  const [one, two, three] = await workersOf(world, clients);
  const waiting = [two!, three!].map(({ latch }) => latch.leadership().then(() => 'done', codeOf));
  world.ensemble.expire(clients[1]!.session!.id);
  const [last] = inOrder(world.namesIn(LATCH), 'latch').slice(-1);
  world.ensemble.deleteNode(`${LATCH}/${last}`);
  expect(await world.settled(Promise.all(waiting))).toEqual(['SESSION_EXPIRED', 'NO_NODE']);
  expect([two!.events.at(-1), three!.events, one!.latch.isLeader]).toEqual(['lost', ['lost'], true]);
  await world.settled(three!.latch.close());
  expect(three!.latch.state).toBe('lost');
});

test('whoever waits for leadership can give up; the place is kept until the latch is closed', async () => {
  const world = new RecipeWorld(4);
  const [one, two] = await workersOf(world, [world.client(), world.client()]);
  await world.settled(one!.latch.leadership());
  expect(await settledCode(world, two!.latch.leadership({ timeoutMs: 0 }))).toBe('NOT_ACQUIRED');
  expect(await settledCode(world, two!.latch.leadership({ timeoutMs: 300 }))).toBe('NOT_ACQUIRED');
  const abort = new AbortController();
  const aborted = two!.latch.leadership({ signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  expect(world.namesIn(LATCH)).toHaveLength(2);
  const waiting = two!.latch.leadership().then(() => 'done', codeOf);
  await world.settled(two!.latch.close());
  expect(await world.settled(waiting)).toBe('NOT_ACQUIRED');
  expect(world.namesIn(LATCH)).toHaveLength(1);
  expect((await world.settled(one!.latch.leadership({ timeoutMs: 0 }))).token).toBeGreaterThan(0n);
});

test('retrieval tells of data that changed, and of its own end', async () => {
  const world = new RecipeWorld(5);
  const [one] = await workersOf(world, [world.client()]);
  const client = world.client();
  const { retrieval, told } = following(world, client);
  // A server that lags behind may show nobody first.
  await world.until(() => told.at(-1) === 'worker-0');
  told.length = 0;
  const { path } = (await world.settled(one!.latch.leader()))!;
  await world.settled(client.set(path, bytes('moved')));
  await world.until(() => told.length === 1);
  expect([told, textOf((await world.settled(retrieval.read()))!.data)]).toEqual([['moved'], 'moved']);
  const late: unknown[] = [];
  retrieval.onLeader((leader) => late.push(leader?.path)).end();
  retrieval.onLeader((leader) => late.push(leader?.path));
  await world.until(() => late.length > 0);
  expect(late).toEqual([path]);
  world.ensemble.expire(client.session!.id);
  expect(codeOf(await world.settled(retrieval.lost))).toBe('SESSION_EXPIRED');
  await world.pass(10);
  expect([told.slice(1), retrieval.current, late.at(-1)]).toEqual([['nobody'], undefined, undefined]);
});

test('retrieval that was ended tells nothing more', async () => {
  const world = new RecipeWorld(6);
  const { retrieval, told } = following(world, world.client());
  await world.until(() => told.length === 1);
  retrieval.end();
  await workersOf(world, [world.client()]);
  await world.pass(SESSION_MS);
  expect([told, retrieval.current]).toEqual([['nobody'], undefined]);
});

/** Queues again and again: whoever leads closes its latch after a while. */
const lead = async (world: RecipeWorld, random: Random, name: string, all: Set<Worker>): Promise<void> => {
  while (!world.isCalm) {
    const { client } = world.struckClient();
    while (!world.isCalm && client.state !== 'expired') {
      const worker = workerOf(world, client, name);
      all.add(worker);
      await worker.latch.leadership({ timeoutMs: 4_000 }).catch(() => undefined);
      await world.sleep(random.next() * 400);
      all.delete(worker);
      await worker.latch.close();
    }
  }
};

test.each(Array.from({ length: 40 }, (_, at) => at + 1))(
  'whatever strikes, one session leads, and who follows knows it in the end: schedule %i',
  async (schedule) => {
    const world = new RecipeWorld(9_000 + 10 * schedule);
    const random = seededRandom(schedule);
    const all = new Set<Worker>();
    const follower = world.struckClient();
    let { retrieval } = following(world, follower.client);
    world.strike(15_000);
    let left = 4;
    const working = Array.from({ length: left }, (_, at) =>
      lead(world, random, `worker-${at}`, all).finally(() => left--),
    );
    let gained = 0;
    await world.time.run(
      world.time.monotonic() + 120_000,
      () => left === 0,
      () => {
        const [first] = inOrder(world.namesIn(LATCH), 'latch');
        const leading = [...all].filter(({ latch }) => latch.state === 'leading').map(({ leads }) => leads!);
        const live = leading.filter((path) => world.ensemble.tree.get(path) !== undefined);
        // The others have not heard yet that their session is over.
        expect(live).toEqual(live.length === 0 ? [] : [`${LATCH}/${first}`]);
        gained += live.length;
      },
    );
    expect(left, 'workers that wait for ever').toBe(0);
    await Promise.all(working);
    expect(gained).toBeGreaterThan(0);
    if (follower.client.state === 'expired') {
      ({ retrieval } = following(world, world.client()));
    }
    await world.until(() => world.namesIn(LATCH).length === 0, 10_000);
    const [last] = await workersOf(world, [world.client()]);
    const { token } = await world.settled(last!.latch.leadership());
    await world.until(() => retrieval.current?.token === token, 5_000);
  },
);
