import type {
  ReaderContext,
  ReadStatus,
  Source,
  SourceReader,
  Split,
} from '../../../src/pipeline/connectors/source.ts';
import { SplitRequests } from '../../../src/pipeline/connectors/split-requests.ts';
import { RateLimiter } from '../../../src/pipeline/connectors/generator/rate-limiter.ts';
import { NO_TIMESTAMP, type Downstream } from '../../../src/pipeline/operators/operator.ts';

export interface PulledNumbersOptions {
  /** A multiple of `splits`. */
  readonly records: number;
  readonly splits: number;
  /** Of all readers together, in a second. */
  readonly rate: number;
}

/** A part of the numbers: from `next` up to `last`. */
interface NumbersSplit extends Split {
  readonly next: number;
  readonly last: number;
}

/**
 * Numbers from 0 on, in splits that are handed out one after the other to whoever asks, as a bounded source of files does: there is
 * always one to be assigned, which a takeover or a checkpoint may come across (R4).
 */
export const pulledNumbers = ({ records, splits, rate }: PulledNumbersOptions): Source<number> => {
  const size = records / splits;
  const plan = Array.from({ length: splits }, (_, index): NumbersSplit => ({
    id: `numbers-${index}`,
    next: index * size,
    last: (index + 1) * size - 1,
  }));
  return {
    name: 'numbers',
    behavior: { createReader: (context) => new NumbersReader(context, rate) },
    plan: { enumerator: 'static-splits', config: { splits: plan, assignment: 'pull' }, bounded: true },
    maxParallelism: splits,
  };
};

class NumbersReader implements SourceReader<number> {
  readonly #context: ReaderContext;
  readonly #requests: SplitRequests;
  readonly #limiter: RateLimiter;
  #held: NumbersSplit[] = [];

  constructor(context: ReaderContext, rate: number) {
    this.#context = context;
    this.#requests = new SplitRequests(context.clock, () => context.requestSplit());
    // They take turns.
    const intervalMs = 1_000 / rate;
    this.#limiter = new RateLimiter(context.clock, intervalMs * context.parallelism, intervalMs * context.subtask);
  }

  open(): void {}

  addSplits(splits: readonly Split[]): void {
    this.#held.push(...(splits as readonly NumbersSplit[]));
    this.#requests.received(splits.length);
    this.#context.wake();
  }

  noMoreSplits(): void {
    this.#requests.end();
    this.#context.wake();
  }

  read(output: Downstream<number>, limit: number): ReadStatus | { readonly waitMs: number } {
    this.#requests.refill(this.#held.length);
    const [split, ...others] = this.#held;
    if (split === undefined) {
      return this.#requests.isOver ? 'end' : { waitMs: this.#requests.repeatMs };
    }
    const count = this.#limiter.take(Math.min(limit, split.last - split.next + 1));
    const next = split.next + count;
    for (let number = split.next; number < next; number++) {
      output.process(number, NO_TIMESTAMP);
    }
    this.#held = next > split.last ? others : [{ ...split, next }, ...others];
    const waitMs = this.#limiter.waitMs();
    return waitMs > 0 && this.#held.length > 0 ? { waitMs } : 'more';
  }

  snapshot(): readonly NumbersSplit[] {
    return this.#held;
  }

  close(): void {}
}
