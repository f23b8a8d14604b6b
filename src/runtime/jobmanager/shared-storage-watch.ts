import type { ClusterStorage } from '../../coordination/storage/cluster-storage.ts';
import { isSameLeadership, type LeaderInformation, type Leadership } from '../../coordination/leadership.ts';
import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import type { Logger } from '../../foundation/common/logger.ts';

/** Between two looks for a marker that is not there. */
const PAUSE_MS = 5_000;

/** Looks whether this process sees what a leader writes: a standby that does not could not go on from it. */
export class SharedStorageWatch {
  readonly #options: { readonly storage: ClusterStorage; readonly clock: Clock; readonly logger: Logger };
  #sees = false;
  /** The leadership whose marker was looked for. */
  #checked: Leadership | undefined;
  #timer: TimerHandle | undefined;
  #isStopped = false;

  constructor(options: { readonly storage: ClusterStorage; readonly clock: Clock; readonly logger: Logger }) {
    this.#options = options;
  }

  /** It saw the files of the leader that it looked for last. */
  get sees(): boolean {
    return this.#sees;
  }

  /** Looks once for each leadership that is published, and again until its marker is there. */
  async leaderChanged(leader: LeaderInformation | undefined): Promise<void> {
    if (this.#isStopped || leader?.isPublished !== true || isSameLeadership(this.#checked, leader.leadership)) {
      return;
    }
    const { storage, clock, logger } = this.#options;
    this.#timer?.cancel();
    this.#checked = leader.leadership;
    const check = await storage.marker.check(leader.leadership);
    if (this.#isStopped || !isSameLeadership(this.#checked, leader.leadership)) {
      return;
    }
    this.#sees = check.kind === 'seen';
    if (check.kind === 'not-seen') {
      logger.error(`This JobManager is not ready: ${check.message}`);
      this.#timer = clock.after(PAUSE_MS, () => {
        this.#checked = undefined;
        void this.leaderChanged(leader);
      });
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }
}
