import type { Downstream } from '../../operators/operator.ts';
import type { ReaderContext, ReadStatus, SourceReader, Split } from '../source.ts';
import { SplitRequests } from '../split-requests.ts';
import { BadRecords } from './bad-records.ts';
import type { FileSplit } from './file-split.ts';
import type { LineFormat } from './line-format.ts';
import { SplitReader } from './split-reader.ts';

export interface FileReaderOptions<T> {
  readonly format: LineFormat<T>;
  readonly onError: 'fail' | 'skip';
  readonly timestamps: ((record: T) => number) | undefined;
  readonly maxLineBytes: number;
  readonly chunkBytes: number;
}

/** The split in hand and the one in advance, whose first bytes are read meanwhile. */
const OPEN_SPLITS = 2;

/** Reads splits one after the other. */
export class FileReader<T> implements SourceReader<T, Split> {
  readonly #context: ReaderContext;
  readonly #options: FileReaderOptions<T>;
  readonly #badRecords: BadRecords;
  readonly #requests: SplitRequests;
  #splits: SplitReader<T>[] = [];

  constructor(context: ReaderContext, options: FileReaderOptions<T>) {
    this.#context = context;
    this.#options = options;
    this.#requests = new SplitRequests(context.clock, () => context.requestSplit());
    this.#badRecords = new BadRecords(options.onError, context.clock, context.logger);
  }

  open(): void {}

  addSplits(splits: readonly Split[]): void {
    for (const split of splits as readonly FileSplit[]) {
      this.#splits.push(
        new SplitReader({
          ...this.#options,
          split,
          badRecords: this.#badRecords,
          onData: () => this.#context.wake(),
          onError: (error) => this.#context.fail(error),
        }),
      );
    }
    this.#requests.received(splits.length);
    this.#startNext();
    this.#context.wake();
  }

  noMoreSplits(): void {
    this.#requests.end();
    this.#context.wake();
  }

  read(output: Downstream<T>, limit: number): ReadStatus | { readonly waitMs: number } {
    this.#requests.refill(this.#splits.length);
    let left = limit;
    for (let split = this.#splits[0]; split !== undefined; split = this.#splits[0]) {
      left -= split.emit(output, left);
      if (left === 0) {
        return 'more';
      }
      if (!split.isFinished) {
        return 'wait';
      }
      this.#splits.shift();
      this.#startNext();
      this.#requests.refill(this.#splits.length);
    }
    return this.#requests.isOver ? 'end' : { waitMs: this.#requests.repeatMs };
  }

  snapshot(): readonly FileSplit[] {
    return this.#splits.filter((split) => !split.isFinished).map((split) => split.snapshot());
  }

  close(): void {
    for (const split of this.#splits) {
      split.close();
    }
    this.#badRecords.close();
  }

  /** Only the first ones: a restore with a lower parallelism may hand over many. */
  #startNext(): void {
    for (const split of this.#splits.slice(0, OPEN_SPLITS)) {
      split.start();
    }
  }
}
