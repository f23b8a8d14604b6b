import type { Clock } from '../../foundation/common/clock.ts';
import type { Random } from '../../foundation/common/random.ts';
import type {
  HighAvailabilityServices,
  LeaderStores,
  StoreHealth,
  StoreReader,
} from '../high-availability-services.ts';
import type { Leadership } from '../leadership.ts';
import { RecordLeaderStores } from '../records/record-leader-stores.ts';
import { RecordStoreReader } from '../records/record-store-reader.ts';
import { newUuid } from '../uuid.ts';
import { InMemoryRecordStore } from './in-memory-record-store.ts';
import { SingleElection } from './single-election.ts';

export interface NoneServicesOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** The first epoch granted; 1 unless the process goes on from something that has epochs. */
  readonly firstEpoch?: number;
}

/** `high-availability.type: none`: everything in the memory of the one JobManager, a new lineage with each start. */
export class NoneServices implements HighAvailabilityServices {
  readonly type = 'none';
  readonly lineage: string;
  readonly election: SingleElection;
  readonly retrieval: SingleElection;
  readonly reader: StoreReader;
  readonly health: StoreHealth = { state: 'answers' };
  readonly #records: InMemoryRecordStore;

  constructor({ clock, random, firstEpoch = 1 }: NoneServicesOptions) {
    this.lineage = newUuid(random);
    this.election = new SingleElection({ lineage: this.lineage, firstEpoch, clock, random });
    this.retrieval = this.election;
    this.#records = new InMemoryRecordStore((leadership) => this.election.leads(leadership));
    this.reader = new RecordStoreReader(this.#records);
  }

  leading(leadership: Leadership): LeaderStores {
    return new RecordLeaderStores(this.#records, leadership);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  cleanupAllData(): Promise<void> {
    return Promise.resolve();
  }
}
