import { expect, test } from 'vitest';
import { Counter } from '../../../src/coordination/zookeeper/recipes/counter.ts';
import { ZooKeeperError } from '../../../src/coordination/zookeeper/client/zookeeper-error.ts';
import { codeOf } from '../../../src/foundation/common/errors.ts';
import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import type { ModelClient } from './model-client.ts';
import { bytes, RecipeWorld, textOf } from './recipe-world.ts';

const COUNTER = '/counters/orders';

let seed = 0;

const counterOf = (world: RecipeWorld, client: ModelClient, attemptsMax?: number): Counter =>
  new Counter(client, COUNTER, {
    clock: world.time,
    random: seededRandom(2_000_000 + ++seed),
    ...(attemptsMax === undefined ? {} : { attemptsMax }),
  });

const settledCode = (world: RecipeWorld, promise: Promise<unknown>): Promise<string | undefined> =>
  world.settled(promise.then(() => 'done', codeOf));

const valueIn = (world: RecipeWorld): bigint => BigInt(textOf(world.ensemble.tree.get(COUNTER)?.data ?? bytes('0')));

test('adds what it is told, of any size and sign, from 0 on', async () => {
  const world = new RecipeWorld(1);
  const [one, two] = [counterOf(world, world.client()), counterOf(world, world.client())];
  expect(await world.settled(one.get())).toBe(0n);
  expect(await world.settled(one.increment())).toBe(1n);
  expect(await world.settled(two.increment(2n ** 70n))).toBe(2n ** 70n + 1n);
  expect(await world.settled(one.increment(-3))).toBe(2n ** 70n - 2n);
  expect(await world.settled(two.get())).toBe(2n ** 70n - 2n);
  expect(await settledCode(world, one.increment(0.5))).toBe('BAD_ARGUMENTS');
});

test('counts all increments of clients that meet', async () => {
  const world = new RecipeWorld(2);
  const counters = Array.from({ length: 4 }, () => counterOf(world, world.client()));
  const sums = await world.settled(
    Promise.all(Array.from({ length: 20 }, () => counters.map((counter) => counter.increment())).flat()),
  );
  expect(new Set(sums).size).toBe(80);
  expect(await world.settled(counters[0]!.get())).toBe(80n);
});

test('shows what another client was just told, whatever server one is connected to', async () => {
  for (let at = 1; at <= 20; at++) {
    const world = new RecipeWorld(100 + at);
    const [one, two] = [counterOf(world, world.client()), counterOf(world, world.client())];
    for (let count = 1; count <= 5; count++) {
      const [told, seen] = await world.settled(one.increment().then(async (sum) => [sum, await two.get()] as const));
      expect([at, seen]).toEqual([at, told]);
    }
  }
});

test('leaves nothing of its own below the counter when it is closed', async () => {
  const world = new RecipeWorld(3);
  const counter = counterOf(world, world.client());
  const waits = counter.increment();
  await world.settled(counter.close());
  expect(await world.settled(waits)).toBe(1n);
  expect(world.namesIn(COUNTER)).toEqual([]);
  expect(await settledCode(world, counter.increment())).toBe('BAD_ARGUMENTS');
});

test('says so where the node holds something else', async () => {
  const world = new RecipeWorld(4);
  const client = world.client();
  const counter = counterOf(world, client);
  await world.settled(counter.increment());
  await world.settled(client.set(COUNTER, bytes('many')));
  expect(await settledCode(world, counter.get())).toBe('BAD_ARGUMENTS');
  expect(await settledCode(world, counter.increment())).toBe('BAD_ARGUMENTS');
});

test('gives up with BAD_VERSION where it meets others with each try, and nothing was counted', async () => {
  const world = new RecipeWorld(5);
  const [client, other] = [world.client(), world.client()];
  const counter = counterOf(world, client, 3);
  await world.settled(counter.increment());
  const multi = client.multi.bind(client);
  client.multi = async (operations) => {
    await other.set(COUNTER, bytes('7'));
    return multi(operations);
  };
  expect(await settledCode(world, counter.increment())).toBe('BAD_VERSION');
  expect(valueIn(world)).toBe(7n);
});

/** The answers of the next writes get lost, some after the write has taken effect; `meanwhile` comes before the loss is heard. */
const losing = (client: ModelClient, counted: readonly boolean[], meanwhile: () => Promise<unknown>): void => {
  const multi = client.multi.bind(client);
  const left = [...counted];
  client.multi = async (operations) => {
    const isCounted = left.shift();
    if (isCounted === undefined) {
      return multi(operations);
    }
    if (isCounted) {
      await multi(operations);
    }
    await meanwhile();
    throw new ZooKeeperError('CONNECTION_LOSS', 'multi', COUNTER);
  };
};

