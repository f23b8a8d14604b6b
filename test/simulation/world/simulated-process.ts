import type { Clock, TimerHandle } from '../../../src/foundation/common/clock.ts';
import type { Logger } from '../../../src/foundation/common/logger.ts';
import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import type { InMemoryNetwork } from '../../../src/runtime/rpc/in-memory/network.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What a process has said, for the trace of a schedule. */
export type Say = (process: string, level: string, message: string) => void;

export interface SimulatedProcessOptions {
  /** Its host: one process at a time to each. */
  readonly host: string;
  readonly seed: number;
  readonly time: VirtualTime;
  readonly network: InMemoryNetwork;
  readonly say: Say;
  /** Its wall clock is ahead of the world's by so much. */
  readonly skewMs: number;
}

/**
 * A process: what it does is a timer or a message of its own, so that it stands still when it is paused, and nothing of it happens
 * any more when it is dead.
 */
export class SimulatedProcess {
  readonly host: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly #options: SimulatedProcessOptions;
  #state: 'running' | 'paused' | 'dead' = 'running';
  /** What fell due while it stood still. */
  #missed: (() => void)[] = [];
  #deaths: (() => void)[] = [];
  /** How fast its clock runs, and since when. */
  #rate = 1;
  #rateSinceMs: number;
  #monotonicThen: number;
  #wallAheadMs: number;

  constructor(options: SimulatedProcessOptions) {
    const { host, seed, time, say, skewMs } = options;
    this.#options = options;
    this.host = host;
    this.random = seededRandom(seed);
    this.#rateSinceMs = time.monotonic();
    this.#monotonicThen = this.#rateSinceMs;
    this.#wallAheadMs = skewMs;
    this.clock = {
      now: () => time.now() + this.#wallAheadMs,
      monotonic: () => this.#monotonic(),
      after: (delayMs, run): TimerHandle => time.after(delayMs / this.#rate, () => this.do(run)),
    };
    const log = (level: string) => (message: string) => {
      if (this.#state !== 'dead') {
        say(host, level, message);
      }
    };
    this.logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  /** From now on its clock runs so fast; what people see of it jumps by so much. */
  setClock(rate: number, jumpMs: number): void {
    this.#monotonicThen = this.#monotonic();
    this.#rateSinceMs = this.#options.time.monotonic();
    this.#rate = rate;
    this.#wallAheadMs += jumpMs;
  }

  /** Now, when it goes on, or never. */
  do(run: () => void): void {
    if (this.#state === 'running') {
      run();
    } else if (this.#state === 'paused') {
      this.#missed.push(run);
    }
  }

  /** An answer from outside of it: heard when it runs. */
  hear<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      answer.then(
        (value) => this.do(() => resolve(value)),
        (error: unknown) => this.do(() => reject(error instanceof Error ? error : new Error(String(error)))),
      );
    });
  }

  onDeath(act: () => void): void {
    this.#deaths.push(act);
  }

  #monotonic(): number {
    return this.#monotonicThen + (this.#options.time.monotonic() - this.#rateSinceMs) * this.#rate;
  }

  /** `kill -9`; `isHostLost`: nobody closes its connections. */
  kill(isHostLost = false): void {
    if (this.#state !== 'dead') {
      const wasPaused = this.#state === 'paused';
      this.#state = 'dead';
      this.#missed = [];
      this.#options.network.crash(this.host, { isHostLost });
      if (wasPaused) {
        // What starts there next runs.
        this.#options.network.resume(this.host);
      }
      this.#deaths.splice(0).forEach((act) => act());
    }
  }

  /** SIGSTOP: its sockets stay open. */
  pause(): void {
    if (this.#state === 'running') {
      this.#state = 'paused';
      this.#options.network.pause(this.host);
    }
  }

  /** SIGCONT */
  resume(): void {
    if (this.#state === 'paused') {
      this.#state = 'running';
      this.#options.network.resume(this.host);
      // What it does first may stop it again.
      const missed = this.#missed;
      this.#missed = [];
      missed.forEach((run) => this.do(run));
    }
  }
}
