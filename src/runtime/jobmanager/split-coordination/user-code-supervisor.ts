import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { OperatorId } from '../../../foundation/common/ids.ts';
import type { EnumeratorAnswer, EnumeratorCall, EnumeratorRequest } from './enumerator-messages.ts';
import { PendingCalls, type Overdue } from './pending-calls.ts';
import type { UserCodeOptions, UserCodeThread } from './user-code-thread.ts';

export interface UserCodeSupervisorOptions extends UserCodeOptions {
  readonly clock: Clock;
  /** For messages. */
  readonly nameOf: (operatorId: OperatorId) => string;
  readonly answered: (answer: EnumeratorAnswer) => void;
  /** The thread is gone, and with it every enumerator in it. The next call starts another one. */
  readonly lost: (error: ErrorInfo) => void;
}

const DOING: Readonly<Record<EnumeratorRequest['kind'], string>> = {
  open: 'being created',
  discover: 'discovery',
  'reader-registered': 'a new reader',
  'split-requested': 'a request for a split',
  'splits-returned': 'splits that came back',
  'readers-ended': 'taking note of readers that ended',
  snapshot: 'a checkpoint',
  'checkpoint-completed': 'the news of a completed checkpoint',
};

/** Keeps the thread of a job's user code: starts it, notices its end, and ends it when it is silent (R13). */
export class UserCodeSupervisor {
  readonly #options: UserCodeSupervisorOptions;
  readonly #pending: PendingCalls;
  #thread: UserCodeThread | undefined;
  #timer: TimerHandle | undefined;
  #ending: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: UserCodeSupervisorOptions) {
    this.#options = options;
    this.#pending = new PendingCalls(options.timeoutMs);
  }

  /** Loads the job ahead of the first call. */
  start(): void {
    this.#running();
  }

  send(call: EnumeratorCall): void {
    if (this.#closed) {
      return;
    }
    const thread = this.#running();
    this.#pending.sent(call, this.#options.clock.monotonic());
    this.#schedule();
    thread.send(call);
  }

  /** Nobody waits for what the enumerator of this source has not answered yet. */
  forget(operatorId: OperatorId): void {
    this.#pending.forget(operatorId);
    this.#schedule();
  }

  /** Resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    this.#closed = true;
    const thread = this.#drop();
    await Promise.all([thread?.close(), this.#ending]);
  }

  #running(): UserCodeThread {
    if (this.#thread !== undefined) {
      return this.#thread;
    }
    const { clock, start, answered } = this.#options;
    const isCurrent = (): boolean => this.#thread === thread && !this.#closed;
    this.#pending.starting(clock.monotonic());
    const thread = start({
      ready: () => {
        if (isCurrent()) {
          this.#pending.started(clock.monotonic());
          this.#schedule();
        }
      },
      answered: (answer) => {
        if (isCurrent()) {
          this.#pending.answered(answer.call);
          this.#schedule();
          answered(answer);
        }
      },
      died: (error) => {
        if (isCurrent()) {
          this.#drop();
          this.#options.lost(error);
        }
      },
    });
    this.#thread = thread;
    this.#schedule();
    return thread;
  }

  #schedule(): void {
    this.#timer?.cancel();
    const { clock } = this.#options;
    const atMs = this.#pending.nextDeadlineMs;
    this.#timer = Number.isFinite(atMs)
      ? clock.after(Math.max(0, atMs - clock.monotonic()), () => this.#look())
      : undefined;
  }

  #look(): void {
    const overdue = this.#pending.overdue(this.#options.clock.monotonic());
    if (overdue === undefined) {
      return this.#schedule();
    }
    const thread = this.#drop();
    this.#ending = Promise.all([this.#ending, thread?.terminate()]).then(() => {});
    this.#options.lost(this.#silence(overdue));
  }

  #drop(): UserCodeThread | undefined {
    const thread = this.#thread;
    this.#thread = undefined;
    this.#pending.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
    return thread;
  }

  #silence(overdue: Overdue): ErrorInfo {
    const { timeoutMs, nameOf } = this.#options;
    const message =
      overdue.kind === 'start'
        ? `the thread of the job's enumerators did not load the job within ${this.#pending.startTimeoutMs} ms; ` +
          'what its module and builder do may not end'
        : `the enumerator of source "${nameOf(overdue.call.operatorId)}" did not answer within ${timeoutMs} ms ` +
          `(jobmanager.user-code.timeout): ${DOING[overdue.call.kind]}; it may loop or wait for something that does not come`;
    return { name: 'MillraceError', code: 'TIMEOUT', message };
  }
}
