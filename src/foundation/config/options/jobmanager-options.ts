import { durationType, memoryType } from '../option-type.ts';
import { option } from '../option.ts';

/** User code on the JobManager: enumerators that sources bring along. */
export const jobManagerOptions = {
  heap: option(memoryType, {
    key: 'jobmanager.memory.heap.size',
    defaultText: '256 mb',
    description:
      'JavaScript heap of the thread that runs the enumerators of one job on the JobManager. A thread that needs more is ' +
      'ended, and its job fails or restarts.',
  }),
  offHeap: option(memoryType, {
    key: 'jobmanager.memory.off-heap.size',
    default: '128 mb',
    description: 'ArrayBuffers of that thread.',
  }),
  userCodeTimeout: option(durationType, {
    key: 'jobmanager.user-code.timeout',
    default: '60 s',
    description:
      'An enumerator that has not answered by then counts as hung: its thread is ended, and its job fails or restarts. ' +
      'A discovery of splits has to be done by then too. To load the job the thread has this time, but at least 60 s.',
    isFlink: false,
  }),
};
