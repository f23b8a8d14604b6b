import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { MillraceError } from '../../foundation/common/errors.ts';

export interface AwaitedReply {
  readonly method: string;
  resolve(value: unknown): void;
  reject(error: MillraceError): void;
}

/** Calls of this side that wait for their answer. */
export class AwaitedReplies {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #calls = new Map<number, AwaitedReply & { readonly timer: TimerHandle }>();
  #nextId = 0;

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** The id of the call that `add` takes next. Errors: OVERLOADED. */
  reserve(method: string, peer: string): number {
    if (this.#calls.size >= this.#limit) {
      const message = `${this.#limit} calls to ${peer} wait for their answer; '${method}' was not sent`;
      throw new MillraceError('OVERLOADED', message, { retryable: true });
    }
    return this.#nextId;
  }

  add(call: AwaitedReply, timeoutMs: number, peer: string): void {
    const id = this.#nextId++;
    const timer = this.#clock.after(timeoutMs, () => {
      this.#calls.delete(id);
      const message = `${peer} did not answer '${call.method}' within ${timeoutMs} ms (pekko.ask.timeout where no other is set)`;
      call.reject(new MillraceError('TIMEOUT', message, { retryable: true }));
    });
    this.#calls.set(id, { ...call, timer });
  }

  /** The call that this answers; `undefined` when it was given up. Errors: PROTOCOL for an id that was never given out. */
  take(id: number): AwaitedReply | undefined {
    if (id >= this.#nextId) {
      throw new MillraceError('PROTOCOL', `an answer came to call ${id}, which was never made`);
    }
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.timer.cancel();
    return call;
  }

  rejectAll(error: (method: string) => MillraceError): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { timer, method, reject } of calls) {
      timer.cancel();
      reject(error(method));
    }
  }
}
