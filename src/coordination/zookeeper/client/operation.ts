import type { Asked } from './connection.ts';
import { UnreadableError } from './jute-reader.ts';
import type { Reply, Request } from './request.ts';
import { ZooKeeperError, type ZooKeeperErrorCode } from './zookeeper-error.ts';

/** What a caller waits for. Settles once; what comes later is dropped, and no watch is set by it. */
export class Operation<T = unknown> implements Asked {
  readonly request: Request<T>;
  readonly deadlineMs: number;
  readonly promise: Promise<T>;
  readonly #onSettled: (operation: Operation) => void;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: Error) => void;
  #isSettled = false;
  #wasSent = false;

  constructor(request: Request<T>, deadlineMs: number, onSettled: (operation: Operation) => void) {
    this.request = request;
    this.deadlineMs = deadlineMs;
    this.#onSettled = onSettled;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  get wasSent(): boolean {
    return this.#wasSent;
  }

  sent(): void {
    this.#wasSent = true;
    this.request.beforeSend?.();
  }

  answered(reply: Reply): void {
    this.request.onAnswer?.();
    if (this.#isSettled) {
      return;
    }
    let value: T;
    try {
      value = this.request.read(reply);
    } catch (error) {
      if (error instanceof UnreadableError) {
        throw error;
      }
      this.#settle();
      this.#reject(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#settle();
    this.#resolve(value);
  }

  lost(problem: string, isUnreadable: boolean): void {
    this.fail(isUnreadable ? 'PROTOCOL' : 'CONNECTION_LOSS', problem);
  }

  fail(code: ZooKeeperErrorCode, detail?: string): void {
    if (!this.#isSettled) {
      this.#settle();
      this.#reject(new ZooKeeperError(code, this.request.name, this.request.path, detail));
    }
  }

  #settle(): void {
    this.#isSettled = true;
    this.#onSettled(this as Operation);
  }
}
