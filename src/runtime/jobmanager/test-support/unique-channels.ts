import type { EdgeChannels, TaskDeployment } from '../../protocol/task-commands.ts';

/** Across leaders, where real tasks tell channels apart by their attempts. */
export const withUniqueChannels = (deployment: TaskDeployment): TaskDeployment => {
  const { epoch } = deployment.attempt.generation;
  const unique = ({ edge, channels }: EdgeChannels): EdgeChannels => ({
    edge,
    channels: channels.map((descriptor) => ({ ...descriptor, channel: epoch * 1_000_000 + descriptor.channel })),
  });
  return { ...deployment, inputs: deployment.inputs.map(unique), outputs: deployment.outputs.map(unique) };
};
