import { beforeEach, describe, expect, test } from 'vitest';
import { ZooKeeperServices } from '../../../src/coordination/zookeeper/zookeeper-services.ts';
import type { Candidacy } from '../../../src/coordination/leader-election.ts';
import { checkpoint, graph, JOB } from '../../../src/coordination/test-support/ha-cluster.ts';
import { RecordingContender } from '../../../src/coordination/test-support/recording-contender.ts';
import { codeOf } from '../../../src/foundation/common/errors.ts';
import { silentLogger } from '../../../src/foundation/common/logger.ts';
import { seededRandom } from '../../../src/foundation/common/random.ts';
import { SimulatedProcess } from '../world/simulated-process.ts';
import { InMemoryNetwork } from '../../../src/runtime/rpc/in-memory/network.ts';
import { ModelClient } from './model-client.ts';
import { ModelWorld, type ModelWorldOptions } from './model-world.ts';

const TIMEOUT_MS = 5_000;
const ROOT = '/millrace/test';
const LATCHES = `${ROOT}/leader/latch`;

interface Member {
  readonly name: string;
  readonly process: SimulatedProcess;
  readonly services: ZooKeeperServices;
  readonly contender: RecordingContender;
  readonly candidacy: Candidacy;
  /** The newest session's. */
  client: ModelClient;
  isCutOff: boolean;
}

let world: ModelWorld;
let seed = 0;

const begin = (options: ModelWorldOptions = {}): void => {
  world = new ModelWorld(++seed, options);
};

beforeEach(() => begin());

const start = async (name: string): Promise<Member> => {
  const { time, ensemble } = world;
  const random = seededRandom(++seed);
  const process = new SimulatedProcess({
    host: name,
    seed,
    time,
    network: new InMemoryNetwork({ clock: time }),
    say: () => undefined,
    skewMs: 0,
  });
  const state: { client?: ModelClient; isCutOff: boolean } = { isCutOff: false };
  const services = await world.settled(
    ZooKeeperServices.open({
      connect: () => {
        state.client = new ModelClient({
          ensemble,
          clock: process.clock,
          worldClock: time,
          random,
          delayMs: () => random.next() * 3,
          sessionTimeoutMs: TIMEOUT_MS,
          reaches: () => !state.isCutOff,
        });
        return state.client;
      },
      root: ROOT,
      storage: '/shared',
      clock: process.clock,
      random,
      logger: silentLogger,
      beforeCreation: async () => undefined,
    }),
  );
  const contender = new RecordingContender(name);
  const candidacy = await world.settled(services.election.join(contender));
  return Object.assign(state as { client: ModelClient; isCutOff: boolean }, {
    ...{ name, process, services, contender, candidacy },
  });
};

const kinds = ({ contender }: Member): string[] =>
  contender.events.map((event) => (event.kind === 'revoked' ? `revoked: ${event.reason}` : event.kind));

const leads = (member: Member): boolean => member.candidacy.leadership !== undefined;

const newestGrant = async (member: Member): Promise<NonNullable<Candidacy['leadership']>> => {
  await world.until(() => leads(member), 60_000);
  return member.candidacy.leadership!;
};

/** Their nodes, in the order of the queue. */
const latches = (): readonly string[] =>
  world.ensemble.tree
    .paths(LATCHES)
    .slice(1)
    .toSorted((a, b) => (a.slice(-10) < b.slice(-10) ? -1 : 1));

