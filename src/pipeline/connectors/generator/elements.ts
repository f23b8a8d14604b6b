import { NO_TIMESTAMP } from '../../operators/operator.ts';
import type { Source } from '../source.ts';
import { indexedSource } from './indexed-reader.ts';
import type { Pace } from './rate-limiter.ts';

export interface ElementsOptions extends Pace {
  /** How many subtasks may share the work; in one split (default) the elements stay in order. */
  readonly splits?: number;
  readonly name?: string;
}

/**
 * The given items, for examples and tests. Each process takes them from its own run of the builder, so that they have to
 * be the same in each: nothing read from a clock, a random number or the machine.
 */
export const elements = <T>(items: readonly T[], options: ElementsOptions = {}): Source<T> =>
  indexedSource<T>({
    ...options,
    name: options.name ?? 'elements',
    from: 0,
    last: items.length - 1,
    splits: options.splits,
    emitter: () => (output, index, step, count) => {
      const end = index + count * step;
      for (let i = index; i < end; i += step) {
        output.process(items[i] as T, NO_TIMESTAMP);
      }
    },
  });
