import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EmbeddedServices } from '../coordination/embedded/embedded-services.ts';
import type { Lease } from '../coordination/embedded/lease.ts';
import { RecordingContender } from '../coordination/test-support/recording-contender.ts';
import type { Clock } from '../foundation/common/clock.ts';
import { silentLogger } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { LocalFileSystem } from '../foundation/filesystem/local/local-file-system.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { LeaseThread } from './lease-thread.ts';

let folder: string;
const opened: EmbeddedServices[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-lease-'));
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((services) => services.close()));
  await rm(folder, { recursive: true });
});

const open = async (clock: Clock, renewer: (lease: Lease) => LeaseThread): Promise<EmbeddedServices> => {
  const services = await EmbeddedServices.open({
    ...{ fs: new LocalFileSystem(), folder, clock, random: systemRandom, logger: silentLogger },
    ...{ leaseMs: 500, pollIntervalMs: 10, snapshotInterval: 8, beforeCreation: async () => undefined, renewer },
  });
  opened.push(services);
  return services;
};

test('the thread renews while the main thread ticks, and answers in the time of the main thread', async () => {
  const answers: { readonly sentAtMs: number; readonly now: number }[] = [];
  let thread: LeaseThread | undefined;
  // The election's own timers stand still: all signs of life are the thread's.
  const services = await open(new ManualClock(), (lease) => {
    thread = new LeaseThread({ folder, lease, clock: systemClock, logger: silentLogger });
    return thread;
  });
  const contender = new RecordingContender('one');
  await services.election.join(contender);
  const leadership = await contender.grant();
  const grantedAtMs = systemClock.monotonic();
  thread!.start(leadership, (sentAtMs) => answers.push({ sentAtMs, now: systemClock.monotonic() }));
  const ticking = setInterval(() => thread!.tick(), 20);
  await contender.until(() => answers.length >= 3);
  clearInterval(ticking);
  for (const { sentAtMs, now } of answers) {
    expect(sentAtMs).toBeGreaterThan(grantedAtMs);
    expect(sentAtMs).toBeLessThan(now);
  }
  expect(answers[0]!.sentAtMs).toBeLessThan(answers[2]!.sentAtMs);
});

test('a thread that dies is started again', async () => {
  let thread: LeaseThread | undefined;
  const services = await open(systemClock, (lease) => {
    thread = new LeaseThread({ folder, lease, clock: systemClock, logger: silentLogger });
    return thread;
  });
  const contender = new RecordingContender('one');
  await services.election.join(contender);
  const leadership = await contender.grant();
  let answers = 0;
  thread!.start(leadership, () => {
    answers++;
  });
  await contender.until(() => answers >= 1);
  await thread!.endWorker();
  answers = 0;
  await contender.until(() => answers >= 1);
});