describe('certainty', () => {
  test('of a leader that is connected goes on, whatever time passes', async () => {
    const [one, two] = [await start('one'), await start('two')];
    await newestGrant(one);
    await world.pass(20 * TIMEOUT_MS);
    expect([kinds(one), kinds(two)]).toEqual([['granted'], []]);
    expect(one.candidacy.isCertain).toBe(true);
  });

  test('ends before others may lead; a leader that is heard again in time leads on, in the same epoch', async () => {
    const [one, two] = [await start('one'), await start('two')];
    const leadership = await newestGrant(one);
    one.isCutOff = true;
    await world.until(() => one.contender.events.some(({ kind }) => kind === 'uncertain'), TIMEOUT_MS);
    expect([one.candidacy.isCertain, one.services.health.state]).toEqual([false, 'away']);
    expect(kinds(two)).toEqual([]);
    one.isCutOff = false;
    await world.pass(1_000);
    expect(kinds(one)).toEqual(['granted', 'uncertain', 'certain']);
    expect(one.candidacy.leadership).toEqual(leadership);
  });

  test('is not proven by a server that is cut off from the others, whatever it answers', async () => {
    const one = await start('one');
    await newestGrant(one);
    world.ensemble.servers.forEach((server) => world.ensemble.isolate(server));
    await world.pass(TIMEOUT_MS);
    expect(kinds(one)).toEqual(['granted', 'uncertain']);
  });

  test('two that never lead for certain at the same time', async () => {
    const [one, two] = [await start('one'), await start('two')];
    await newestGrant(one);
    one.isCutOff = true;
    for (let passed = 0; passed < 3 * TIMEOUT_MS; passed += 100) {
      await world.pass(100);
      expect(one.candidacy.isCertain && two.candidacy.isCertain).toBe(false);
    }
    expect(kinds(two)).toEqual(['granted']);
    one.isCutOff = false;
    await world.pass(2_000);
    expect(kinds(one)).toEqual(['granted', 'uncertain', 'revoked: expired']);
    expect(one.candidacy.queuePosition).toBe(0);
  });
});

describe('a session', () => {
  test('that expires ends leadership; a new one queues by itself', async () => {
    const [one, two] = [await start('one'), await start('two')];
    const before = await newestGrant(one);
    world.ensemble.expire(one.client.session!.id);
    const write = codeAfter(one.services.leading(before).checkpointIds(JOB).next());
    const after = await newestGrant(two);
    expect(await world.settled(write)).toMatch(/LEADERSHIP_LOST|STORE_AWAY/);
    await world.until(() => one.candidacy.queuePosition === 0);
    expect(kinds(one)).toEqual(['granted', 'revoked: expired']);
    expect(after.epoch).toBe(before.epoch + 1);
    expect(latches()).toHaveLength(2);
    await world.settled(two.candidacy.leave());
    expect((await newestGrant(one)).epoch).toBe(after.epoch + 1);
  });

  test('of a process that stood still is over when it wakes; what it writes first is refused', async () => {
    const [one, two] = [await start('one'), await start('two')];
    const before = await newestGrant(one);
    one.process.pause();
    await newestGrant(two);
    await world.pass(10_000);
    one.process.resume();
    const write = codeAfter(one.services.leading(before).checkpointIds(JOB).next());
    expect(await world.settled(write)).toMatch(/LEADERSHIP_LOST|STORE_AWAY/);
    await world.until(() => one.candidacy.queuePosition === 0);
    expect(kinds(one).at(-1)).toBe('revoked: expired');
    expect(await world.settled(two.services.reader.checkpointFloor(JOB))).toBe(0);
  });

  test('that moves to another server keeps its place', async () => {
    const [one, two] = [await start('one'), await start('two')];
    const leadership = await newestGrant(one);
    for (let times = 0; times < 20; times++) {
      one.client.breakConnection();
      two.client.breakConnection();
      await world.pass(300);
    }
    expect([kinds(one), kinds(two)]).toEqual([['granted'], []]);
    expect(one.candidacy.leadership).toEqual(leadership);
  });

  test('outlives an ensemble that is away', async () => {
    const [one, two] = [await start('one'), await start('two')];
    const leadership = await newestGrant(one);
    world.ensemble.away();
    await world.pass(8 * TIMEOUT_MS);
    world.ensemble.back();
    await world.pass(2_000);
    expect(kinds(one)).toEqual(['granted', 'uncertain', 'certain']);
    expect(kinds(two)).toEqual([]);
    await world.settled(one.services.leading(leadership).checkpointIds(JOB).next());
  });
});

