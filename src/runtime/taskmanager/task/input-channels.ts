import { attemptId } from '../../../foundation/common/ids.ts';
import type { ThreadDeployment } from '../thread-protocol.ts';
import type { TaskEnvironment } from './task-environment.ts';

/**
 * The channels of a task, with the batches that may be under way in each. A batch from another process is longer under way, and several at once cost less there. Divided evenly: whoever has many
 * channels has enough under way without more.
 */
export const inputChannels = (
  { inputs, producers }: Pick<ThreadDeployment, 'inputs' | 'producers'>,
  { channelCredit, floatingCredit }: Pick<TaskEnvironment, 'channelCredit' | 'floatingCredit'>,
): { edge: number; credit: number }[] => {
  const channels = inputs.flatMap(({ edge, channels: ofEdge }) =>
    ofEdge.map(({ producer }) => ({ edge, isRemote: producers[attemptId(producer)]?.kind === 'remote' })),
  );
  const remote = channels.filter(({ isRemote }) => isRemote).length;
  const more = Math.floor(floatingCredit / Math.max(1, remote));
  return channels.map(({ edge, isRemote }) => ({ edge, credit: channelCredit + (isRemote ? more : 0) }));
};
