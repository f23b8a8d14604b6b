import type { OperatorId } from '../../../foundation/common/ids.ts';
import type { EnumeratorCall, EnumeratorRequest } from './enumerator-messages.ts';

export interface PendingCall {
  readonly operatorId: OperatorId;
  readonly kind: EnumeratorRequest['kind'];
}

interface Waiting extends PendingCall {
  deadlineMs: number;
}

export type Overdue = { readonly kind: 'start' } | { readonly kind: 'call'; readonly call: PendingCall };

/** A short limit for calls must not make a start on a busy machine a failure. */
const SMALLEST_START_MS = 60_000;

/** How long user code has not answered (R13). The time of a call counts from when its thread has loaded the job. */
export class PendingCalls {
  readonly #timeoutMs: number;
  readonly #calls = new Map<number, Waiting>();
  /** `undefined`: the thread is ready, or there is none. */
  #startDeadlineMs: number | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** For the start of a thread and the load of the job. */
  get startTimeoutMs(): number {
    return Math.max(this.#timeoutMs, SMALLEST_START_MS);
  }

  get nextDeadlineMs(): number {
    return this.#startDeadlineMs ?? this.#oldest?.deadlineMs ?? Infinity;
  }

  /** A new thread; what an earlier one did not answer is forgotten. */
  starting(nowMs: number): void {
    this.#calls.clear();
    this.#startDeadlineMs = nowMs + this.startTimeoutMs;
  }

  started(nowMs: number): void {
    this.#startDeadlineMs = undefined;
    for (const waiting of this.#calls.values()) {
      waiting.deadlineMs = nowMs + this.#timeoutMs;
    }
  }

  sent({ call, operatorId, request }: EnumeratorCall, nowMs: number): void {
    this.#calls.set(call, { operatorId, kind: request.kind, deadlineMs: nowMs + this.#timeoutMs });
  }

  answered(call: number): void {
    this.#calls.delete(call);
  }

  /** Another enumerator takes the place of the one that was asked. */
  forget(operatorId: OperatorId): void {
    for (const [call, waiting] of this.#calls) {
      if (waiting.operatorId === operatorId) {
        this.#calls.delete(call);
      }
    }
  }

  /** The thread is gone. */
  clear(): void {
    this.#calls.clear();
    this.#startDeadlineMs = undefined;
  }

  /** The call that has waited longest, when that is too long: later ones may only wait for it. */
  overdue(nowMs: number): Overdue | undefined {
    if (this.nextDeadlineMs > nowMs) {
      return undefined;
    }
    if (this.#startDeadlineMs !== undefined) {
      return { kind: 'start' };
    }
    const call = this.#oldest;
    return call === undefined ? undefined : { kind: 'call', call };
  }

  /** All have the same time, so the first that was sent is due first. */
  get #oldest(): Waiting | undefined {
    const [first] = this.#calls.values();
    return first;
  }
}
