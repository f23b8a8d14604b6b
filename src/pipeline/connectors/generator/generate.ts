import { MillraceError } from '../../../foundation/common/errors.ts';
import type { Random } from '../../../foundation/common/random.ts';
import { NO_TIMESTAMP } from '../../operators/operator.ts';
import type { Source } from '../source.ts';
import { indexedSource } from './indexed-reader.ts';
import type { Pace } from './rate-limiter.ts';
import { RecordRandom } from './record-random.ts';

export interface GenerateOptions<T> extends Pace {
  /** Record i of a seed is always the same, whatever the parallelism and after a restore too. */
  readonly seed: number;
  /** Makes record `index`; `random` is the record's own and must not be kept. */
  readonly create: (index: number, random: Random) => T;
  /** How many records; without it there is no end. */
  readonly count?: number;
  /** How many subtasks may share the work. */
  readonly splits?: number;
  readonly name?: string;
}

/**
 * Random records that are the same in each run.
 *
 * ```ts
 * import { generate } from 'millrace/connectors/generator';
 *
 * const bids = generate({ seed: 1, rate: 1000, create: (id, random) => ({ id, price: random.int(100) }) });
 * ```
 */
export const generate = <T>(options: GenerateOptions<T>): Source<T> => {
  const { seed, create, count, name = 'generate' } = options;
  if (!Number.isSafeInteger(seed)) {
    throw new MillraceError('BAD_OPTION', `${name}: "seed" is ${seed}; allowed: whole numbers`);
  }
  if (count !== undefined && (!Number.isSafeInteger(count) || count < 0)) {
    throw new MillraceError('BAD_OPTION', `${name}: "count" is ${count}; allowed: whole numbers from 0 on`);
  }
  return indexedSource<T>({
    ...options,
    name,
    from: 0,
    last: count === undefined ? undefined : count - 1,
    splits: options.splits,
    emitter: () => {
      const random = new RecordRandom(seed);
      return (output, index, step, records) => {
        const end = index + records * step;
        for (let i = index; i < end; i += step) {
          random.startRecord(i);
          output.process(create(i, random), NO_TIMESTAMP);
        }
      };
    },
  });
};