describe('a place in the queue', () => {
  test('whose making was not answered is found again, or made anew: there is one of it', async () => {
    let lost = 0;
    for (let run = 0; run < 150; run++) {
      begin({ lagMs: (random) => random.next() * 50 });
      const [one, two] = [await start('one'), await start('two')];
      await newestGrant(one);
      // Its place goes: it queues again, and then its connection breaks.
      world.ensemble.deleteNode(latches()[1]!);
      await world.pass(world.random.next() * 25);
      lost += two.client.state === 'connected' ? 1 : 0;
      two.client.breakConnection();
      await world.pass(2_000);
      expect(latches()).toHaveLength(2);
      await world.settled(one.candidacy.leave());
      await newestGrant(two);
    }
    expect(lost).toBeGreaterThan(0);
  });

  test('a grant that was not answered is found, and confirmed', async () => {
    for (let run = 0; run < 150; run++) {
      begin({ lagMs: (random) => random.next() * 50 });
      const [one, two] = [await start('one'), await start('two')];
      const before = await newestGrant(one);
      await world.settled(one.candidacy.leave());
      await world.pass(world.random.next() * 15);
      two.client.breakConnection();
      const after = await newestGrant(two);
      await world.pass(1_000);
      expect(kinds(two)).toEqual(['granted']);
      expect(after.epoch).toBe(before.epoch + 1);
      await world.settled(two.services.leading(after).checkpointIds(JOB).next());
    }
  });
});

describe('a suspicion', () => {
  test('deletes the latch of the leader: one that lives steps down, keeps its session and queues again', async () => {
    const [one, two] = [await start('one'), await start('two')];
    const before = await newestGrant(one);
    const session = one.client.session?.id;
    expect(await world.settled(two.candidacy.suspect(before))).toEqual({ outcome: 'ended' });
    const after = await newestGrant(two);
    await world.until(() => one.candidacy.queuePosition === 0);
    expect(kinds(one)).toEqual(['granted', 'revoked: suspected']);
    expect(one.client.session?.id).toBe(session);
    await world.settled(two.candidacy.publish(after));
    await world.pass(100);
    expect(one.services.retrieval.current).toMatchObject({ leadership: after, falseAlarms: 1 });
  });

  test('that was a false alarm closes the fast way for 10 s, the next for 20 s', async () => {
    const [one, two] = [await start('one'), await start('two')];
    await world.settled(two.candidacy.suspect(await newestGrant(one)));
    const leading = await newestGrant(two);
    await world.pass(100);
    expect(await world.settled(one.candidacy.suspect(leading))).toMatchObject({ outcome: 'backing-off' });
    await world.pass(10_000);
    expect(await world.settled(one.candidacy.suspect(leading))).toEqual({ outcome: 'ended' });
    const again = await newestGrant(one);
    await world.pass(10_000);
    const outcome = await world.settled(two.candidacy.suspect(again));
    expect(outcome.outcome === 'backing-off' && outcome.remainingMs).toBeGreaterThan(9_000);
  });

  test('of a leader that is gone is no false alarm, and takes effect at once', async () => {
    const [one, two] = [await start('one'), await start('two')];
    const before = await newestGrant(one);
    one.process.kill();
    one.client.die(false);
    const beganMs = world.time.monotonic();
    await world.settled(two.candidacy.suspect(before));
    const after = await newestGrant(two);
    expect(world.time.monotonic() - beganMs).toBeLessThan(100);
    await world.settled(two.candidacy.publish(after));
    await world.pass(3 * TIMEOUT_MS);
    expect(two.services.retrieval.current?.falseAlarms).toBe(0);
  });

  test('by all standbys at once is carried out once', async () => {
    const [one, two, three] = [await start('one'), await start('two'), await start('three')];
    const before = await newestGrant(one);
    one.process.pause();
    const outcomes = await world.settled(Promise.all([two, three].map(({ candidacy }) => candidacy.suspect(before))));
    expect(outcomes).toEqual([{ outcome: 'ended' }, { outcome: 'ended' }]);
    await world.pass(1_000);
    expect([kinds(two), kinds(three)]).toEqual([['granted'], []]);
  });

  test('a latch that somebody deletes is no suspicion: its leader steps down, and no alarm is counted', async () => {
    const [one, two] = [await start('one'), await start('two')];
    const before = await newestGrant(one);
    world.ensemble.deleteNode(latches()[0]!);
    const write = codeAfter(one.services.leading(before).checkpointIds(JOB).next());
    expect(await world.settled(write)).toBe('LEADERSHIP_LOST');
    const after = await newestGrant(two);
    await world.settled(two.candidacy.publish(after));
    await world.pass(100);
    expect(two.services.retrieval.current).toMatchObject({ leadership: after, falseAlarms: 0 });
  });
});

