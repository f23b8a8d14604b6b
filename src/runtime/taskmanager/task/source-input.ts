import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { SourceBehavior, SourceReader, Split } from '../../../pipeline/connectors/source.ts';
import type { BarrierEvent } from '../../network/stream-element.ts';
import type { ListStateOfOperator } from '../../state/keyed-state.ts';
import { barrierOf } from './barrier-of-trigger.ts';
import type { ChainLink } from './chain-link.ts';
import { attributeTo } from './operator-failure.ts';
import type { TaskInput, TaskInputOwner } from './task-input.ts';
import type { TaskSignal } from './task-signal.ts';

const RECORDS_A_STEP = 512;

export interface SourceInputOptions {
  readonly behavior: SourceBehavior;
  readonly operatorName: string;
  readonly jobName: string;
  readonly subtask: number;
  readonly parallelism: number;
  readonly entry: ChainLink;
  readonly owner: TaskInputOwner;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly floor: number;
  readonly splitState: ListStateOfOperator<Split>;
  readonly requestSplit: () => void;
  readonly registered: (held: readonly Split[]) => void;
}

/** The input of a source task: a reader, driven a few hundred records at a time. */
export class SourceInput implements TaskInput {
  readonly isSource = true;
  readonly #options: SourceInputOptions;
  /** Made when the task opens: one that only commits has none. */
  #reader!: SourceReader<unknown, Split>;
  /** `drained`: a savepoint ended the reading before the data ended, so that a restore goes on with it. */
  #state: 'reading' | 'stopped' | 'drained' | 'ended' = 'reading';
  /** The savepoint that stopped the reading; its abort starts it again. */
  #stoppedBy: number | undefined;
  #floor: number;
  #waiting = false;
  /** `wake` came while `read` ran. */
  #woken = false;
  #timer: TimerHandle | undefined;

  constructor(options: SourceInputOptions) {
    this.#options = options;
    this.#floor = options.floor;
  }

  get recordsIn(): number {
    return this.#options.entry.count;
  }

  async open(goesOn: () => boolean): Promise<void> {
    const held = this.#options.splitState.get();
    this.#reader = this.#attributed(() => this.#createReader());
    await this.#attributed(() => this.#reader.open());
    if (!goesOn()) {
      return;
    }
    if (held.length > 0) {
      this.#attributed(() => this.#reader.addSplits(held));
    }
    this.#options.registered(held);
  }

  step(): boolean {
    if (this.#state !== 'reading' || this.#waiting) {
      return false;
    }
    const before = this.#options.entry.count;
    this.#woken = false;
    const status = this.#attributed(() => this.#reader.read(this.#options.entry, RECORDS_A_STEP));
    if (status === 'more') {
      return true;
    }
    if (status === 'end') {
      this.#end('ended');
      return true;
    }
    this.#waiting = !this.#woken;
    if (typeof status === 'object') {
      this.#timer?.cancel();
      this.#timer = this.#options.clock.after(status.waitMs, () => this.#wake());
    }
    return this.#woken || this.#options.entry.count > before;
  }

  command(command: TaskSignal): void {
    switch (command.kind) {
      case 'trigger':
        return this.#trigger(barrierOf(command.trigger));
      case 'aborted':
        // The tasks behind may hold an alignment for it; the barrier is on its way, so the cancel goes after it.
        this.#options.owner.cancelCheckpoint(command.checkpointId);
        return this.#readOn((stoppedBy) => stoppedBy === command.checkpointId);
      case 'floor':
        this.#floor = Math.max(this.#floor, command.checkpointId);
        this.#options.owner.cancelCheckpoint(command.checkpointId);
        return this.#readOn((stoppedBy) => stoppedBy <= command.checkpointId);
      case 'splits':
        this.#attributed(() => this.#reader.addSplits(command.splits as readonly Split[]));
        return this.#wake();
      case 'no-more-splits':
        this.#attributed(() => this.#reader.noMoreSplits());
        return this.#wake();
      default:
        return;
    }
  }

  snapshot(): void {
    this.#options.splitState.update(this.#state === 'ended' ? [] : this.#attributed(() => this.#reader.snapshot()));
  }

  checkpointCompleted(checkpointId: number): void {
    if (this.#stoppedBy === checkpointId) {
      // It is not given up any more: a new leader's floor (R10) is above it.
      this.#stoppedBy = undefined;
    }
    this.#attributed(() => this.#reader.checkpointCompleted?.(checkpointId));
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#attributed(() => (this.#reader as SourceReader<unknown, Split> | undefined)?.close());
  }

  #createReader(): SourceReader<unknown, Split> {
    const { behavior, subtask, parallelism, operatorName, jobName, clock, logger, requestSplit, owner } = this.#options;
    return behavior.createReader({
      subtask,
      parallelism,
      operatorName,
      jobName,
      clock,
      logger,
      requestSplit,
      wake: () => this.#wake(),
      fail: (error) => owner.fail(attributeTo(operatorName, error)),
    });
  }

  #trigger(barrier: BarrierEvent): void {
    if (barrier.checkpointId <= this.#floor) {
      return; // R10
    }
    this.#floor = barrier.checkpointId;
    if (barrier.stop === 'drain' && this.#state === 'reading') {
      this.#end('drained');
    } else if (barrier.stop === 'suspend' && this.#state === 'reading') {
      this.#state = 'stopped';
      this.#stoppedBy = barrier.checkpointId;
    }
    this.#options.owner.performCheckpoint(barrier, this.#options.clock.monotonic());
  }

  /** The savepoint that stopped the reading is given up. */
  #readOn(isGivenUp: (stoppedBy: number) => boolean): void {
    if (this.#state === 'stopped' && this.#stoppedBy !== undefined && isGivenUp(this.#stoppedBy)) {
      this.#stoppedBy = undefined;
      this.#state = 'reading';
      this.#wake();
    }
  }

  #end(state: 'drained' | 'ended'): void {
    this.#state = state;
    this.#options.owner.endOfData();
  }

  #wake(): void {
    this.#woken = true;
    this.#waiting = false;
    this.#options.owner.wake();
  }

  #attributed<R>(run: () => R): R {
    try {
      const result = run();
      return result instanceof Promise
        ? (result.catch((thrown) => Promise.reject(this.#failure(thrown))) as R)
        : result;
    } catch (thrown) {
      throw this.#failure(thrown);
    }
  }

  #failure(thrown: unknown): unknown {
    return attributeTo(this.#options.operatorName, thrown);
  }
}
