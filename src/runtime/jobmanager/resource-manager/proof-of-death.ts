import type { RecordedTaskManager } from '../../../coordination/job-record-store.ts';
import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { codeOf, messageOf } from '../../../foundation/common/errors.ts';
import type { Logger } from '../../../foundation/common/logger.ts';

/** A large process takes some 100 ms to end. */
const PROBES = 20;
const PROBE_PAUSE_MS = 10;

export interface ProofOfDeathOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a TaskManager may be away whose process may live. */
  readonly timeoutMs: number;
  /** The instance id of whoever answers there. Errors: UNREACHABLE when nobody does, others decide nothing. */
  probe(rpcAddress: string): Promise<string>;
  /** It has registered: its connection tells of it. */
  isKnown(instanceId: string): boolean;
  /** An awaited one is gone. */
  gone(instanceId: string, reason: string): void;
}

/** Finds out which TaskManagers are gone for certain, so that nobody waits for them (R11). */
export class ProofOfDeath {
  readonly #options: ProofOfDeathOptions;
  /** Asked for just now. */
  readonly #probed = new Set<string>();
  readonly #waiting: RecordedTaskManager[] = [];
  readonly #timers = new Set<TimerHandle>();
  #mayAsk = false;
  #isStopped = false;

  constructor(options: ProofOfDeathOptions) {
    this.#options = options;
  }

  /** The address of this leader is published: whoever is asked and lives finds it. */
  begin(): void {
    this.#mayAsk = true;
    this.await(this.#waiting.splice(0));
  }

  /** Who may run something. What is known of them is a hint, so only a proof counts. */
  await(taskManagers: readonly RecordedTaskManager[]): void {
    if (!this.#mayAsk) {
      this.#waiting.push(...taskManagers);
      return;
    }
    for (const { instanceId, rpcAddress } of taskManagers) {
      if (rpcAddress !== undefined && !this.#options.isKnown(instanceId) && !this.#probed.has(instanceId)) {
        this.#probed.add(instanceId);
        void this.#ask(instanceId, rpcAddress);
      }
    }
  }

  /** Its connection is closed. Calls `lost` when its process has ended or it has stayed away too long; if `isAway` still says so. */
  async watch(
    { instanceId, rpcAddress }: { readonly instanceId: string; readonly rpcAddress: string },
    isAway: () => boolean,
    lost: (reason: string) => void,
  ): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    const timer = clock.after(timeoutMs, () => {
      this.#timers.delete(timer);
      if (isAway()) {
        lost(`its connection is closed and it has not come back for ${timeoutMs} ms`);
      }
    });
    this.#timers.add(timer);
    if ((await this.isGone(instanceId, rpcAddress)) && !this.#isStopped && isAway()) {
      timer.cancel();
      this.#timers.delete(timer);
      lost(`its process has ended (nobody answers for it at ${rpcAddress})`);
    }
  }

  /** A process that stops must not live on for what it waited for. */
  stop(): void {
    this.#isStopped = true;
    this.#timers.forEach((timer) => timer.cancel());
    this.#timers.clear();
  }

  /** Its address is refused, or another process has it. A process that is dying may still take connections. */
  async isGone(instanceId: string, rpcAddress: string): Promise<boolean> {
    const { probe, clock, logger } = this.#options;
    for (let tries = 1; ; tries++) {
      try {
        return (await probe(rpcAddress)) !== instanceId;
      } catch (error) {
        if (codeOf(error) === 'UNREACHABLE') {
          return true;
        }
        if (tries === PROBES) {
          logger.info(`Whether TaskManager ${instanceId} lives is not known: ${messageOf(error)}`);
          return false;
        }
      }
      await new Promise<void>((resolve) => {
        clock.after(PROBE_PAUSE_MS, resolve);
      });
    }
  }

  async #ask(instanceId: string, rpcAddress: string): Promise<void> {
    const isGone = await this.isGone(instanceId, rpcAddress);
    this.#probed.delete(instanceId);
    if (isGone && !this.#options.isKnown(instanceId)) {
      this.#options.gone(instanceId, `nobody answers for it at ${rpcAddress}`);
    }
  }
}
