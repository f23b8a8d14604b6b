import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../foundation/common/logger.ts';
import { seededRandom } from '../../foundation/common/random.ts';
import type { JobId } from '../../foundation/common/ids.ts';
import { MemoryDisk } from '../../foundation/filesystem/memory/memory-disk.ts';
import { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import type { Candidacy } from '../leader-election.ts';
import { RecordingContender } from '../test-support/recording-contender.ts';
import { EmbeddedServices } from './embedded-services.ts';

const LEASE_MS = 5_000;
const JOB = 'a'.repeat(32) as JobId;

/** One JobManager with a clock of its own: it sleeps when its clock is not moved. */
interface Member {
  readonly name: string;
  readonly clock: ManualClock;
  readonly services: EmbeddedServices;
  readonly contender: RecordingContender;
  readonly candidacy: Candidacy;
  isAsleep: boolean;
  /** Its disk does not answer. */
  isCutOff: boolean;
}

let disk: MemoryDisk;
let members: Member[];
let seed = 0;

beforeEach(() => {
  disk = new MemoryDisk(() => 1);
  members = [];
});

const turn = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
};

const start = async (name: string): Promise<Member> => {
  const clock = new ManualClock(1_000_000);
  const random = seededRandom(++seed);
  const state = { isCutOff: false };
  const fs = new MemoryFileSystem({
    disk,
    random,
    tap: () => {
      if (state.isCutOff) {
        throw Object.assign(new Error('EIO'), { code: 'EIO' });
      }
    },
  });
  const services = await EmbeddedServices.open({
    fs,
    folder: '/ha',
    clock,
    random,
    logger: silentLogger,
    leaseMs: LEASE_MS,
    pollIntervalMs: 25,
    snapshotInterval: 16,
    beforeCreation: async () => undefined,
  });
  const contender = new RecordingContender(name);
  const candidacy = await services.election.join(contender);
  const member: Member = Object.assign(state, { name, clock, services, contender, candidacy, isAsleep: false });
  members.push(member);
  await turn();
  return member;
};

/** Time passes for all who are awake. */
const pass = async (durationMs: number): Promise<void> => {
  for (let passed = 0; passed < durationMs; passed += 25) {
    for (const { clock, isAsleep } of members) {
      if (!isAsleep) {
        clock.advanceBy(Math.min(25, durationMs - passed));
      }
    }
    await turn();
  }
};

const kinds = ({ contender }: Member): string[] =>
  contender.events.map((event) => (event.kind === 'revoked' ? `revoked: ${event.reason}` : event.kind));

describe('the lease', () => {
  test('of a leader that lives is renewed, whatever time passes', async () => {
    const first = await start('one');
    const second = await start('two');
    await pass(10 * LEASE_MS);
    expect(kinds(first)).toEqual(['granted']);
    expect(kinds(second)).toEqual([]);
    expect(first.candidacy.isCertain).toBe(true);
  });

  test('of a leader that is paused ends, another leads, and the woken one is fenced and becomes a standby', async () => {
    const first = await start('one');
    const second = await start('two');
    await pass(LEASE_MS);
    first.isAsleep = true;
    await pass(LEASE_MS - 1_500);
    expect(kinds(second)).toEqual([]);
    await pass(2_000);
    expect(kinds(second)).toEqual(['granted']);
    const leadership = first.candidacy.leadership!;
    const write = first.services.leading(leadership).checkpointIds(JOB).next();
    await expect(write).rejects.toMatchObject({ code: 'LEADERSHIP_LOST' });
    first.isAsleep = false;
    await pass(500);
    expect(kinds(first)).toEqual(['granted', 'revoked: expired']);
    expect(first.candidacy.queuePosition).toBe(0);
    await second.candidacy.leave();
    await pass(100);
    expect(first.candidacy.leadership?.epoch).toBe(3);
  });

  test('that cannot be renewed ends its certainty before others may lead; answered again, it leads on', async () => {
    const first = await start('one');
    const second = await start('two');
    await pass(1_000);
    first.isCutOff = true;
    second.isCutOff = true;
    await pass(LEASE_MS - 900);
    expect(kinds(first)).toEqual(['granted', 'uncertain']);
    expect(first.candidacy.isCertain).toBe(false);
    expect(first.candidacy.leadership).toBeDefined();
    expect(first.services.health).toMatchObject({ state: 'away', error: { code: 'STORE_AWAY' } });
    first.isCutOff = false;
    await pass(1_500);
    expect(kinds(first)).toEqual(['granted', 'uncertain', 'certain']);
    second.isCutOff = false;
    await pass(LEASE_MS);
    expect(kinds(second)).toEqual([]);
  });

  test('a leader that is cut off while another is not has stopped when the other leads', async () => {
    const first = await start('one');
    const second = await start('two');
    await pass(1_000);
    first.isCutOff = true;
    let sawGrantWhileCertain = false;
    for (let i = 0; i < 80; i++) {
      await pass(100);
      sawGrantWhileCertain ||= second.contender.grants.length > 0 && first.candidacy.isCertain;
    }
    expect(sawGrantWhileCertain).toBe(false);
    expect(kinds(second)).toEqual(['granted']);
    expect(kinds(first)).toEqual(['granted', 'uncertain']);
    first.isCutOff = false;
    await pass(500);
    expect(kinds(first)).toEqual(['granted', 'uncertain', 'revoked: expired']);
  });

  test('the time that a standby slept is not held against the leader', async () => {
    const first = await start('one');
    const second = await start('two');
    await pass(1_000);
    second.isAsleep = true;
    await pass(3 * LEASE_MS);
    // It wakes with all of that time behind it at once.
    second.clock.advanceBy(3 * LEASE_MS);
    await turn();
    second.isAsleep = false;
    await pass(LEASE_MS);
    expect(kinds(second)).toEqual([]);
    expect(kinds(first)).toEqual(['granted']);
  });
});

