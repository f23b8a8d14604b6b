import { MillraceError } from '../../../foundation/common/errors.ts';
import { type Downstream, NO_TIMESTAMP } from '../../operators/operator.ts';
import type { Source } from '../source.ts';
import { indexedSource } from './indexed-reader.ts';
import type { Pace } from './rate-limiter.ts';

export interface SequenceOptions extends Pace {
  /** The first number; 0 when missing. */
  readonly from?: number;
  /** The last number, included; without it the sequence has no end. */
  readonly to?: number;
  /** How many subtasks may share the work: split i emits every `splits`th number. In one split (default) it is in order. */
  readonly splits?: number;
  readonly name?: string;
}

/**
 * Whole numbers from `from` (0) up to and including `to`, or without end.
 *
 * `every` (the time between two numbers) or `rate` (numbers per second) slows it down: exactly over time, and without a
 * burst of more than one second's numbers after a pause. It runs with the parallelism `splits`, 1 if not given.
 *
 * ```ts
 * import { sequence } from 'millrace/connectors/generator';
 *
 * const ticks = sequence({ every: '100ms' });
 * const million = sequence({ from: 1, to: 1_000_000, splits: 4 });
 * ```
 */
export const sequence = (options: SequenceOptions = {}): Source<number> => {
  const name = options.name ?? 'sequence';
  const from = options.from ?? 0;
  checkInteger(name, 'from', from);
  if (options.to !== undefined) {
    checkInteger(name, 'to', options.to);
  }
  return indexedSource<number>({
    ...options,
    name,
    from,
    last: options.to,
    splits: options.splits,
    emitter: () => emitNumbers,
  });
};

const emitNumbers = (output: Downstream<number>, index: number, step: number, count: number): void => {
  const end = index + count * step;
  for (let value = index; value < end; value += step) {
    output.process(value, NO_TIMESTAMP);
  }
};

const checkInteger = (name: string, option: string, value: number): void => {
  if (!Number.isSafeInteger(value)) {
    throw new MillraceError('BAD_OPTION', `${name}: "${option}" is ${value}; allowed: whole numbers up to 2^53`);
  }
};
