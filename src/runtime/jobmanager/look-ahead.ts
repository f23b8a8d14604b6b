import type { HighAvailabilityServices } from '../../coordination/high-availability-services.ts';
import type { ClusterStorage } from '../../coordination/storage/cluster-storage.ts';
import type { Subscription } from '../../coordination/subscription.ts';
import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { messageOf } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { StandbyState } from '../protocol/standbys.ts';
import type { AnticipatedJob, JobStarter } from './dispatcher/job-starter.ts';

/** Between two looks: each reads the pointers, and of the files what is new. */
const PAUSE_MS = 500;

export interface LookAheadOptions {
  readonly services: HighAvailabilityServices;
  readonly storage: ClusterStorage;
  readonly starter: JobStarter;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * What makes a standby hot: it keeps the files in memory that the store points to, by names that are used once. A leader reads the
 * pointers anew, and a match saves reading the file (R14).
 */
export class LookAhead {
  readonly #options: LookAheadOptions;
  #subscription: Subscription | undefined;
  #timer: TimerHandle | undefined;
  #looking: Promise<void> | undefined;
  #hasChanged = false;
  #jobsRead: number | undefined;
  #hasRehearsed = false;

  constructor(options: LookAheadOptions) {
    this.#options = options;
  }

  get state(): StandbyState {
    return {
      ...(this.#jobsRead === undefined ? {} : { jobs: this.#jobsRead }),
      isCurrent: this.#jobsRead !== undefined && !this.#hasChanged && this.#looking === undefined,
      hasRehearsed: this.#hasRehearsed,
    };
  }

  /** This process has practised the takeover. */
  rehearsed(): void {
    this.#hasRehearsed = true;
  }

  /** This process is a standby. A second call does nothing. */
  start(): void {
    this.#subscription ??= this.#options.services.reader.watch(() => this.#changed());
    this.#changed();
  }

  /** It leads, or stops. */
  stop(): void {
    this.#subscription?.end();
    this.#subscription = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** What was kept and not used is let go. */
  async forget(): Promise<void> {
    await this.#looking;
    if (this.#subscription === undefined) {
      this.#jobsRead = undefined;
      await this.#keep([]);
    }
  }

  #changed(): void {
    this.#hasChanged = true;
    if (this.#timer === undefined && this.#looking === undefined && this.#subscription !== undefined) {
      this.#timer = this.#options.clock.after(PAUSE_MS, () => {
        this.#timer = undefined;
        this.#looking = this.#look();
      });
    }
  }

  async #look(): Promise<void> {
    this.#hasChanged = false;
    try {
      const jobs = await this.#jobs();
      if (this.#subscription !== undefined) {
        await this.#keep(jobs);
        this.#jobsRead = jobs.length;
      }
    } catch (thrown) {
      this.#options.logger.debug(`This standby cannot read ahead now: ${messageOf(thrown)}`);
    }
    this.#looking = undefined;
    if (this.#hasChanged) {
      this.#changed();
    }
  }

  async #jobs(): Promise<readonly AnticipatedJob[]> {
    const { reader } = this.#options.services;
    const jobs = (await reader.jobs()).flatMap((entry) => (entry.kind === 'read' ? [entry.value] : []));
    return Promise.all(
      jobs.map(async (pointer) => ({
        pointer,
        // What cannot be read is the problem of the job, and of whoever leads (I7).
        checkpoints: (await reader.checkpoints(pointer.jobId).catch(() => [])).map(({ value }) => value),
      })),
    );
  }

  async #keep(jobs: readonly AnticipatedJob[]): Promise<void> {
    const { storage, starter } = this.#options;
    await storage.jobGraphs.readAhead(jobs.map(({ pointer }) => pointer.graphPath));
    await starter.anticipate(jobs);
  }
}
