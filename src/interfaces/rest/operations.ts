import { errorInfo, MillraceError, type ErrorInfo } from '../../foundation/common/errors.ts';
import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';

/** Under way at a time; more are turned away. */
const OPERATIONS_MAX = 1_000;

export type OperationState<T> =
  | { readonly kind: 'in-progress' }
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: ErrorInfo };

interface Operation<T> {
  state: OperationState<T>;
  forget: TimerHandle | undefined;
}

/**
 * What takes longer than a request, by what the client asks for it by. The same key again is the same operation. Results are
 * kept for a time, then forgotten; nothing of it survives the process: a client that hears 404 after a change of the leader
 * repeats the request.
 */
export class Operations<T> {
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #all = new Map<string, Operation<T>>();

  constructor(clock: Clock, keepMs: number) {
    this.#clock = clock;
    this.#keepMs = keepMs;
  }

  /** Errors: OVERLOADED (retryable). */
  start(key: string, run: () => Promise<T>): void {
    if (this.#all.has(key)) {
      return;
    }
    if (this.#all.size >= OPERATIONS_MAX && !this.#forgetOneThatEnded()) {
      throw new MillraceError('OVERLOADED', `${OPERATIONS_MAX} operations are under way; ask again later`, {
        retryable: true,
      });
    }
    const operation: Operation<T> = { state: { kind: 'in-progress' }, forget: undefined };
    this.#all.set(key, operation);
    void this.#carryOut(key, operation, run);
  }

  get(key: string): OperationState<T> | undefined {
    return this.#all.get(key)?.state;
  }

  close(): void {
    for (const { forget } of this.#all.values()) {
      forget?.cancel();
    }
    this.#all.clear();
  }

  async #carryOut(key: string, operation: Operation<T>, run: () => Promise<T>): Promise<void> {
    try {
      operation.state = { kind: 'done', value: await run() };
    } catch (thrown) {
      operation.state = { kind: 'failed', error: errorInfo(thrown) };
    }
    if (this.#all.get(key) === operation) {
      operation.forget = this.#clock.after(this.#keepMs, () => this.#all.delete(key));
    }
  }

  #forgetOneThatEnded(): boolean {
    for (const [key, { state, forget }] of this.#all) {
      if (state.kind !== 'in-progress') {
        forget?.cancel();
        this.#all.delete(key);
        return true;
      }
    }
    return false;
  }
}
