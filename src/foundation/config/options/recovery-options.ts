import { booleanType, enumType, stringType } from '../option-type.ts';
import { option } from '../option.ts';

/** What a job starts from. */
export const recoveryOptions = {
  path: option(stringType, {
    key: 'execution.state-recovery.path',
    deprecatedKeys: ['execution.savepoint.path'],
    description: 'The savepoint or retained checkpoint to start from: its folder or its `_metadata` file.',
  }),
  claimMode: option(enumType(['NO_CLAIM', 'CLAIM']), {
    key: 'execution.state-recovery.claim-mode',
    deprecatedKeys: ['execution.savepoint-restore-mode'],
    default: 'NO_CLAIM',
    description: 'Who owns the files of that snapshot: with `CLAIM` the job deletes them when it no longer needs them.',
  }),
  fromLocal: option(booleanType, {
    key: 'execution.state-recovery.from-local',
    fallbackKeys: ['state.backend.local-recovery'],
    default: 'true',
    description:
      'Read state from the copies on the machine of the task where they are there, else from the checkpoint.',
    differs: { flink: 'false', here: 'true', reason: 'restore where the task stays' },
  }),
  ignoreUnclaimedState: option(booleanType, {
    key: 'execution.state-recovery.ignore-unclaimed-state',
    deprecatedKeys: ['execution.savepoint.ignore-unclaimed-state'],
    default: 'false',
    description:
      'Start even if the snapshot holds state of operators that the job no longer has; that state is dropped.',
  }),
  allowOlderCheckpoint: option(booleanType, {
    key: 'execution.state-recovery.allow-older-checkpoint',
    default: 'false',
    description:
      'When the newest checkpoint is broken and tasks have to start from one, start the whole job from the newest older one ' +
      'that can be read, although output that was committed since then is written again; the log names the sinks. Without it ' +
      'only jobs do so all of whose sinks bear repeats (`print`, `blackhole`, own ones that say `bearsRepeats`); others are set ' +
      'aside. Set for the JobManagers, it applies to all jobs that do not set it.',
    isFlink: false,
  }),
};
