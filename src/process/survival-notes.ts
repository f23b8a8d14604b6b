import type { Configuration } from '../foundation/config/configuration.ts';
import { highAvailabilityOptions } from '../foundation/config/options/high-availability-options.ts';
import { restartOptions } from '../foundation/config/options/restart-options.ts';
import type { JobGraph } from '../pipeline/graph/job-graph.ts';
import { defaultRestartStrategy } from '../runtime/jobmanager/failover/restart-strategy.ts';
import { restartStrategyOf } from './job-settings.ts';

/** What of a job in a cluster does not survive what: said at its submission and on its page; nothing where all of it survives. */
export const survivalNotes = (
  configuration: Configuration,
  { checkpointing }: Pick<JobGraph, 'checkpointing'>,
): readonly string[] => {
  const isHighlyAvailable = configuration.get(highAvailabilityOptions.type) !== 'none';
  if (!isHighlyAvailable) {
    const { type } = highAvailabilityOptions;
    const away =
      checkpointing === undefined
        ? 'Checkpointing is off too (env.enableCheckpointing): nothing of it is left then'
        : 'Its checkpoints stay: "millrace run --fromSavepoint <checkpoint> <job file>" resumes it by hand';
    return [
      `A crash of the JobManager loses this job (${type.key}: none). ${away}`,
      ...onTaskManagerLoss(configuration, checkpointing),
    ];
  }
  return checkpointing === undefined
    ? [
        'Checkpointing is off (env.enableCheckpointing): a failover of the JobManager keeps the tasks, and so their state',
        ...onTaskManagerLoss(configuration, checkpointing),
        'A stop and start of the whole cluster runs this job from the beginning',
      ]
    : [];
};

const onTaskManagerLoss = (
  configuration: Configuration,
  checkpointing: JobGraph['checkpointing'],
): readonly string[] => {
  if (checkpointing !== undefined) {
    return [];
  }
  const { kind } = restartStrategyOf(configuration) ?? defaultRestartStrategy(false);
  return [
    kind === 'none'
      ? `The loss of a TaskManager fails this job: without checkpointing it is not restarted unless ${restartOptions.type.key} is set`
      : `The loss of a TaskManager restarts this job with empty state (${restartOptions.type.key}: ${kind})`,
  ];
};
