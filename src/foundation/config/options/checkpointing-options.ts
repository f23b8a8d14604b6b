import { booleanType, durationType, enumType, integerType, listType, memoryType, stringType } from '../option-type.ts';
import { option } from '../option.ts';

/** When checkpoints are taken, where they go and how many stay. */
export const checkpointingOptions = {
  interval: option(durationType, {
    key: 'execution.checkpointing.interval',
    description: 'Time from the start of one checkpoint to the start of the next. Without it there are no checkpoints.',
  }),
  mode: option(enumType(['exactly-once', 'at-least-once']), {
    key: 'execution.checkpointing.mode',
    default: 'exactly-once',
    description:
      'With `at-least-once` barriers are not aligned: less waiting, but records may count twice after a restore.',
  }),
  timeout: option(durationType, {
    key: 'execution.checkpointing.timeout',
    default: '10 min',
    description: 'A checkpoint that takes longer is given up.',
  }),
  minPause: option(durationType, {
    key: 'execution.checkpointing.min-pause',
    default: '0 ms',
    description: 'Rest between the end of one checkpoint and the start of the next.',
  }),
  tolerableFailures: option(integerType({ min: 0, infinite: true }), {
    key: 'execution.checkpointing.tolerable-failed-checkpoints',
    default: '0',
    description: 'How many checkpoints in a row may fail before the job fails.',
  }),
  numRetained: option(integerType({ min: 1 }), {
    key: 'execution.checkpointing.num-retained',
    deprecatedKeys: ['state.checkpoints.num-retained'],
    default: '2',
    description: 'Completed checkpoints that are kept.',
    differs: { flink: '1', here: '2', reason: 'a way out when the newest is unreadable' },
  }),
  retention: option(
    enumType(['DELETE_ON_CANCELLATION', 'RETAIN_ON_CANCELLATION', 'NO_EXTERNALIZED_CHECKPOINTS'], {
      none: 'NO_EXTERNALIZED_CHECKPOINTS',
    }),
    {
      key: 'execution.checkpointing.externalized-checkpoint-retention',
      default: 'NO_EXTERNALIZED_CHECKPOINTS',
      description: 'What becomes of the last checkpoint when the job ends or is cancelled.',
    },
  ),
  directory: option(stringType, {
    key: 'execution.checkpointing.dir',
    deprecatedKeys: ['state.checkpoints.dir', 'state.backend.fs.checkpointdir'],
    description: 'Folder of the checkpoints: a path or a URI. Each job has a folder with its id in it.',
    differs: {
      flink: 'unset',
      here: 'with HA `<storageDir>/<cluster-id>/checkpoints`',
      reason: 'HA without a place for state is a trap',
    },
    defaultText: 'with HA `<storageDir>/<cluster-id>/checkpoints`, else named at the start of a job',
  }),
  savepointDirectory: option(stringType, {
    key: 'execution.checkpointing.savepoint-dir',
    deprecatedKeys: ['state.savepoints.dir', 'savepoints.state.backend.fs.dir'],
    description: 'Folder of the savepoints that name none.',
  }),
  incremental: option(booleanType, {
    key: 'execution.checkpointing.incremental',
    deprecatedKeys: ['state.backend.incremental'],
    default: 'true',
    description: 'Write only what changed since the last completed checkpoint.',
    differs: { flink: 'false', here: 'true', reason: 'a checkpoint costs what changed, not what there is' },
  }),
  inlineThreshold: option(memoryType, {
    key: 'execution.checkpointing.data-inline-threshold',
    deprecatedKeys: ['state.storage.fs.memory-threshold', 'state.backend.fs.memory-threshold'],
    default: '20 kb',
    description: 'State of a subtask up to this size is written into `_metadata` instead of a file of its own.',
  }),
  afterTasksFinish: option(booleanType, {
    key: 'execution.checkpointing.checkpoints-after-tasks-finish',
    deprecatedKeys: ['execution.checkpointing.checkpoints-after-tasks-finish.enabled'],
    default: 'true',
    description:
      'Go on with checkpoints when some tasks have ended (a bounded source beside an unbounded one). Millrace always does.',
    isUsed: false,
  }),
  localBackup: option(booleanType, {
    key: 'execution.checkpointing.local-backup.enabled',
    deprecatedKeys: ['state.backend.local-recovery'],
    fallbackKeys: ['execution.state-recovery.from-local'],
    default: 'true',
    description:
      'A TaskManager keeps a second copy of the state that its tasks write, on its own disk. `millrace run` keeps none: its ' +
      'only process reads the checkpoint directory from the same machine.',
    differs: { flink: 'false', here: 'true', reason: 'restore where the task stays' },
  }),
  localBackupFolders: option(listType, {
    key: 'execution.checkpointing.local-backup.dirs',
    deprecatedKeys: ['taskmanager.state.local.root-dirs'],
    defaultText:
      '`process.working-dir`; with `millrace cluster start` the folder of the cluster; else a folder for temporary files that is ' +
      'on a disk, not in memory',
    description:
      'Folders for these copies. On the file system of the checkpoint directory a copy is a hard link and takes no space.',
  }),
  maxConcurrent: option(integerType({ min: 1 }), {
    key: 'execution.checkpointing.max-concurrent-checkpoints',
    default: '1',
    description: 'Checkpoints that may be in progress at the same time. Millrace takes one at a time.',
    isUsed: false,
  }),
};
