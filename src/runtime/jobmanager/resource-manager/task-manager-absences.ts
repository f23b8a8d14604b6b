import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { codeOf, messageOf } from '../../../foundation/common/errors.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { TaskManagerHint } from '../../protocol/cluster-protocol.ts';

export interface TaskManagerAbsencesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a TaskManager may be away whose process may live. */
  readonly timeoutMs: number;
  /** The instance id of whoever answers there. Errors: UNREACHABLE when nobody does, others decide nothing. */
  probe(rpcAddress: string): Promise<string>;
}

/** A large process takes some 100 ms to end. */
const PROBES = 20;
const PROBE_PAUSE_MS = 10;

/** Whether TaskManagers that have no connection now still live. */
export class TaskManagerAbsences {
  readonly #options: TaskManagerAbsencesOptions;
  readonly #timers = new Set<TimerHandle>();
  #isStopped = false;

  constructor(options: TaskManagerAbsencesOptions) {
    this.#options = options;
  }

  /** Calls `lost`, with the reason, when its process has ended or it has stayed away too long; if `isAway` still says so then. */
  async watch(hint: TaskManagerHint, isAway: () => boolean, lost: (reason: string) => void): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    const timer = clock.after(timeoutMs, () => {
      this.#timers.delete(timer);
      if (isAway()) {
        lost(`its connection is closed and it has not come back for ${timeoutMs} ms`);
      }
    });
    this.#timers.add(timer);
    if ((await this.isGone(hint)) && !this.#isStopped && isAway()) {
      timer.cancel();
      this.#timers.delete(timer);
      lost(`its process has ended (nobody answers for it at ${hint.rpcAddress})`);
    }
  }

  /** Proven: its address is refused, or another process has it. A process that is dying may still take connections. */
  async isGone({ instanceId, rpcAddress }: TaskManagerHint): Promise<boolean> {
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

  /** A process that stops must not live on for what it waited for. */
  stop(): void {
    this.#isStopped = true;
    this.#timers.forEach((timer) => timer.cancel());
    this.#timers.clear();
  }
}
