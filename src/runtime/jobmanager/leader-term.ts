import type { HighAvailabilityServices } from '../../coordination/high-availability-services.ts';
import type { Leadership } from '../../coordination/leadership.ts';
import type { ClusterStorage } from '../../coordination/storage/cluster-storage.ts';
import type { Clock } from '../../foundation/common/clock.ts';
import { messageOf } from '../../foundation/common/errors.ts';
import type { Fence } from '../../foundation/common/fence.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { Random } from '../../foundation/common/random.ts';
import type { TaskManagerHint } from '../protocol/cluster-protocol.ts';
import type { HeartbeatOptions } from '../rpc/heartbeat-core.ts';
import { Dispatcher } from './dispatcher/dispatcher.ts';
import type { JobStarter } from './dispatcher/job-starter.ts';
import type { OwnLoadingMarks } from './dispatcher/own-loading-marks.ts';
import type { ResultRetention } from './dispatcher/result-retention.ts';
import { SteadfastStores } from './dispatcher/steadfast-stores.ts';
import { ResourceManager } from './resource-manager/resource-manager.ts';

/** So long TaskManagers that register wait for jobs to be loaded: reports that find their JobMaster come once. */
const LOADING_PATIENCE_MS = 500;

export interface LeaderTermOptions {
  readonly leadership: Leadership;
  readonly instanceId: string;
  readonly services: HighAvailabilityServices;
  readonly storage: ClusterStorage;
  readonly starter: JobStarter;
  readonly ownMarks: OwnLoadingMarks;
  readonly retention: ResultRetention;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly heartbeat: HeartbeatOptions;
  /** Whom the leader before this one knew. */
  readonly hints: readonly TaskManagerHint[];
  readonly publish: () => Promise<void>;
  readonly probe: (rpcAddress: string) => Promise<string>;
  readonly challenged: (epoch: number) => void;
  /** Who registered changed. */
  readonly changed: () => void;
}

/** One time of leading, from the grant to its end. */
export class LeaderTerm {
  readonly dispatcher: Dispatcher;
  readonly resources: ResourceManager;
  readonly leadership: Leadership;
  readonly #options: LeaderTermOptions;
  readonly #stores: SteadfastStores;
  readonly #ready = Promise.withResolvers<void>();
  #isOpen = false;
  #isOver = false;

  constructor(options: LeaderTermOptions) {
    const { leadership, services, clock, logger, storage, starter, random, heartbeat, probe } = options;
    const { lineage, epoch } = leadership;
    const fence: Fence = { lineage, epoch };
    this.#options = options;
    this.leadership = leadership;
    this.#stores = new SteadfastStores({
      stores: services.leading(leadership),
      clock,
      logger,
      leadershipLost: () => this.end('this JobManager lost its leadership'),
    });
    this.dispatcher = new Dispatcher({
      fence,
      stores: this.#stores,
      storage,
      starter,
      ownMarks: options.ownMarks,
      retention: options.retention,
      clock,
      random,
      logger,
    });
    this.resources = new ResourceManager({
      fence,
      ownInstanceId: options.instanceId,
      clock,
      logger,
      heartbeat,
      jobs: this.dispatcher,
      ready: this.#ready.promise,
      probe,
      challenged: options.challenged,
      changed: options.changed,
    });
  }

  /** It knows all jobs: clients are answered, and TaskManagers that have registered. */
  get isOpen(): boolean {
    return this.#isOpen && !this.#isOver;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * First fence, then read (R14). Its address is published meanwhile, so that TaskManagers are connected by the time the jobs are
   * loaded. Rejects when the leadership has ended.
   */
  async begin(): Promise<void> {
    const { storage, leadership, instanceId, clock, hints, publish } = this.#options;
    await this.#stores.run('write the marker into the storage folder', () =>
      storage.marker.write(leadership, instanceId),
    );
    const published = this.#stores.run('publish the address of the leader', publish);
    // Whom the leader before this one knew need not find out by itself; what comes of it shows when they register.
    published.then(
      () => hints.forEach(({ rpcAddress }) => void this.#options.probe(rpcAddress).catch(() => undefined)),
      () => undefined,
    );
    const { allLoaded } = await this.dispatcher.start(this.resources);
    const patience = Promise.withResolvers<void>();
    const timer = clock.after(LOADING_PATIENCE_MS, patience.resolve);
    await Promise.race([allLoaded, patience.promise]);
    timer.cancel();
    if (this.#isOver) {
      return;
    }
    this.#isOpen = true;
    this.#ready.resolve();
    await published;
    this.resources.published(hints);
    void this.#deleteUnfinished();
  }

  /** Nothing waits for it; what cannot be deleted now the next leader deletes. */
  async #deleteUnfinished(): Promise<void> {
    const { storage, logger } = this.#options;
    try {
      await storage.deleteUnfinished();
    } catch (thrown) {
      logger.debug(`Unfinished files of earlier processes stay in ${storage.folder}: ${messageOf(thrown)}`);
    }
  }

  /** Stops acting at once; tasks go on (I9). A second call does nothing. */
  end(farewell: string): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.dispatcher.suspend();
      this.#stores.stop();
      this.resources.stop(farewell);
      this.#ready.resolve();
    }
  }
}
