import type { Clock } from '../../foundation/common/clock.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { Random } from '../../foundation/common/random.ts';
import type { FileSystem } from '../../foundation/filesystem/file-system.ts';
import type {
  HighAvailabilityServices,
  LeaderStores,
  StoreHealth,
  StoreReader,
} from '../high-availability-services.ts';
import type { LeaderRetrieval } from '../leader-retrieval.ts';
import type { Leadership } from '../leadership.ts';
import { RecordLeaderStores } from '../records/record-leader-stores.ts';
import { RecordStoreReader } from '../records/record-store-reader.ts';
import { EmbeddedElection } from './embedded-election.ts';
import { EmbeddedRecordStore } from './embedded-record-store.ts';
import { EmbeddedRetrieval } from './embedded-retrieval.ts';
import { leaseOf, type Lease } from './lease.ts';
import { LeaseRenewer } from './lease-renewer.ts';
import type { LeaseStandIn } from './lease-stand-in.ts';
import { LedRecordStore } from './led-record-store.ts';
import { LogPoller } from './log-poller.ts';
import { openStoreRoot } from './store-root.ts';
import { TransactionLog } from './transaction-log.ts';

export interface EmbeddedServicesOptions {
  /** One that makes files only if absent, atomically: on UNSUPPORTED there the store cannot be used. */
  readonly fs: FileSystem;
  /** Of this cluster alone; all processes see the same. */
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly leaseMs: number;
  readonly pollIntervalMs: number;
  /** Entries between two snapshots. */
  readonly snapshotInterval: number;
  /** See `openStoreRoot`. */
  readonly beforeCreation: (() => Promise<void>) | undefined;
  /** Makes one that renews the lease while this thread is held up, once the store is there. */
  readonly standIn?: (lease: Lease, lineage: string) => LeaseStandIn;
}

/** HA for the processes of one machine, without any service: a folder. */
export class EmbeddedServices implements HighAvailabilityServices {
  readonly type = 'embedded';
  readonly lineage: string;
  readonly election: EmbeddedElection;
  readonly retrieval: LeaderRetrieval;
  readonly reader: StoreReader;
  readonly #options: EmbeddedServicesOptions;
  readonly #log: TransactionLog;
  readonly #records: EmbeddedRecordStore;
  readonly #standIn: LeaseStandIn | undefined;
  readonly #poller: LogPoller;
  #closing: Promise<void> | undefined;

  private constructor(options: EmbeddedServicesOptions, log: TransactionLog) {
    const { clock, random } = options;
    this.#options = options;
    this.#log = log;
    this.lineage = log.state.lineage;
    const lease = leaseOf(options.leaseMs);
    this.#standIn = options.standIn?.(lease, this.lineage);
    const renewer = new LeaseRenewer(log, lease, clock);
    this.election = new EmbeddedElection({ log, lease, renewer, standIn: this.#standIn, clock, random });
    this.retrieval = new EmbeddedRetrieval(log);
    this.#records = new EmbeddedRecordStore(log, (epoch, sentAtMs) => this.election.answered(epoch, sentAtMs));
    this.reader = new RecordStoreReader(this.#records);
    this.#poller = new LogPoller(log, clock, options.pollIntervalMs);
    this.#poller.start();
  }

  /** Errors: STORE_AWAY (no store there yet, and not to be made), STORE_BROKEN, STORE_EMPTY, those of the file system. */
  static async open(options: EmbeddedServicesOptions): Promise<EmbeddedServices> {
    const { clock, random, logger, snapshotInterval } = options;
    const { lineage, folder } = await openStoreRoot(options);
    // Who may lead does not change the past under its own feet; who follows has to find the one who leads now.
    const goesBack = options.beforeCreation === undefined;
    return new EmbeddedServices(
      options,
      await TransactionLog.open({ lineage, folder, clock, random, logger, snapshotInterval, goesBack }),
    );
  }

  get health(): StoreHealth {
    return this.#log.health;
  }

  leading(leadership: Leadership): LeaderStores {
    const led = new LedRecordStore(this.#records, this.#log, leadership);
    return new RecordLeaderStores(led, leadership, this.#records);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async cleanupAllData(): Promise<void> {
    await this.close();
    await this.#options.fs.deleteFolder(this.#options.folder);
  }

  async #close(): Promise<void> {
    await this.election.close();
    await this.#standIn?.close();
    this.#poller.stop();
    await this.#log.close();
  }
}
