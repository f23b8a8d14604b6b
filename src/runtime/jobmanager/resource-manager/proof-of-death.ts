import type { RecordedTaskManager } from '../../../coordination/job-record-store.ts';
import type { Clock } from '../../../foundation/common/clock.ts';
import { codeOf, messageOf } from '../../../foundation/common/errors.ts';
import type { Logger } from '../../../foundation/common/logger.ts';

/** A large process takes some 100 ms to end. */
const PROBES = 20;
const PROBE_PAUSE_MS = 10;

export interface ProofOfDeathOptions {
  readonly clock: Clock;
  readonly logger: Logger;
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
  #mayAsk = false;

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
