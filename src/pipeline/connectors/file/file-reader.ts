import type { Downstream } from '../../operators/operator.ts';
import type { ReaderContext, ReadStatus, SourceReader, Split } from '../source.ts';
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

/** The split in hand and one in advance (R4), whose first bytes are read meanwhile. */
const WANTED_SPLITS = 2;
/** A request that a change of leaders swallowed is repeated after this time. */
const REPEAT_REQUEST_MS = 5000;

/** Reads splits one after the other. */
export class FileReader<T> implements SourceReader<T, Split> {
  readonly #context: ReaderContext;
  readonly #options: FileReaderOptions<T>;
  readonly #badRecords: BadRecords;
  #splits: SplitReader<T>[] = [];
  #requested = 0;
  #requestedMs = 0;
  #noMoreSplits = false;

  constructor(context: ReaderContext, options: FileReaderOptions<T>) {
    this.#context = context;
    this.#options = options;
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
    this.#requested = Math.max(0, this.#requested - splits.length);
    this.#startNext();
    this.#context.wake();
  }

  noMoreSplits(): void {
    this.#noMoreSplits = true;
    this.#context.wake();
  }

  read(output: Downstream<T>, limit: number): ReadStatus | { readonly waitMs: number } {
    this.#request();
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
      this.#request();
    }
    if (this.#noMoreSplits) {
      return 'end';
    }
    return { waitMs: REPEAT_REQUEST_MS };
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
    for (const split of this.#splits.slice(0, WANTED_SPLITS)) {
      split.start();
    }
  }

  #request(): void {
    if (this.#noMoreSplits) {
      return;
    }
    const now = this.#context.clock.monotonic();
    if (this.#splits.length === 0 && this.#requested > 0 && now - this.#requestedMs >= REPEAT_REQUEST_MS) {
      this.#requested = 0;
    }
    while (this.#splits.length + this.#requested < WANTED_SPLITS) {
      this.#requested++;
      this.#requestedMs = now;
      this.#context.requestSplit();
    }
  }
}
