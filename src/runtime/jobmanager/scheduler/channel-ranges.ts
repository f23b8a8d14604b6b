import { unreachable } from '../../../foundation/common/assert.ts';
import type { JobEdge } from '../../../pipeline/graph/job-graph.ts';

/** Subtask indices, both ends inclusive; never empty. */
export interface SubtaskRange {
  readonly first: number;
  readonly last: number;
}

type Pattern = 'one-to-one' | 'pointwise' | 'all-to-all';

const patternOf = (partitioning: JobEdge['partitioning']): Pattern => {
  switch (partitioning) {
    case 'forward':
      return 'one-to-one';
    case 'rescale':
      return 'pointwise';
    case 'rebalance':
    case 'broadcast':
    case 'global':
    case 'hash':
    case 'custom':
      return 'all-to-all';
    default:
      return unreachable(partitioning, 'partitioning');
  }
};

/** The producers that one consumer reads from. */
export const producersOf = (
  partitioning: JobEdge['partitioning'],
  consumer: number,
  producers: number,
  consumers: number,
): SubtaskRange => {
  switch (patternOf(partitioning)) {
    case 'one-to-one':
      return { first: consumer, last: consumer };
    case 'pointwise': {
      const first = Math.floor((consumer * producers) / consumers);
      return { first, last: Math.max(first, Math.floor(((consumer + 1) * producers) / consumers) - 1) };
    }
    case 'all-to-all':
    default:
      return { first: 0, last: producers - 1 };
  }
};

/** The consumers that one producer writes to; the inverse of `producersOf`. */
export const consumersOf = (
  partitioning: JobEdge['partitioning'],
  producer: number,
  producers: number,
  consumers: number,
): SubtaskRange => {
  switch (patternOf(partitioning)) {
    case 'one-to-one':
      return { first: producer, last: producer };
    case 'pointwise': {
      if (producers >= consumers) {
        const only = Math.ceil(((producer + 1) * consumers) / producers) - 1;
        return { first: only, last: only };
      }
      return {
        first: Math.ceil((producer * consumers) / producers),
        last: Math.ceil(((producer + 1) * consumers) / producers) - 1,
      };
    }
    case 'all-to-all':
    default:
      return { first: 0, last: consumers - 1 };
  }
};
