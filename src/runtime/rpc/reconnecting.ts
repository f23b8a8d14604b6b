import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { formatDuration } from '../../foundation/common/duration.ts';
import { codeOf, messageOf, MillraceError } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { Random } from '../../foundation/common/random.ts';
import { RegistrationBackoff, type AttemptFailure, type RegistrationTiming } from './registration-backoff.ts';
import { describeClose, type CloseReason, type RpcConnection } from './rpc-connection.ts';

/** A connection, or whatever was made of one. */
export type Connected = Pick<RpcConnection, 'closed' | 'closeReason' | 'close'>;

export interface ReconnectingOptions<T, C extends Connected> {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly timing: RegistrationTiming;
  /** Who is wanted, for messages: `the leader`. */
  readonly what: string;
  /** Who that is now; `undefined` while nobody is known, then nothing happens until `targetChanged`. */
  target(): T | undefined;
  /** Tells targets apart, and names them in messages. */
  nameOf(target: T): string;
  /** Connects, registers, and whatever else has to be done before the connection is of use. */
  connect(target: T, attempt: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<C>;
  connected(connection: C, target: T): void;
  lost?(reason: CloseReason, target: T): void;
  /** If set: without a connection for this long it stops, and says so. */
  readonly giveUp?: { readonly afterMs: number; readonly key: string; gaveUp(error: MillraceError): void };
}

type State<C> =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting'; readonly name: string; readonly controller: AbortController }
  | { readonly kind: 'pausing'; readonly name: string; readonly timer: TimerHandle }
  | { readonly kind: 'connected'; readonly name: string; readonly connection: C; readonly sinceMs: number }
  | { readonly kind: 'stopped' };

/** Keeps one connection to a target that may change and may be away, until it is stopped. */
export class Reconnecting<T, C extends Connected> {
  readonly #options: ReconnectingOptions<T, C>;
  readonly #backoff: RegistrationBackoff;
  #state: State<C> = { kind: 'idle' };
  #giveUpTimer: TimerHandle | undefined;

  constructor(options: ReconnectingOptions<T, C>) {
    this.#options = options;
    this.#backoff = new RegistrationBackoff(options.timing, options.random);
  }

  get connection(): C | undefined {
    return this.#state.kind === 'connected' ? this.#state.connection : undefined;
  }

  start(): void {
    if (this.#state.kind === 'idle') {
      this.#startGivingUp();
      this.#attempt();
    }
  }

  /** `target` may answer something else now. If it does, the old one is left at once, whatever was going on with it. */
  targetChanged(): void {
    const { target, nameOf } = this.#options;
    const wanted = target();
    const state = this.#state;
    if (state.kind === 'stopped' || wanted === undefined || ('name' in state && state.name === nameOf(wanted))) {
      return;
    }
    this.#leave(`${this.#options.what} is ${nameOf(wanted)} now`);
    this.#backoff.reset();
    this.#attempt();
  }

  /** Ends the connection, the attempt or the pause. */
  stop(farewell?: string): void {
    this.#leave(farewell);
    this.#giveUpTimer?.cancel();
    this.#state = { kind: 'stopped' };
  }

  #attempt(): void {
    const { target, nameOf, connect } = this.#options;
    const wanted = target();
    if (wanted === undefined) {
      this.#state = { kind: 'idle' };
      return;
    }
    const controller = new AbortController();
    const state: State<C> = { kind: 'connecting', name: nameOf(wanted), controller };
    this.#state = state;
    // Given up meanwhile: nobody waits for it any more.
    const isOld = (): boolean => this.#state !== state;
    connect(wanted, { timeoutMs: this.#backoff.timeoutMs, signal: controller.signal }).then(
      (connection) => (isOld() ? connection.close() : this.#connected(connection, wanted)),
      (thrown: unknown) => (isOld() ? undefined : this.#failed(thrown, wanted)),
    );
  }

  #connected(connection: C, target: T): void {
    const { clock, connected, nameOf } = this.#options;
    const state: State<C> = { kind: 'connected', name: nameOf(target), connection, sinceMs: clock.monotonic() };
    this.#state = state;
    this.#giveUpTimer?.cancel();
    connected(connection, target);
    void connection.closed.then((reason) => {
      if (this.#state === state) {
        this.#lost(reason, target, state.sinceMs);
      }
    });
  }

  #lost(reason: CloseReason, target: T, sinceMs: number): void {
    const { clock, logger, what, nameOf, timing } = this.#options;
    logger.warn(`Lost the connection to ${what}, ${nameOf(target)}: ${describeClose(reason)}`);
    this.#startGivingUp();
    if (clock.monotonic() - sinceMs >= timing.errorDelayMs) {
      this.#backoff.reset();
      this.#attempt();
    } else {
      // Who accepts connections and drops them again must not be asked without a pause.
      this.#pause(nameOf(target), this.#backoff.failed('error'));
    }
    this.#options.lost?.(reason, target);
  }

  #failed(thrown: unknown, target: T): void {
    const { logger, what, nameOf } = this.#options;
    const pauseMs = this.#backoff.failed(failureOf(thrown));
    const then = pauseMs === 0 ? 'trying again' : `trying again in ${formatDuration(Math.round(pauseMs))}`;
    logger.info(`No connection to ${what}, ${nameOf(target)}: ${messageOf(thrown)}; ${then}`);
    this.#pause(nameOf(target), pauseMs);
  }

  #pause(name: string, pauseMs: number): void {
    this.#state = { kind: 'pausing', name, timer: this.#options.clock.after(pauseMs, () => this.#attempt()) };
  }

  #leave(farewell: string | undefined): void {
    const state = this.#state;
    this.#state = { kind: 'idle' };
    if (state.kind === 'connecting') {
      state.controller.abort();
    } else if (state.kind === 'pausing') {
      state.timer.cancel();
    } else if (state.kind === 'connected') {
      state.connection.close(farewell);
      this.#startGivingUp();
    }
  }

  #startGivingUp(): void {
    const { giveUp, clock, what } = this.#options;
    this.#giveUpTimer?.cancel();
    if (giveUp === undefined) {
      return;
    }
    this.#giveUpTimer = clock.after(giveUp.afterMs, () => {
      this.stop();
      const message = `no connection to ${what} for ${formatDuration(giveUp.afterMs)} (${giveUp.key})`;
      giveUp.gaveUp(new MillraceError('TIMEOUT', message));
    });
  }
}

const failureOf = (thrown: unknown): AttemptFailure => {
  const code = codeOf(thrown);
  return code === 'TIMEOUT' ? 'timeout' : code === 'HELLO_REFUSED' ? 'refused' : 'error';
};