describe('an ensemble that was given an older copy', () => {
  test('refuses the leader of later, whose processes go on with new sessions and higher epochs', async () => {
    const [one, two] = [await start('one'), await start('two')];
    const first = await newestGrant(one);
    await world.settled(one.services.leading(first).jobGraphs.add(graph(JOB)));
    const copy = world.ensemble.copy();
    await world.settled(two.candidacy.suspect(first));
    const second = await newestGrant(two);
    await world.settled(two.services.leading(second).checkpoints(JOB).add(checkpoint(1)));
    world.ensemble.restore(copy);
    const write = world.settled(two.services.leading(second).checkpoints(JOB).add(checkpoint(2)));
    expect((await write).outcome).not.toBe('written');
    await world.until(() => leads(one) || leads(two), 20 * TIMEOUT_MS);
    await world.pass(10 * TIMEOUT_MS);
    const leader = leads(one) ? one : two;
    const third = await newestGrant(leader);
    expect(third.epoch).toBeGreaterThan(second.epoch);
    expect(third.lineage).toBe(first.lineage);
    expect(await world.settled(leader.services.leading(third).checkpoints(JOB).all())).toEqual([]);
  });

  test('in which another was granted what it was granted later: its latch is there, its epoch is, and both are not its own', async () => {
    const [one, three, two] = [await start('one'), await start('three'), await start('two')];
    await newestGrant(one);
    const copy = world.ensemble.copy();
    const [ofOne, ofThree] = latches();
    three.process.pause();
    world.ensemble.deleteNode(ofThree!);
    world.ensemble.deleteNode(ofOne!);
    const leadership = await newestGrant(two);
    const stores = two.services.leading(leadership);
    await world.settled(stores.checkpointIds(JOB).next());
    [one, two].forEach(({ process }) => process.pause());
    world.ensemble.restore(copy);
    world.ensemble.deleteNode(ofOne!);
    three.process.resume();
    const other = await newestGrant(three);
    expect(other.epoch).toBe(leadership.epoch);
    expect(latches()).toHaveLength(2);
    // It has not heard of anything when it writes.
    const write = codeAfter(stores.checkpointIds(JOB).next());
    two.process.resume();
    expect(await world.settled(write)).not.toBe('done');
    expect(await world.settled(three.services.reader.checkpointFloor(JOB))).toBe(0);
  });

  test('in which its own earlier grant is the newest makes it claim anew, above all that it was granted', async () => {
    const one = await start('one');
    const first = await newestGrant(one);
    const copy = world.ensemble.copy();
    await world.settled(one.candidacy.raise(first, first.epoch));
    const second = await newestGrant(one);
    world.ensemble.restore(copy);
    // Something else is written, so that the servers have as much as the client has seen: it gets in with its session.
    const other = world.client();
    await world.settled(other.create('/other', new Uint8Array(0)));
    await world.until(() => one.contender.grants.length === 3);
    expect(kinds(one).at(-2)).toMatch(/^revoked/);
    expect(one.contender.grants.map(({ epoch }) => epoch)).toEqual([1, 2, 3].map((step) => first.epoch - 1 + step));
    for (const leadership of [first, second]) {
      expect(await world.settled(codeAfter(one.services.leading(leadership).checkpointIds(JOB).next()))).toBe(
        'LEADERSHIP_LOST',
      );
    }
    expect(await world.settled(one.services.leading(one.contender.grants[2]!).checkpointIds(JOB).next())).toBe(1);
  });

  test('that is emptied is another store: whoever knew the one before says so', async () => {
    const one = await start('one');
    const leadership = await newestGrant(one);
    world.ensemble.empty();
    await world.pass(10 * TIMEOUT_MS);
    expect(await world.settled(codeAfter(one.services.reader.jobs()))).toBe('STORE_REPLACED');
    expect(one.services.health).toMatchObject({ state: 'broken', error: { code: 'STORE_REPLACED' } });
    const two = await start('two');
    expect((await newestGrant(two)).lineage).not.toBe(leadership.lineage);
    expect(kinds(one).at(-1)).toMatch(/^revoked/);
    expect(latches()).toHaveLength(1);
  });
});

const codeAfter = (promise: Promise<unknown>): Promise<string | undefined> => promise.then(() => 'done', codeOf);
