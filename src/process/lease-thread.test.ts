import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EmbeddedServices } from '../coordination/embedded/embedded-services.ts';
import type { StandInAnswer } from '../coordination/embedded/lease-stand-in.ts';
import { RecordingContender } from '../coordination/test-support/recording-contender.ts';
import { silentLogger } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { LocalFileSystem } from '../foundation/filesystem/local/local-file-system.ts';
import { LeaseThread } from './lease-thread.ts';

const LEASE_MS = 60_000;
/** What takes longer hangs. */
const HELD_UP_MAX_MS = 30_000;

let folder: string;
let services: EmbeddedServices;
let thread: LeaseThread;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-lease-'));
  services = await EmbeddedServices.open({
    ...{ fs: new LocalFileSystem(), folder, clock: systemClock, random: systemRandom, logger: silentLogger },
    ...{ leaseMs: LEASE_MS, pollIntervalMs: 10, snapshotInterval: 8, beforeCreation: async () => undefined },
    standIn: (lease, lineage) => {
      // The lease itself does not end, however busy the machine is.
      const times = { renewalMs: 20, tickMs: 10, patienceMs: 100, hangMs: LEASE_MS };
      const options = { folder, lineage, lease: { ...lease, ...times }, clock: systemClock, logger: silentLogger };
      thread = new LeaseThread(options);
      return thread;
    },
  });
});

afterEach(async () => {
  await services.close();
  await rm(folder, { recursive: true });
});

/** Nothing else runs in this thread until the other one has renewed. */
const holdUp = (): StandInAnswer => {
  const never = new Int32Array(new SharedArrayBuffer(4));
  const sinceMs = systemClock.monotonic();
  for (;;) {
    const answer = thread.takeAnswer();
    if (answer !== undefined) {
      return answer;
    }
    expect(systemClock.monotonic() - sinceMs, 'milliseconds without a renewal').toBeLessThan(HELD_UP_MAX_MS);
    Atomics.wait(never, 0, 0, 5);
  }
};

test('the thread renews while the main one is held up, and answers in its time', async () => {
  const contender = new RecordingContender('one');
  const candidacy = await services.election.join(contender);
  const { epoch } = await contender.grant();
  const sinceMs = systemClock.monotonic();
  const [first, second] = [holdUp(), holdUp()];
  expect([first.epoch, second.epoch]).toEqual([epoch, epoch]);
  expect(first.sentAtMs).toBeGreaterThan(sinceMs);
  expect(second.sentAtMs).toBeGreaterThan(first.sentAtMs);
  expect(second.sentAtMs).toBeLessThan(systemClock.monotonic());
  await services
    .leading(candidacy.leadership!)
    .checkpointIds('a'.repeat(32) as never)
    .next();
  expect(contender.events.map(({ kind }) => kind)).toEqual(['granted']);
});

test('a thread that dies is started again', async () => {
  const contender = new RecordingContender('one');
  await services.election.join(contender);
  await contender.grant();
  holdUp();
  const { threads } = thread;
  await thread.endWorker();
  await contender.until(() => thread.threads > threads);
  holdUp();
});

test('the thread renews nothing in a store of another lineage', async () => {
  const contender = new RecordingContender('one');
  await services.election.join(contender);
  const { epoch } = await contender.grant();
  const other = new LeaseThread({
    ...{ folder, lineage: 'another', clock: systemClock, logger: silentLogger },
    lease: {
      durationMs: 1,
      marginMs: 1,
      renewalMs: 1,
      tickMs: 5,
      patienceMs: 10,
      hangMs: LEASE_MS,
      queueMs: 1,
      silenceMs: 1,
    },
  });
  other.start(epoch);
  holdUp();
  holdUp();
  expect(other.takeAnswer()).toBeUndefined();
  await other.close();
});
