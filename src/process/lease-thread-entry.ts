import { workerData } from 'node:worker_threads';
import { StandIn } from '../coordination/embedded/lease-stand-in.ts';
import { openStoreRoot } from '../coordination/embedded/store-root.ts';
import { TransactionLog } from '../coordination/embedded/transaction-log.ts';
import type { Clock } from '../foundation/common/clock.ts';
import { MillraceError } from '../foundation/common/errors.ts';
import { silentLogger } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { LocalFileSystem } from '../foundation/filesystem/local/local-file-system.ts';
import { LeaseSignals, processMonotonicMs } from './lease-signals.ts';
import type { LeaseThreadSettings } from './lease-thread.ts';

/** The thread that renews the lease of the embedded store while the main one is held up. */
const { folder, lineage, lease, signals: buffer } = workerData as LeaseThreadSettings;
const signals = new LeaseSignals(buffer);
const clock: Clock = { ...systemClock, monotonic: processMonotonicMs };

const open = async (): Promise<TransactionLog> => {
  const fs = new LocalFileSystem();
  const root = await openStoreRoot({ fs, folder, random: systemRandom, beforeCreation: undefined });
  if (root.lineage !== lineage) {
    throw new MillraceError(
      'STORE_REPLACED',
      `the HA store at ${folder} is of lineage ${root.lineage}, not ${lineage}`,
    );
  }
  return TransactionLog.open({
    ...root,
    clock,
    random: systemRandom,
    logger: silentLogger,
    // The main thread writes them.
    snapshotInterval: Number.POSITIVE_INFINITY,
  });
};

new StandIn({
  lease,
  clock,
  signs: () => signals.signs,
  open,
  answered: (answer) => signals.renewed(answer),
}).start();
