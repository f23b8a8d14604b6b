import { attemptId } from '../../foundation/common/ids.ts';
import type { AttemptId } from '../../foundation/common/ids.ts';
import type { ProducerPlace } from '../network/exchange.ts';
import type { TaskDeployment } from '../protocol/task-commands.ts';
import type { ThreadCommand } from './thread-protocol.ts';

/** What one thread is told about tasks of one job; at least one. `placeOf`: where a task finds a producer. */
export const deployCommand = (
  deployments: readonly TaskDeployment[],
  placeOf: (producer: AttemptId, producers: TaskDeployment['producers']) => ProducerPlace,
): ThreadCommand => {
  const [first] = deployments;
  return {
    kind: 'deploy',
    graph: first!.graph,
    program: first!.program,
    tasks: deployments.map(({ graph: _graph, program: _program, ...deployment }) => ({
      ...deployment,
      producers: Object.fromEntries(
        deployment.inputs
          .flatMap((input) => input.channels)
          .map(({ producer }) => [attemptId(producer), placeOf(attemptId(producer), deployment.producers)]),
      ),
    })),
  };
};