test.each([
  ['once', [true], 11n, 21n],
  ['twice', [false, true], 21n, 31n],
  ['that was not carried out', [false], 21n, 21n],
])('counts once, whatever others did meanwhile, where an answer is lost %s', async (_, counted, sum, value) => {
  const world = new RecipeWorld(6);
  const [client, other] = [world.client(), counterOf(world, world.client())];
  const counter = counterOf(world, client);
  await world.settled(counter.increment());
  losing(client, counted, () => other.increment(10));
  expect(await world.settled(counter.increment(10))).toBe(sum);
  expect(valueIn(world)).toBe(value);
});

test('may have been counted where nobody answers; what comes of it later is not taken for the next increment', async () => {
  const world = new RecipeWorld(7);
  const client = world.client();
  const counter = counterOf(world, client);
  await world.settled(counter.increment());
  const multi = client.multi.bind(client);
  const late: Parameters<typeof multi>[0][] = [];
  client.multi = (operations) => {
    late.push(operations);
    return Promise.reject(new ZooKeeperError('CONNECTION_LOSS', 'multi', COUNTER));
  };
  const failed = await world.settled(counter.increment(10).catch((error: unknown) => error));
  expect(failed).toMatchObject({ code: 'CONNECTION_LOSS', mayHaveHappened: true });
  expect(late).toHaveLength(3);
  // The next one loses its first try, and meanwhile that of the one before arrives.
  client.multi = async () => {
    client.multi = multi;
    await multi(late[0]!);
    throw new ZooKeeperError('CONNECTION_LOSS', 'multi', COUNTER);
  };
  expect(await world.settled(counter.increment(100))).toBe(101n);
  expect(valueIn(world)).toBe(101n);
});

test('was not counted where the counter could not even be read', async () => {
  const world = new RecipeWorld(8);
  const client = world.client();
  client.get = (path) => Promise.reject(new ZooKeeperError('CONNECTION_LOSS', 'get', path));
  const failed = await world.settled(
    counterOf(world, client)
      .increment()
      .catch((error: unknown) => error),
  );
  expect(failed).toMatchObject({ code: 'NOT_CONNECTED', mayHaveHappened: false });
});

interface Increment {
  readonly digit: bigint;
  outcome: 'open' | 'done' | 'not' | 'maybe';
}

/** Each increment adds a digit of its own to a number of base 4, which shows how often it was counted. */
const add = async (world: RecipeWorld, random: Random, all: Increment[], sums: Map<bigint, bigint>): Promise<void> => {
  while (!world.isCalm) {
    const { client } = world.struckClient();
    const counter = new Counter(client, COUNTER, { clock: world.time, random });
    while (!world.isCalm && client.state !== 'expired') {
      const one: Increment = { digit: 4n ** BigInt(all.length), outcome: 'open' };
      all.push(one);
      try {
        sums.set(one.digit, await counter.increment(one.digit));
        one.outcome = 'done';
      } catch (error) {
        one.outcome = error instanceof ZooKeeperError && !error.mayHaveHappened ? 'not' : 'maybe';
      }
      await world.sleep(random.next() * 200);
    }
    await counter.close();
  }
};

test.each(Array.from({ length: 60 }, (_, at) => at + 1))(
  'whatever strikes, what resolved was counted once, and what was refused never: schedule %i',
  async (schedule) => {
    const world = new RecipeWorld(5_000 + 10 * schedule);
    const random = seededRandom(schedule);
    const all: Increment[] = [];
    const sums = new Map<bigint, bigint>();
    world.strike(10_000);
    let left = 3;
    const adding = Array.from({ length: left }, () => add(world, random, all, sums).finally(() => left--));
    await world.until(() => left === 0);
    await Promise.all(adding);
    await world.pass(20_000);
    const value = valueIn(world);
    for (const { digit, outcome } of all) {
      const times = (value / digit) % 4n;
      expect({ digit, outcome, times }).toEqual({
        digit,
        outcome,
        times: outcome === 'done' ? 1n : outcome === 'not' ? 0n : expect.toSatisfy((each: bigint) => each < 2n),
      });
    }
    for (const [digit, sum] of sums) {
      expect((sum / digit) % 4n).toBe(1n);
      // Digits are only added: the sum is one that the counter had.
      expect(sum & value).toBe(sum);
    }
    expect(new Set(sums.values()).size).toBe(sums.size);
    expect(sums.size).toBeGreaterThan(20);
    expect(world.namesIn(COUNTER)).toEqual([]);
  },
);
