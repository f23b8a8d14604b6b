import { beforeEach, expect, test } from 'vitest';
import type { JobId } from '../../foundation/common/ids.ts';
import { silentLogger } from '../../foundation/common/logger.ts';
import { seededRandom } from '../../foundation/common/random.ts';
import { MemoryDisk } from '../../foundation/filesystem/memory/memory-disk.ts';
import { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import type { Candidacy } from '../leader-election.ts';
import { RecordingContender } from '../test-support/recording-contender.ts';
import { EmbeddedServices } from './embedded-services.ts';
import { leaseOf } from './lease.ts';
import { openStoreRoot } from './store-root.ts';
import { StandInBeside } from './test-support/stand-in-beside.ts';
import { TransactionLog } from './transaction-log.ts';

const LEASE_MS = 5_000;
const LEASE = leaseOf(LEASE_MS);
const JOB = 'a'.repeat(32) as JobId;
const STEP_MS = 25;

/** A JobManager whose main thread and stand-in have a clock each, which shows the same when neither stands still. */
interface Member {
  readonly clock: ManualClock;
  readonly standInClock: ManualClock;
  readonly services: EmbeddedServices;
  readonly contender: RecordingContender;
  readonly candidacy: Candidacy;
  readonly standIn: StandInBeside;
  isHeldUp: boolean;
  /** Both threads. */
  isPaused: boolean;
}

let disk: MemoryDisk;
let members: Member[];
let nowMs: number;

beforeEach(() => {
  [disk, members, nowMs] = [new MemoryDisk(() => 1), [], 1_000_000];
});

const turn = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
};

const start = async (name: string): Promise<Member> => {
  const [clock, standInClock] = [new ManualClock(nowMs), new ManualClock(nowMs)];
  const random = seededRandom(members.length);
  const fs = new MemoryFileSystem({ disk, random });
  const common = { fs, folder: '/ha', random, logger: silentLogger, snapshotInterval: 16 };
  let standIn: StandInBeside | undefined;
  const services = await EmbeddedServices.open({
    ...{ ...common, clock, leaseMs: LEASE_MS, pollIntervalMs: 25, beforeCreation: async () => undefined },
    standIn: (lease) => {
      const open = async (): Promise<TransactionLog> => {
        const root = await openStoreRoot({ ...common, beforeCreation: undefined });
        return TransactionLog.open({ ...common, ...root, clock: standInClock });
      };
      standIn = new StandInBeside({ lease, clock, ownClock: standInClock, open });
      return standIn;
    },
  });
  const contender = new RecordingContender(name);
  const candidacy = await services.election.join(contender);
  const state = { isHeldUp: false, isPaused: false };
  const member = Object.assign(state, { clock, standInClock, services, contender, candidacy, standIn: standIn! });
  members.push(member);
  await turn();
  return member;
};

/** Time passes for all who are awake; whoever wakes has all of it behind it at once. */
const pass = async (durationMs: number): Promise<void> => {
  const untilMs = nowMs + durationMs;
  while (nowMs < untilMs) {
    nowMs += STEP_MS;
    for (const { clock, standInClock, isHeldUp, isPaused } of members) {
      if (!isHeldUp && !isPaused) {
        clock.advanceTo(nowMs);
      }
      if (!isPaused) {
        standInClock.advanceTo(nowMs);
      }
    }
    await turn();
  }
};

const kinds = ({ contender }: Member): string[] =>
  contender.events.map((event) => (event.kind === 'revoked' ? `revoked: ${event.reason}` : event.kind));

test('a leader whose main thread is held up beyond its lease goes on leading, and never takes itself for uncertain', async () => {
  const first = await start('one');
  const second = await start('two');
  await pass(LEASE_MS);
  expect(first.standIn.renewals).toEqual([]);
  first.isHeldUp = true;
  await pass(1.2 * LEASE_MS);
  expect(first.standIn.renewals.length).toBeGreaterThan(1);
  first.isHeldUp = false;
  await pass(3 * LEASE_MS);
  expect(kinds(first)).toEqual(['granted']);
  expect(kinds(second)).toEqual([]);
  const { leadership } = first.candidacy;
  expect(await first.services.leading(leadership!).checkpointIds(JOB).next()).toBe(1);
});

test('a main thread that wakes is certain for no longer than its stand-in saw to', async () => {
  const first = await start('one');
  await pass(LEASE_MS);
  first.isHeldUp = true;
  await pass(1.2 * LEASE_MS);
  const { sentAtMs } = first.standIn.renewals.at(-1)!;
  const certainMs = LEASE.durationMs - LEASE.marginMs;
  // It looks before any of its timers has run.
  first.clock.advanceTo(first.clock.now());
  expect(first.candidacy.isCertain).toBe(true);
  disk.link = () => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }));
  first.isHeldUp = false;
  await pass(sentAtMs + certainMs - STEP_MS - nowMs);
  expect(kinds(first)).toEqual(['granted']);
  await pass(STEP_MS);
  expect(kinds(first)).toEqual(['granted', 'uncertain']);
});

test('a leader that hangs is replaced within a bound, and what it does afterwards is refused (I1)', async () => {
  const first = await start('one');
  const second = await start('two');
  await pass(LEASE_MS);
  first.isHeldUp = true;
  const sinceMs = nowMs;
  while (second.contender.grants.length === 0) {
    await pass(STEP_MS);
    expect(nowMs - sinceMs).toBeLessThan(LEASE.hangMs + LEASE.durationMs + 100);
  }
  expect(nowMs - sinceMs).toBeGreaterThan(LEASE.hangMs);
  const renewals = first.standIn.renewals.length;
  first.isHeldUp = false;
  first.clock.advanceTo(nowMs);
  // It has read nothing yet.
  const { leadership } = first.candidacy;
  const write = first.services.leading(leadership!).checkpointIds(JOB).next();
  await expect(write).rejects.toMatchObject({ code: 'LEADERSHIP_LOST' });
  await pass(LEASE_MS);
  expect(kinds(first).at(-1)).toBe('revoked: expired');
  expect(kinds(second)).toEqual(['granted']);
  expect(first.standIn.renewals).toHaveLength(renewals);
});

test('a stand-in that wakes with its process when another leads writes nothing', async () => {
  const first = await start('one');
  const second = await start('two');
  await pass(LEASE_MS);
  first.isPaused = true;
  await pass(1.5 * LEASE_MS);
  expect(kinds(second)).toEqual(['granted']);
  first.isPaused = false;
  first.isHeldUp = true;
  await pass(LEASE_MS / 2);
  expect(first.standIn.renewals).toEqual([]);
  first.isHeldUp = false;
  await pass(LEASE_MS);
  expect(kinds(first).at(-1)).toBe('revoked: expired');
  expect(kinds(second)).toEqual(['granted']);
});

test('a stand-in stands by again with its leader, and in again for the next leadership', async () => {
  const first = await start('one');
  const second = await start('two');
  await pass(LEASE_MS);
  await first.candidacy.resign();
  await pass(500);
  expect(kinds(second)).toEqual(['granted']);
  first.isHeldUp = true;
  await pass(1.2 * LEASE_MS);
  expect(first.standIn.renewals).toEqual([]);
  first.isHeldUp = false;
  second.isHeldUp = true;
  await pass(1.2 * LEASE_MS);
  second.isHeldUp = false;
  await pass(LEASE_MS);
  expect(kinds(second)).toEqual(['granted']);
  expect(second.standIn.renewals.length).toBeGreaterThan(0);
});
