import { type Downstream, NO_TIMESTAMP } from '../../operators/operator.ts';
import type { ReaderContext, ReadStatus, SourceReader, Split } from '../source.ts';
import { SplitRequests } from '../split-requests.ts';
import type { SplitContext } from './custom-source.ts';
import { SplitPump } from './split-pump.ts';

export interface CustomReaderOptions<T> {
  readonly name: string;
  readonly positions: boolean;
  readonly maxReadAhead: number;
  readonly splitsAtOnce: number;
  readonly timestamps: ((record: T) => number) | undefined;
  readonly read: (position: unknown, context: SplitContext) => AsyncIterable<unknown>;
}

interface CustomSplit extends Split {
  /** The user's name for it. */
  readonly split: string;
  /** Missing until the first record. */
  readonly position?: unknown;
}

interface HeldSplit {
  readonly id: string;
  readonly split: string;
  position: unknown;
  /** Missing while the split waits for its turn. */
  pump: SplitPump | undefined;
}

/** How long `close` waits for a user's `finally` blocks: one that hangs must not keep a task from ending. */
const CLOSE_TIMEOUT_MS = 5000;

export class CustomReader<T> implements SourceReader<T, Split> {
  readonly #context: ReaderContext;
  readonly #options: CustomReaderOptions<T>;
  readonly #stop = new AbortController();
  readonly #wake: () => void;
  readonly #requests: SplitRequests;
  #held: HeldSplit[] = [];
  #turn = 0;

  constructor(context: ReaderContext, options: CustomReaderOptions<T>) {
    this.#context = context;
    this.#options = options;
    this.#wake = () => context.wake();
    this.#requests = new SplitRequests(context.clock, () => context.requestSplit());
  }

  open(): void {}

  addSplits(splits: readonly Split[]): void {
    for (const { id, split, position } of splits as readonly CustomSplit[]) {
      this.#held.push({ id, split, position, pump: undefined });
    }
    this.#requests.received(splits.length);
    this.#context.wake();
  }

  noMoreSplits(): void {
    this.#requests.end();
    this.#context.wake();
  }

  read(output: Downstream<T>, limit: number): ReadStatus | { readonly waitMs: number } {
    this.#advance();
    const count = Math.min(this.#held.length, this.#options.splitsAtOnce);
    let left = limit;
    for (let i = 0; i < count && left > 0; i++) {
      left -= this.#readSplit(this.#held[(this.#turn + i) % count]!, output, left);
    }
    this.#turn = count === 0 ? 0 : (this.#turn + 1) % count;
    if (left < limit) {
      return 'more';
    }
    this.#advance();
    if (this.#held.length > 0) {
      return 'wait';
    }
    return this.#requests.isOver ? 'end' : { waitMs: this.#requests.repeatMs };
  }

  snapshot(): readonly CustomSplit[] {
    return this.#held
      .filter((held) => held.pump?.isFinished !== true)
      .map(({ id, split, position }) => ({ id, split, ...(position === undefined ? {} : { position }) }));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    const closing = this.#held.flatMap(({ pump }) =>
      pump === undefined ? [] : [pump.close().catch((error: unknown) => this.#closeFailed(error))],
    );
    let timer: { cancel(): void } | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = this.#context.clock.after(CLOSE_TIMEOUT_MS, () => {
        this.#closeLate();
        resolve();
      });
    });
    await Promise.race([Promise.all(closing), timeout]);
    timer?.cancel();
  }

  #readSplit(held: HeldSplit, output: Downstream<T>, limit: number): number {
    const { timestamps, positions } = this.#options;
    const pump = held.pump!;
    let count = 0;
    while (count < limit) {
      const item = pump.take();
      if (item === undefined) {
        break;
      }
      const record = item[0] as T;
      output.process(record, timestamps === undefined ? NO_TIMESTAMP : timestamps(record));
      if (positions) {
        held.position = item[1];
      }
      count++;
    }
    return count;
  }

  /** Drops what is read to its end, starts what has its turn, asks for more. */
  #advance(): void {
    if (this.#held.some(({ pump }) => pump?.isFinished)) {
      this.#held = this.#held.filter(({ pump }) => pump?.isFinished !== true);
    }
    const count = Math.min(this.#held.length, this.#options.splitsAtOnce);
    for (let i = 0; i < count; i++) {
      const held = this.#held[i]!;
      if (held.pump === undefined) {
        held.pump = this.#pumpOf(held);
        held.pump.start();
      }
    }
    if (this.#options.splitsAtOnce !== Infinity) {
      this.#requests.refill(this.#held.length);
    }
  }

  #pumpOf(held: HeldSplit): SplitPump {
    const { name, positions, maxReadAhead, read } = this.#options;
    const { subtask, parallelism, jobName, logger } = this.#context;
    const context: SplitContext = {
      split: held.split,
      subtask,
      parallelism,
      jobName,
      logger,
      signal: this.#stop.signal,
    };
    return new SplitPump({
      what: `source "${name}"`,
      positions,
      maxReadAhead,
      iterable: () => read(held.position, context),
      onData: this.#wake,
      onError: (error) => this.#context.fail(error),
    });
  }

  #closeLate(): void {
    this.#context.logger.warn(
      `source "${this.#options.name}": the generator did not end within ${CLOSE_TIMEOUT_MS / 1_000} s, which every restart of ` +
        'the job waits for: give the "signal" of its second argument to what it waits for',
    );
  }

  #closeFailed(error: unknown): void {
    this.#context.logger.warn(`source "${this.#options.name}": the generator threw at its end: ${String(error)}`);
  }
}
