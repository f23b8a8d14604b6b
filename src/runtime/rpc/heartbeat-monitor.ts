import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { messageOf } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import { HeartbeatCore, type HeartbeatLoss, type HeartbeatOptions } from './heartbeat-core.ts';

/** Somebody who is watched, usually over a connection. */
export interface HeartbeatTarget {
  /** Sends a heartbeat, with whatever it carries; false when it could not be sent. */
  beat(): boolean;
  /** By the monotonic clock: when anything came. `RpcConnection.lastReceivedMs`. */
  lastReceivedMs(): number;
}

export interface HeartbeatMonitorOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly heartbeat: HeartbeatOptions;
  /** Told once; the target is not watched any more. */
  readonly onLost: (loss: HeartbeatLoss) => void;
}

/** Sends heartbeats to all that it watches, and says who is dead. Both sides of a connection have one. */
export class HeartbeatMonitor {
  readonly #options: HeartbeatMonitorOptions;
  readonly #core: HeartbeatCore;
  readonly #targets = new Map<string, HeartbeatTarget>();
  #timer: TimerHandle | undefined;

  constructor(options: HeartbeatMonitorOptions) {
    this.#options = options;
    this.#core = new HeartbeatCore(options.heartbeat, options.clock.monotonic());
  }

  /** From now on. Whoever has this id already is replaced, as by a new connection to the same process. */
  watch(id: string, target: HeartbeatTarget): void {
    this.#core.watch(id, this.#options.clock.monotonic());
    this.#targets.set(id, target);
    if (this.#timer === undefined) {
      this.#wait(0);
    }
  }

  forget(id: string): void {
    this.#core.forget(id);
    this.#targets.delete(id);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    [...this.#targets.keys()].forEach((id) => this.forget(id));
  }

  #wait(delayMs: number): void {
    this.#timer = this.#options.clock.after(delayMs, () => this.#tick());
  }

  #tick(): void {
    this.#timer = undefined;
    if (this.#core.size === 0) {
      return;
    }
    const nowMs = this.#options.clock.monotonic();
    const { beat, lost, nextMs } = this.#core.tick(nowMs, (id) => this.#targets.get(id)?.lastReceivedMs() ?? 0);
    this.#wait(nextMs - nowMs);
    lost.forEach(({ id }) => this.#targets.delete(id));
    if (beat) {
      for (const [id, target] of this.#targets) {
        this.#core.beaten(id, this.#beat(id, target));
      }
    }
    lost.forEach(this.#options.onLost);
  }

  #beat(id: string, target: HeartbeatTarget): boolean {
    try {
      return target.beat();
    } catch (thrown) {
      this.#options.logger.error(`No heartbeat could be sent to ${id}: ${messageOf(thrown)}`);
      return false;
    }
  }
}
