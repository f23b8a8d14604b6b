import { MillraceError } from '../../../foundation/common/errors.ts';
import { RingQueue } from '../../../foundation/common/ring-queue.ts';

export interface SplitPumpOptions {
  /** For messages. */
  readonly what: string;
  readonly positions: boolean;
  readonly maxReadAhead: number;
  readonly iterable: () => AsyncIterable<unknown>;
  /** There is something to take, or the end. */
  onData(): void;
  onError(error: unknown): void;
}

/** Pulls a user's async iterator into a bounded queue; a full queue is simply not pulled for. */
export class SplitPump {
  readonly #options: SplitPumpOptions;
  readonly #queue: RingQueue<readonly [unknown, unknown]>;
  #iterator: AsyncIterator<unknown> | undefined;
  #resume: (() => void) | undefined;
  #ended = false;
  #closed = false;

  constructor(options: SplitPumpOptions) {
    this.#options = options;
    this.#queue = new RingQueue(options.maxReadAhead);
  }

  /** Nothing is queued and nothing will come. */
  get isFinished(): boolean {
    return this.#ended && this.#queue.size === 0;
  }

  start(): void {
    this.#run().catch((error: unknown) => {
      if (!this.#closed) {
        this.#options.onError(error);
      }
    });
  }

  /** The next record with its position. */
  take(): readonly [record: unknown, position: unknown] | undefined {
    const item = this.#queue.shift();
    if (this.#resume !== undefined && this.#queue.size <= this.#options.maxReadAhead >> 1) {
      const resume = this.#resume;
      this.#resume = undefined;
      resume();
    }
    return item;
  }

  /** Calls `return()` of the iterator; resolves when its `finally` blocks have run. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#resume?.();
    if (!this.#ended) {
      await this.#iterator?.return?.();
    }
  }

  async #run(): Promise<void> {
    const { onData, maxReadAhead } = this.#options;
    const iterator = this.#options.iterable()[Symbol.asyncIterator]();
    this.#iterator = iterator;
    while (!this.#closed) {
      const { done, value } = await iterator.next();
      if (done === true) {
        this.#ended = true;
        onData();
        return;
      }
      const wasEmpty = this.#queue.size === 0;
      this.#queue.push(this.#options.positions ? this.#positioned(value) : [value, undefined]);
      if (wasEmpty) {
        onData();
      }
      if (this.#queue.size >= maxReadAhead && !this.#closed) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
      }
    }
  }

  #positioned(item: unknown): readonly [unknown, unknown] {
    if (!Array.isArray(item) || item.length !== 2 || item[1] === undefined) {
      throw new MillraceError(
        'BAD_RECORD',
        `${this.#options.what} did not yield [record, position] with a position that is not undefined; yield both, or ` +
          'say positions: false, and then it starts anew after each restore',
      );
    }
    const [record, position] = item as unknown[];
    // Read ahead of the job: a generator that goes on changing one object must not change the position of an older record.
    return [record, typeof position === 'object' ? structuredClone(position) : position];
  }
}
