import type { JobId } from '../../../foundation/common/ids.ts';
import type { Random } from '../../../foundation/common/random.ts';
import type { EnumeratorFactory } from '../../../pipeline/connectors/source.ts';
import { staticSplitsEnumerator } from '../../../pipeline/connectors/static-splits-enumerator.ts';
import type { JobMasterOptions } from '../jobmaster/job-master-options.ts';
import { JobMaster } from '../jobmaster/job-master.ts';
import {
  SimulatedCheckpointStore,
  SimulatedCounter,
  SimulatedRecords,
  SimulatedStorage,
  type Deferrals,
  type SimulatedFiles,
} from './simulated-stores.ts';
import type { RareState } from './rare-states.ts';
import { simulatedUserCode } from './simulated-user-code.ts';

export const TASK_MANAGER = 'tm1';

export interface TermOptions {
  readonly epoch: number;
  readonly random: Random;
  readonly files: SimulatedFiles;
  readonly folder: string;
  /** The leader before, whose stores this one reads. */
  readonly before: SimulatedTerm | undefined;
  fault(probability: number): boolean;
  readonly ownEnumerator: EnumeratorFactory | undefined;
  meet(state: RareState): void;
  readonly master: Pick<JobMasterOptions, 'jobId' | 'graph' | 'restore' | 'executors' | 'slots' | 'clock' | 'logger'> &
    Partial<JobMasterOptions>;
}

/** One leader: its JobMaster, and the stores as it reaches them. */
export class SimulatedTerm implements Deferrals {
  readonly epoch: number;
  readonly storage: SimulatedStorage;
  readonly store: SimulatedCheckpointStore;
  readonly counter: SimulatedCounter;
  readonly records: SimulatedRecords;
  readonly master: JobMaster;
  readonly #options: TermOptions;
  readonly #deferred: (() => void)[] = [];
  #isOver = false;

  constructor(options: TermOptions) {
    const { epoch, random, files, folder, before, master } = options;
    this.#options = options;
    this.epoch = epoch;
    this.storage = new SimulatedStorage(files, this, folder);
    this.store = new SimulatedCheckpointStore(this, random, files, before?.store);
    this.counter = new SimulatedCounter(this, before?.counter);
    this.records = new SimulatedRecords(this, before?.records);
    this.master = new JobMaster({
      graphVersion: 1,
      program: { modulePath: '/job.js', args: [], env: {}, configuration: {} },
      fence: { lineage: 'l', epoch },
      reconcileTimeoutMs: 1_000,
      random,
      storage: this.storage,
      checkpointFolder: folder,
      checkpoints: this.store,
      checkpointIds: this.counter,
      records: this.records,
      persistResult: (result) => this.records.writeResult(result),
      enumerators: [staticSplitsEnumerator],
      userCode: simulatedUserCode(options.ownEnumerator, this, options.meet),
      restartStrategy: { kind: 'fixed-delay', attempts: 1_000_000, delayMs: 50 },
      failover: 'region',
      ...master,
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get pendingCount(): number {
    return this.#deferred.length;
  }

  fault(probability: number): boolean {
    return this.#options.fault(probability);
  }

  /** What a dead leader wants never happens. */
  later<T>(run: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.#isOver) {
        this.#deferred.push(() => {
          try {
            resolve(run());
          } catch (error) {
            reject(error);
          }
        });
      }
    });
  }

  /** One of the things that wait for their turn. */
  carryOut(place: number): void {
    this.#deferred.splice(place, 1)[0]?.();
  }

  /** The process dies: of what it had on the wire some still happens, as long as nobody else was granted (I1). */
  end(): void {
    this.#isOver = true;
    for (const run of this.#deferred.splice(0)) {
      if (this.#options.random.int(2) === 0) {
        run();
      }
    }
  }
}

export const jobIdOf = (name: string): JobId => name as JobId;
