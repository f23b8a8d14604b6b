import { parentPort, workerData } from 'node:worker_threads';
import { SameThreadLeaseRenewer } from '../coordination/embedded/lease-renewer.ts';
import { openStoreRoot } from '../coordination/embedded/store-root.ts';
import { TransactionLog } from '../coordination/embedded/transaction-log.ts';
import { present } from '../foundation/common/assert.ts';
import { silentLogger } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { LocalFileSystem } from '../foundation/filesystem/local/local-file-system.ts';
import { sharedMonotonicMs, type LeaseAnswer, type LeaseCommand, type LeaseThreadSettings } from './lease-thread.ts';

/** The thread that renews the lease of the embedded store: a log of its own, whose only writes are renewals. */
const port = present(parentPort, 'the port to the main thread');
const { folder, lease, ticks } = workerData as LeaseThreadSettings;

const commands: LeaseCommand[] = [];
let carryOut = (command: LeaseCommand): void => void commands.push(command);
port.on('message', (command: LeaseCommand) => carryOut(command));

const root = await openStoreRoot({
  fs: new LocalFileSystem(),
  folder,
  random: systemRandom,
  beforeCreation: undefined,
});
const log = await TransactionLog.open({
  ...root,
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
  snapshotInterval: Number.POSITIVE_INFINITY,
});
const renewer = new SameThreadLeaseRenewer(log, lease, systemClock);

carryOut = (command) => {
  if (command.kind === 'stop') {
    renewer.stop();
    return;
  }
  renewer.start(command.leadership, (sentAtMs) => {
    const answer: LeaseAnswer = {
      epoch: command.leadership.epoch,
      sentAtMs: sentAtMs - systemClock.monotonic() + sharedMonotonicMs(),
    };
    port.postMessage(answer);
  });
};
commands.forEach((command) => carryOut(command));

/** A main thread that has not ticked since the last look gives no sign of life here either. */
let seen = -1;
const look = (): void => {
  const now = Atomics.load(ticks, 0);
  if (now !== seen) {
    seen = now;
    renewer.tick();
  }
  systemClock.after(lease.tickMs / 4, look);
};
look();
