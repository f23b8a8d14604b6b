import type { JobId } from '../foundation/common/ids.ts';
import type { Logger } from '../foundation/common/logger.ts';
import type { ReadAhead } from '../foundation/common/read-ahead.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { jobManagerOptions } from '../foundation/config/options/jobmanager-options.ts';
import { recoveryOptions } from '../foundation/config/options/recovery-options.ts';
import { restartOptions } from '../foundation/config/options/restart-options.ts';
import { fileEnumerator } from '../pipeline/connectors/file/file-enumerator.ts';
import { staticSplitsEnumerator } from '../pipeline/connectors/static-splits-enumerator.ts';
import type { JobGraph } from '../pipeline/graph/job-graph.ts';
import type { CheckpointMetadata } from '../runtime/checkpoint/metadata.ts';
import { FileCheckpointStorage } from '../runtime/jobmanager/checkpoint-coordinator/file-checkpoint-storage.ts';
import type { JobMasterOptions } from '../runtime/jobmanager/jobmaster/job-master-options.ts';
import type { UserCodeOptions } from '../runtime/jobmanager/split-coordination/user-code-thread.ts';
import type { JobProgram } from '../runtime/protocol/task-commands.ts';
import { hasOwnEnumerators } from './enumerator-factories.ts';
import { restartStrategyOf, threadSettingsOf, userCodeLimitsOf } from './job-settings.ts';
import { startUserCodeThread, type UserCodeThreadOptions } from './start-user-code-thread.ts';

const ENUMERATORS = [staticSplitsEnumerator, fileEnumerator];

export interface JobMasterSettings {
  readonly jobId: JobId;
  readonly graph: JobGraph;
  readonly program: JobProgram;
  /** With what the job set over it. */
  readonly configuration: Configuration;
  /** `<checkpoints.dir>/<job id>`; `undefined`: no checkpoints. */
  readonly checkpointFolder: string | undefined;
  readonly logger: Logger;
  /** Metadata of checkpoints that was read while this process was a standby. */
  readonly ahead?: ReadAhead<CheckpointMetadata>;
}

/** What a JobMaster gets of its job, whether it runs in a process of its own or on a cluster. */
export const jobMasterSettings = ({
  jobId,
  graph,
  program,
  configuration,
  checkpointFolder,
  logger,
  ahead,
}: JobMasterSettings): Pick<
  JobMasterOptions,
  | 'jobId'
  | 'graph'
  | 'program'
  | 'clock'
  | 'random'
  | 'logger'
  | 'storage'
  | 'checkpointFolder'
  | 'enumerators'
  | 'restartStrategy'
  | 'failover'
  | 'allowOlderCheckpoint'
> => ({
  jobId,
  graph,
  program,
  clock: systemClock,
  random: systemRandom,
  logger,
  storage: new FileCheckpointStorage({
    jobId,
    checkpointFolder,
    inlineThresholdBytes: threadSettingsOf(configuration, graph.checkpointing).inlineThresholdBytes,
    logger,
    random: systemRandom,
    ahead,
  }),
  checkpointFolder,
  enumerators: ENUMERATORS,
  restartStrategy: restartStrategyOf(configuration),
  failover: configuration.get(restartOptions.failoverStrategy) === 'full' ? 'full' : 'region',
  allowOlderCheckpoint: configuration.get(recoveryOptions.allowOlderCheckpoint),
});

/** Enumerators that the job's sources bring along, in a thread of their own (R13); `undefined`: there are none. */
export const userCodeInThread = (
  { graph, program, configuration }: Pick<JobMasterSettings, 'graph' | 'program' | 'configuration'>,
  console: UserCodeThreadOptions['console'],
): UserCodeOptions | undefined =>
  hasOwnEnumerators(graph)
    ? {
        start: startUserCodeThread({
          program,
          graph,
          limits: userCodeLimitsOf(configuration),
          clock: systemClock,
          console,
        }),
        timeoutMs: configuration.get(jobManagerOptions.userCodeTimeout),
      }
    : undefined;
