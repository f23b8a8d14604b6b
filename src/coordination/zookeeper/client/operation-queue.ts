import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { Operation } from './operation.ts';
import type { Request } from './request.ts';
import { ZooKeeperError, type ZooKeeperErrorCode } from './zookeeper-error.ts';

export interface OperationLimits {
  /** Operations that wait or are on their way; more are THROTTLED. */
  readonly operationsMax: number;
  /** Of one request; the ensemble closes the connection on larger ones. */
  readonly requestBytesMax: number;
}

/** The header of a request. */
const HEADER_BYTES = 8;

/** All operations that are not settled: what waits for a connection, in the order of the calls, and when each has to give up. */
export class OperationQueue {
  readonly #clock: Clock;
  readonly #limits: OperationLimits;
  readonly #open = new Set<Operation>();
  #waiting: Operation[] = [];
  #timer: TimerHandle | undefined;
  #timerAtMs = Infinity;
  /** Why no server could be reached, as far as it is known. */
  obstacle: string | undefined;

  constructor(clock: Clock, limits: OperationLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Does not wait for a connection unless `wait` is called. Throws BAD_ARGUMENTS and THROTTLED. */
  begin<T>(request: Request<T>, deadlineMs: number): Operation<T> {
    const { operationsMax, requestBytesMax } = this.#limits;
    const bytes = request.body.length + HEADER_BYTES;
    if (bytes > requestBytesMax) {
      const detail = `a request of ${bytes} bytes, the ensemble takes ${requestBytesMax}`;
      throw new ZooKeeperError('BAD_ARGUMENTS', request.name, request.path, detail);
    }
    if (this.#open.size >= operationsMax) {
      throw new ZooKeeperError('THROTTLED', request.name, request.path, `${operationsMax} operations are not answered`);
    }
    const operation = new Operation(request, deadlineMs, (settled) => this.#open.delete(settled));
    this.#open.add(operation as Operation);
    if (deadlineMs < this.#timerAtMs) {
      this.#arm(deadlineMs);
    }
    return operation;
  }

  wait(operation: Operation): void {
    this.#waiting.push(operation);
  }

  /** What waited and still has time; nothing waits afterwards. */
  takeWaiting(): readonly Operation[] {
    const waiting = this.#waiting.filter(({ isSettled }) => !isSettled);
    this.#waiting = [];
    return waiting;
  }

  failAll(code: ZooKeeperErrorCode, detail?: string): void {
    this.#waiting = [];
    this.#disarm();
    for (const operation of [...this.#open]) {
      operation.fail(code, detail);
    }
  }

  #arm(atMs: number): void {
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = this.#clock.after(Math.max(0, atMs - this.#clock.monotonic()), () => this.#giveUp());
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAtMs = Infinity;
  }

  /** Seldom, as the timer is for the operation that was begun longest ago. */
  #giveUp(): void {
    this.#disarm();
    const nowMs = this.#clock.monotonic();
    let next = Infinity;
    for (const operation of [...this.#open]) {
      if (operation.deadlineMs <= nowMs) {
        const [code, detail] = operation.wasSent
          ? (['OPERATION_TIMEOUT'] as const)
          : (['NOT_CONNECTED', this.obstacle] as const);
        operation.fail(code, detail);
      } else {
        next = Math.min(next, operation.deadlineMs);
      }
    }
    this.#waiting = this.#waiting.filter(({ isSettled }) => !isSettled);
    if (next < Infinity) {
      this.#arm(next);
    }
  }
}
