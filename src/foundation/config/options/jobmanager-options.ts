import { durationType, integerType, memoryType, secondsType } from '../option-type.ts';
import { option } from '../option.ts';

/** Memory of a JobManager, user code on it (enumerators that sources bring along), and what it remembers of ended jobs. */
export const jobManagerOptions = {
  processMemory: option(memoryType, {
    key: 'jobmanager.memory.process.size',
    defaultText: 'no limit of its own',
    description:
      'All that a JobManager process may take, threads with user code of jobs aside. What `jobmanager.memory.off-heap.size` and ' +
      'Node itself leave of it is for the heap.',
  }),
  heap: option(memoryType, {
    key: 'jobmanager.memory.heap.size',
    deprecatedKeys: ['jobmanager.heap.size'],
    defaultText: 'from `jobmanager.memory.process.size`; without it what Node takes by default',
    description: 'JavaScript heap of a JobManager. A process that needs more ends, and another JobManager leads.',
  }),
  offHeap: option(memoryType, {
    key: 'jobmanager.memory.off-heap.size',
    default: '128 mb',
    description: 'Part of `jobmanager.memory.process.size` that is left to buffers and native memory.',
  }),
  userCodeHeap: option(memoryType, {
    key: 'jobmanager.user-code.memory.heap.size',
    default: '256 mb',
    description:
      'JavaScript heap of the thread that runs the enumerators of one job on the JobManager. A thread that needs more is ' +
      'ended, and its job fails or restarts.',
    isFlink: false,
  }),
  userCodeOffHeap: option(memoryType, {
    key: 'jobmanager.user-code.memory.off-heap.size',
    default: '128 mb',
    description: 'ArrayBuffers of that thread.',
    isFlink: false,
  }),
  resultExpiration: option(secondsType, {
    key: 'jobstore.expiration-time',
    default: '1 h',
    description:
      'So long after its end a job is listed, and the HA store and `high-availability.storageDir` remember how it ended. A bare number ' +
      'counts seconds. Until then nothing is started under the id of a job that has ended.',
  }),
  resultCapacity: option(integerType({ min: 1, infinite: true, aliases: { '2147483647': Infinity } }), {
    key: 'jobstore.max-capacity',
    default: 'infinite',
    description: 'Of so many ended jobs it is remembered how they ended, the newest.',
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
