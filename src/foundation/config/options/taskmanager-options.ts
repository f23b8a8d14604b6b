import { durationType, floatType, integerType, memoryType, portsType } from '../option-type.ts';
import { option } from '../option.ts';

/** Slots, memory and cancellation of tasks. */
export const taskManagerOptions = {
  slots: option(integerType({ min: 1 }), {
    key: 'taskmanager.numberOfTaskSlots',
    default: '1',
    description: 'Slots of a TaskManager. A slot is a worker thread that runs one subtask of each operator.',
  }),
  processMemory: option(memoryType, {
    key: 'taskmanager.memory.process.size',
    defaultText: 'the memory of the machine, or of the container',
    description:
      'All that a TaskManager process may take. A tenth of it is kept free; less what the process needs for itself (96 MB, and ' +
      '24 MB for each slot), the rest is divided among the slots: two thirds of a part for the heap, a third for buffers, where ' +
      'they are not set.',
  }),
  taskHeap: option(memoryType, {
    key: 'taskmanager.memory.task.heap.size',
    defaultText:
      'of `taskmanager.memory.process.size`; without it 60 % of the memory, shared by all threads (of a `cluster start`), 4 GiB at most',
    description: 'JavaScript heap of each task thread. A thread that needs more is ended, and its tasks fail.',
  }),
  taskOffHeap: option(memoryType, {
    key: 'taskmanager.memory.task.off-heap.size',
    defaultText:
      'of `taskmanager.memory.process.size`; without it 30 % of the memory, shared by all threads (of a `cluster start`)',
    description:
      'ArrayBuffers of each task thread, which the heap limit does not count; its network buffers are among them. A ' +
      'thread that holds more is ended, and its tasks fail.',
    differs: {
      flink: '0 bytes',
      here: '30 % of the memory',
      reason: 'typed arrays are where JavaScript keeps bulk data',
    },
  }),
  segmentSize: option(memoryType, {
    key: 'taskmanager.memory.segment-size',
    default: '32 kb',
    description: 'Size of a network buffer.',
  }),
  networkMin: option(memoryType, {
    key: 'taskmanager.memory.network.min',
    deprecatedKeys: ['taskmanager.network.memory.min'],
    default: '64 mb',
    description: 'The least memory for network buffers.',
    isUsed: false,
  }),
  networkMax: option(memoryType, {
    key: 'taskmanager.memory.network.max',
    deprecatedKeys: ['taskmanager.network.memory.max'],
    defaultText: 'no limit',
    description: 'The most memory for network buffers.',
    isUsed: false,
  }),
  networkFraction: option(floatType({ min: 0, max: 1 }), {
    key: 'taskmanager.memory.network.fraction',
    deprecatedKeys: ['taskmanager.network.memory.fraction'],
    default: '0.1',
    description: 'Share of the memory that is for network buffers.',
    isUsed: false,
  }),
  buffersPerChannel: option(integerType({ min: 1 }), {
    key: 'taskmanager.network.memory.buffers-per-channel',
    default: '2',
    description: 'Buffers that a receiver keeps for each of its channels: the credit a sender starts with.',
  }),
  floatingBuffersPerGate: option(integerType({ min: 0 }), {
    key: 'taskmanager.network.memory.floating-buffers-per-gate',
    default: '8',
    description:
      'Further buffers of a receiver, shared evenly by its channels from other processes: more credit for each of few channels.',
  }),
  dataPorts: option(portsType, {
    key: 'taskmanager.data.port',
    default: '0',
    description:
      'Ports for the exchange of records with other TaskManagers. Each task thread takes one, so a range needs as many ' +
      'ports as there are threads on a machine.',
  }),
  cancellationInterval: option(durationType, {
    key: 'task.cancellation.interval',
    deprecatedKeys: ['task.cancellation-interval'],
    default: '30 s',
    description: 'Pause between two warnings about a task that was cancelled and has not ended.',
  }),
  cancellationTimeout: option(durationType, {
    key: 'task.cancellation.timeout',
    default: '3 min',
    description:
      'The thread of a task that was cancelled and has not ended by then is ended; where a call that nothing can interrupt ' +
      'keeps the thread, such as `execSync`, its TaskManager ends, and its tasks start again elsewhere. 0 waits for ever.',
  }),
  cancellationTimersTimeout: option(durationType, {
    key: 'task.cancellation.timers.timeout',
    deprecatedKeys: ['timerservice.exceptional.shutdown.timeout'],
    default: '7500 ms',
    description: 'How long a cancelled task waits for timers that are firing.',
    isUsed: false,
  }),
  leaderAbsenceTimeout: option(durationType, {
    key: 'taskmanager.leader-absence.timeout',
    default: '5 min',
    description: 'How long tasks go on while there is no leader.',
    differs: { flink: '-', here: '5 min', reason: 'below the usual lifetime of a prepared Kafka transaction' },
    isFlink: false,
  }),
};
