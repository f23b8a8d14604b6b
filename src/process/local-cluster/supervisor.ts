import type { Clock } from '../../foundation/common/clock.ts';
import { messageOf } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import { isAlive, type ClusterFolder, type ProcessRecord } from './cluster-folder.ts';

export const FIRST_BACKOFF_MS = 500;
export const LONGEST_BACKOFF_MS = 30_000;
/** A process that lived so long is not in a loop of deaths. */
export const SETTLED_MS = 60_000;
const LOOK_MS = 100;

export interface SupervisorOptions {
  readonly folder: ClusterFolder;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Starts the process again, and writes its record. */
  readonly startAgain: (record: ProcessRecord) => Promise<void>;
}

interface Watched {
  /** Since when this start of it was seen. */
  sinceMs: number;
  identity: string;
  backoffMs: number;
  /** When it is started again; `undefined`: it lives. */
  dueMs: number | undefined;
}

/** Starts dead processes of a cluster again, each after a pause that doubles with every death soon after a start. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Until `ended`; a start that is under way then is finished. */
  async run(ended: Promise<void>): Promise<void> {
    const over = ended.then(() => 'over' as const);
    for (;;) {
      await this.look();
      const pause = this.#pause();
      const next = await Promise.race([over, pause.passed]);
      pause.cancel();
      if (next === 'over') {
        return;
      }
    }
  }

  #pause(): { readonly passed: Promise<'passed'>; readonly cancel: () => void } {
    let cancel = (): void => {};
    const passed = new Promise<'passed'>((resolve) => {
      const timer = this.#options.clock.after(LOOK_MS, () => resolve('passed'));
      cancel = () => timer.cancel();
    });
    return { passed, cancel };
  }

  /** One look at every process. */
  async look(): Promise<void> {
    const { folder, clock, logger } = this.#options;
    for (const record of await folder.records()) {
      if (record.kind === 'supervisor') {
        continue;
      }
      const nowMs = clock.monotonic();
      const watched = this.#watchedFor(record, nowMs);
      if (isAlive(record)) {
        continue;
      }
      if (watched.dueMs === undefined) {
        watched.backoffMs = nowMs - watched.sinceMs >= SETTLED_MS ? FIRST_BACKOFF_MS : watched.backoffMs;
        watched.dueMs = nowMs + watched.backoffMs;
        logger.warn(`${record.name} (pid ${record.pid}) is dead; it is started again in ${watched.backoffMs} ms`);
      }
      if (nowMs >= watched.dueMs) {
        await this.#startAgain(record, watched);
      }
    }
  }

  async #startAgain(record: ProcessRecord, watched: Watched): Promise<void> {
    const { startAgain, logger, clock } = this.#options;
    watched.backoffMs = Math.min(LONGEST_BACKOFF_MS, watched.backoffMs * 2);
    watched.dueMs = undefined;
    watched.sinceMs = clock.monotonic();
    try {
      await startAgain(record);
      logger.info(`${record.name} was started again`);
    } catch (thrown) {
      logger.error(`${record.name} cannot be started again: ${messageOf(thrown)}`);
    }
  }

  #watchedFor({ name, identity }: ProcessRecord, nowMs: number): Watched {
    let watched = this.#watched.get(name);
    if (watched === undefined) {
      watched = { sinceMs: nowMs, identity, backoffMs: FIRST_BACKOFF_MS, dueMs: undefined };
      this.#watched.set(name, watched);
    } else if (watched.identity !== identity) {
      watched.identity = identity;
      watched.dueMs = undefined;
    }
    return watched;
  }
}
