import { MillraceError } from '../../../foundation/common/errors.ts';
import type { Downstream } from '../../operators/operator.ts';
import type { ReaderContext, ReadStatus, Source, SourceReader, Split } from '../source.ts';
import { intervalOf, type Pace, RateLimiter } from './rate-limiter.ts';

/** Every `step`th index, from `next` on. */
export interface IndexSplit extends Split {
  /** The position: the next index to emit. */
  readonly next: number;
  readonly step: number;
}

/** Emits `count` records: those of `index`, `index + step`, ... */
export type EmitIndexes<T> = (output: Downstream<T>, index: number, step: number, count: number) => void;

export interface IndexedSourceOptions<T> extends Pace {
  readonly name: string;
  readonly from: number;
  /** Inclusive; `undefined`: without end. */
  readonly last: number | undefined;
  readonly splits: number | undefined;
  /** A new one for each reader. */
  readonly emitter: () => EmitIndexes<T>;
}

/** A source whose record is a function of its index. */
export const indexedSource = <T>(options: IndexedSourceOptions<T>): Source<T> => {
  const { name, from, last, emitter } = options;
  const splits = options.splits ?? 1;
  if (!Number.isInteger(splits) || splits < 1) {
    throw new MillraceError('BAD_OPTION', `${name}: "splits" is ${splits}; allowed: a whole number from 1 on`);
  }
  const intervalMs = intervalOf(options, name);
  const plan: IndexSplit[] = Array.from({ length: splits }, (_, index) => ({
    id: `${name}-${index}`,
    next: from + index,
    step: splits,
  }));
  return {
    name,
    behavior: {
      createReader: (context) => new IndexedReader(context, emitter(), last ?? Number.MAX_SAFE_INTEGER, intervalMs),
    },
    plan: {
      enumerator: 'static-splits',
      config: { splits: plan, assignment: 'by-index' },
      bounded: last !== undefined,
    },
    parallelism: splits,
    maxParallelism: splits,
  };
};

interface OpenSplit {
  readonly id: string;
  next: number;
  readonly step: number;
  readonly limiter: RateLimiter | undefined;
}

class IndexedReader<T> implements SourceReader<T, Split> {
  readonly #context: ReaderContext;
  readonly #emit: EmitIndexes<T>;
  readonly #last: number;
  readonly #intervalMs: number;
  #splits: OpenSplit[] = [];
  /** Which split is asked first, so that a small limit starves none. */
  #turn = 0;
  #noMoreSplits = false;

  constructor(context: ReaderContext, emit: EmitIndexes<T>, last: number, intervalMs: number) {
    this.#context = context;
    this.#emit = emit;
    this.#last = last;
    this.#intervalMs = intervalMs;
  }

  open(): void {}

  addSplits(splits: readonly Split[]): void {
    for (const { id, next, step } of splits as readonly IndexSplit[]) {
      this.#splits.push({ id, next, step, limiter: this.#limiterOf(next, step) });
    }
    this.#context.wake();
  }

  noMoreSplits(): void {
    this.#noMoreSplits = true;
    this.#context.wake();
  }

  read(output: Downstream<T>, limit: number): ReadStatus | { readonly waitMs: number } {
    const count = this.#splits.length;
    const share = Math.max(1, Math.ceil(limit / count));
    let left = limit;
    let ended = false;
    for (let i = 0; i < count && left > 0; i++) {
      const split = this.#splits[(this.#turn + i) % count]!;
      left -= this.#readSplit(split, output, Math.min(left, share));
      ended ||= split.next > this.#last;
    }
    this.#turn = count === 0 ? 0 : (this.#turn + 1) % count;
    if (ended) {
      this.#splits = this.#splits.filter((split) => split.next <= this.#last);
    }
    return this.#status();
  }

  snapshot(): readonly IndexSplit[] {
    return this.#splits.map(({ id, next, step }) => ({ id, next, step }));
  }

  close(): void {}

  #readSplit(split: OpenSplit, output: Downstream<T>, limit: number): number {
    const { next, step, limiter } = split;
    const remaining = next > this.#last ? 0 : Math.floor((this.#last - next) / step) + 1;
    const wanted = Math.min(limit, remaining);
    const count = limiter === undefined ? wanted : limiter.take(wanted);
    if (count > 0) {
      this.#emit(output, next, step, count);
      split.next = next + count * step;
    }
    return count;
  }

  #status(): ReadStatus | { readonly waitMs: number } {
    if (this.#splits.length === 0) {
      return this.#noMoreSplits ? 'end' : 'wait';
    }
    let waitMs = Infinity;
    for (const { limiter } of this.#splits) {
      waitMs = Math.min(waitMs, limiter?.waitMs() ?? 0);
    }
    return waitMs > 0 ? { waitMs } : 'more';
  }

  /** Splits take turns: each goes at its share of the pace, shifted by its place. */
  #limiterOf(next: number, step: number): RateLimiter | undefined {
    if (this.#intervalMs === 0) {
      return undefined;
    }
    const place = ((next % step) + step) % step;
    return new RateLimiter(this.#context.clock, this.#intervalMs * step, this.#intervalMs * place);
  }
}
