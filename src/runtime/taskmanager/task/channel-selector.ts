import { MillraceError } from '../../../foundation/common/errors.ts';
import { hashKey } from '../../../foundation/common/key-hash.ts';
import { subtaskOfKeyGroup } from '../../../foundation/common/key-groups.ts';
import { unreachable } from '../../../foundation/common/assert.ts';
import type { Partitioning } from '../../../pipeline/graph/stream-graph.ts';

/** The channel of a record; -1 for all of them. */
export type ChannelSelector = (value: unknown) => number;

export const ALL_CHANNELS = -1;

export const channelSelector = (
  partitioning: Partitioning,
  options: {
    readonly channels: number;
    readonly subtask: number;
    readonly consumerMaxParallelism: number;
    readonly operatorName: string;
  },
): ChannelSelector => {
  const { channels, subtask } = options;
  if (partitioning.kind === 'broadcast') {
    return () => ALL_CHANNELS;
  }
  if (partitioning.kind === 'custom') {
    return customSelector(partitioning, options);
  }
  if (channels === 1) {
    return () => 0;
  }
  switch (partitioning.kind) {
    case 'forward':
    case 'global':
      return () => 0;
    case 'rebalance':
    case 'rescale': {
      // Producers start at different channels, so that few records still reach many consumers.
      let next = subtask % channels;
      return () => {
        const channel = next;
        next = next + 1 === channels ? 0 : next + 1;
        return channel;
      };
    }
    case 'hash': {
      const { keyOf } = partitioning;
      const groups = options.consumerMaxParallelism;
      const channelOfGroup = Uint16Array.from({ length: groups }, (_, group) =>
        subtaskOfKeyGroup(group, groups, channels),
      );
      return (value) => channelOfGroup[hashKey(keyOf(value)) % groups]!;
    }
    default:
      return unreachable(partitioning, 'partitioning');
  }
};

const customSelector = (
  { keyOf, partition }: Extract<Partitioning, { kind: 'custom' }>,
  { channels, operatorName }: { readonly channels: number; readonly operatorName: string },
): ChannelSelector => {
  return (value) => {
    const channel = partition(keyOf(value), channels);
    if (!Number.isInteger(channel) || channel < 0 || channel >= channels) {
      throw new MillraceError(
        'TASK_FAILED',
        `the custom partitioner behind operator '${operatorName}' returned ${String(channel)}; it must return an integer from 0 to ${channels - 1}`,
      );
    }
    return channel;
  };
};
