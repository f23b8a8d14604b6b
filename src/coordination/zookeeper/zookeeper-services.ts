import type { Clock } from '../../foundation/common/clock.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { Random } from '../../foundation/common/random.ts';
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
import type { ZooKeeperClient } from './client/zookeeper-client.ts';
import { LeaderFolder } from './leader-folder.ts';
import { LedRecordStore } from './led-record-store.ts';
import { SessionKeeper } from './session-keeper.ts';
import { storePathsOf, type StorePaths } from './store-paths.ts';
import { deleteStoreRoot, openStoreRoot } from './store-root.ts';
import { ZooKeeperElection } from './zookeeper-election.ts';
import { ZooKeeperRecordStore } from './zookeeper-record-store.ts';
import { ZooKeeperRetrieval } from './zookeeper-retrieval.ts';

export interface ZooKeeperServicesOptions {
  /** A client of its own with each call: when a session ends, the next one begins. The session timeout is the lease of a leader. */
  readonly connect: () => ZooKeeperClient;
  /** No client is needed any more: where they run may end. */
  readonly disconnected?: () => Promise<void>;
  /** `<path.root>/<cluster-id>`, of this cluster alone. */
  readonly root: string;
  /** `path.execution-plans`, below `root`: where submitted jobs are; as Flink's where it is left out. */
  readonly executionPlans?: string;
  /** See `openStoreRoot`. */
  readonly storage: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** See `openStoreRoot`. */
  readonly beforeCreation: (() => Promise<void>) | undefined;
}

/** HA for processes on any number of machines, on a ZooKeeper ensemble (3.6 or newer). */
export class ZooKeeperServices implements HighAvailabilityServices {
  readonly type = 'zookeeper';
  readonly lineage: string;
  readonly election: ZooKeeperElection;
  readonly retrieval: LeaderRetrieval;
  readonly reader: StoreReader;
  readonly #options: ZooKeeperServicesOptions;
  readonly #paths: StorePaths;
  readonly #keeper: SessionKeeper;
  readonly #folder: LeaderFolder;
  readonly #records: ZooKeeperRecordStore;
  #closing: Promise<void> | undefined;
  #ending: Promise<void> | undefined;

  private constructor(options: ZooKeeperServicesOptions, paths: StorePaths, keeper: SessionKeeper, lineage: string) {
    const { clock, random } = options;
    this.#options = options;
    this.#paths = paths;
    this.#keeper = keeper;
    this.lineage = lineage;
    this.#folder = new LeaderFolder({ keeper, paths, lineage, clock });
    this.election = new ZooKeeperElection({ keeper, folder: this.#folder, paths, clock, random });
    this.retrieval = new ZooKeeperRetrieval(this.#folder);
    this.#records = new ZooKeeperRecordStore({ keeper, paths, lineage, clock, election: this.election });
    this.reader = new RecordStoreReader(this.#records);
  }

  /** Errors: STORE_AWAY (also: no store there yet, and not to be made), STORE_BROKEN, STORE_EMPTY. */
  static async open(options: ZooKeeperServicesOptions): Promise<ZooKeeperServices> {
    const { connect, root, executionPlans, storage, clock, random, logger, beforeCreation } = options;
    const paths = storePathsOf(root, executionPlans);
    const keeper = new SessionKeeper({ connect, clock, logger });
    let services: ZooKeeperServices | undefined;
    try {
      const lineage = await openStoreRoot({ client: keeper.client, paths, random, storage, beforeCreation });
      services = new ZooKeeperServices(options, paths, keeper, lineage);
      await services.#folder.look();
      return services;
    } catch (error) {
      await (services ?? keeper).close();
      if (services === undefined) {
        await options.disconnected?.();
      }
      throw error;
    }
  }

  get health(): StoreHealth {
    return this.#folder.health ?? this.#keeper.health;
  }

  leading(leadership: Leadership): LeaderStores {
    this.#records.begin(leadership);
    const led = new LedRecordStore(this.#records, leadership);
    return new RecordLeaderStores(led, leadership, this.#records);
  }

  close(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async cleanupAllData(): Promise<void> {
    await this.#close();
    const client = this.#options.connect();
    try {
      await deleteStoreRoot(client, this.#paths);
    } finally {
      await client.close();
      await this.close();
    }
  }

  async #end(): Promise<void> {
    await this.#close();
    await this.#options.disconnected?.();
  }

  #close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    await this.election.close();
    this.#folder.close();
    await this.#keeper.close();
  }
}