describe('the queue', () => {
  test('the first acts at once, the next 100 ms later', async () => {
    const leader = await start('one');
    const second = await start('two');
    const third = await start('three');
    await pass(200);
    expect([leader, second, third].map(({ candidacy }) => candidacy.queuePosition)).toEqual([undefined, 0, 1]);
    second.isAsleep = true;
    await leader.candidacy.leave();
    await pass(75);
    expect(kinds(third)).toEqual([]);
    await pass(75);
    expect(kinds(third)).toEqual(['granted']);
    // Who did not act lost its place and queues again when it wakes.
    second.isAsleep = false;
    await pass(200);
    expect(second.candidacy.queuePosition).toBe(0);
  });

  test('who is silent for long is not waited for, and is taken out at last', async () => {
    const leader = await start('one');
    const second = await start('two');
    const third = await start('three');
    second.isAsleep = true;
    await pass(4 * LEASE_MS);
    expect(third.candidacy.queuePosition).toBe(0);
    await pass(10 * LEASE_MS);
    second.isAsleep = false;
    await pass(2_000);
    expect(second.candidacy.queuePosition).toBe(1);
    expect(third.candidacy.queuePosition).toBe(0);
    expect(kinds(leader)).toEqual(['granted']);
  });
});

describe('a suspicion', () => {
  test('of a leader that gave a sign of life after the call does nothing', async () => {
    const first = await start('one');
    const second = await start('two');
    const leadership = await first.contender.grant();
    // The leader writes between the moment in which the standby has read the log and the one in which it writes.
    const link = disk.link.bind(disk);
    disk.link = async (from, to) => {
      disk.link = link;
      await first.services.leading(leadership).checkpointIds(JOB).next();
      return link(from, to);
    };
    expect(await second.candidacy.suspect(leadership)).toEqual({ outcome: 'alive' });
    await pass(LEASE_MS);
    expect(kinds(first)).toEqual(['granted']);
    expect(kinds(second)).toEqual([]);
  });

  test('by two standbys at once is carried out once', async () => {
    const first = await start('one');
    const standbys = [await start('two'), await start('three')];
    const leadership = await first.contender.grant();
    first.isAsleep = true;
    const outcomes = await Promise.all(standbys.map(({ candidacy }) => candidacy.suspect(leadership)));
    expect(outcomes).toEqual([{ outcome: 'ended' }, { outcome: 'ended' }]);
    await pass(500);
    expect(standbys.flatMap(kinds)).toEqual(['granted']);
  });

  test('that was a false alarm closes the fast way for 10 s, the next for 20 s', async () => {
    const one = await start('one');
    const two = await start('two');
    const [first, second] = [await one.contender.grant(), undefined];
    expect(second).toBeUndefined();
    await two.candidacy.suspect(first);
    await pass(100);
    expect(one.services.retrieval.current).toBeUndefined();
    const leading = await two.contender.grant();
    expect(await one.candidacy.suspect(leading)).toMatchObject({ outcome: 'backing-off' });
    await pass(10_000);
    expect(await one.candidacy.suspect(leading)).toEqual({ outcome: 'ended' });
    await pass(100);
    const again = await one.contender.grant(2);
    expect(kinds(two)).toEqual(['granted', 'revoked: suspected']);
    await pass(10_000);
    const outcome = await two.candidacy.suspect(again);
    expect(outcome).toMatchObject({ outcome: 'backing-off' });
    expect(outcome.outcome === 'backing-off' && outcome.remainingMs).toBeGreaterThan(9_000);
    await one.candidacy.publish(again);
    expect(one.services.retrieval.current?.falseAlarms).toBe(2);
  });

  test('of a leader whose process is gone is no false alarm', async () => {
    const one = await start('one');
    const two = await start('two');
    one.isAsleep = true;
    await two.candidacy.suspect(await one.contender.grant());
    const leadership = await two.contender.grant();
    await start('one, started again');
    await pass(LEASE_MS);
    await two.candidacy.publish(leadership);
    expect(two.services.retrieval.current?.falseAlarms).toBe(0);
  });
});
