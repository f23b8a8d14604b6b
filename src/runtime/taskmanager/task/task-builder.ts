import { present } from '../../../foundation/common/assert.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { attemptId } from '../../../foundation/common/ids.ts';
import type { AttemptId, OperatorId } from '../../../foundation/common/ids.ts';
import { keyGroupRangeOf } from '../../../foundation/common/key-groups.ts';
import type { JobGraph, JobVertex } from '../../../pipeline/graph/job-graph.ts';
import type { Translation } from '../../../pipeline/graph/translate.ts';
import type { SourceBehavior } from '../../../pipeline/connectors/source.ts';
import type { Downstream, OperatorContext } from '../../../pipeline/operators/operator.ts';
import { OutputChannel } from '../../network/output-channel.ts';
import type { ChannelDescriptor, TaskRestore } from '../../protocol/task-commands.ts';
import type { ThreadDeployment } from '../thread-protocol.ts';
import { channelSelector } from './channel-selector.ts';
import { inputChannels } from './input-channels.ts';
import { GateInput } from './gate-input.ts';
import { InputGate } from './input-gate.ts';
import { OperatorChain } from './operator-chain.ts';
import { attributeTo } from './operator-failure.ts';
import type { OutputOfChain } from './operator-chain.ts';
import { ResultWriter } from './result-writer.ts';
import { SourceInput } from './source-input.ts';
import type { Task } from './task.ts';
import type { TaskEnvironment } from './task-environment.ts';
import type { TaskInput } from './task-input.ts';
import type { TaskParts } from './task-parts.ts';
import { TaskStateStore } from './task-state-store.ts';
import type { TaskStateFactories } from './task-state-store.ts';

export interface BuildOptions {
  readonly deployment: ThreadDeployment;
  readonly graph: JobGraph;
  readonly translation: Translation;
  readonly environment: TaskEnvironment;
  readonly stateFactories: (vertex: JobVertex, attempt: AttemptId) => TaskStateFactories;
}

/** The name of a channel in the exchange: it has both attempts, so generations never meet (I10). */
const channelKey = (edge: number, descriptor: ChannelDescriptor): string =>
  `${attemptId(descriptor.producer)}#${edge}#${attemptId(descriptor.consumer)}`;

export const vertexOf = (graph: JobGraph, deployment: Pick<ThreadDeployment, 'vertex'>): JobVertex =>
  present(
    graph.vertices.find((vertex) => vertex.id === deployment.vertex),
    `vertex ${deployment.vertex}`,
  );

/** Builds one task: state restored, operators wired, channels known; nothing flows before `input.open`. */
export const buildTask = async (task: Task, options: BuildOptions): Promise<TaskParts> => {
  const { deployment, environment, graph } = options;
  const vertex = vertexOf(graph, deployment);
  const { subtask } = deployment.attempt;
  const range = keyGroupRangeOf(subtask, vertex.maxParallelism, vertex.parallelism);
  const state = new TaskStateStore(options.stateFactories(vertex, task.attempt), range);
  if (deployment.restore !== undefined) {
    await restoreState(task, deployment.restore, state, environment);
  }
  const outputs = makeOutputs(task, vertex, options);
  const chain = new OperatorChain({
    vertex,
    translation: options.translation,
    outputs: outputs.map((output) => output.end),
    contextOf: (operatorId, operatorName, sideOutput) =>
      operatorContext(task, vertex, state, options, { operatorId, operatorName, sideOutput }),
  });
  const gate = makeGate(task, options);
  const input =
    vertex.operators[0]?.source === undefined
      ? gateInput(task, chain, gate, options)
      : sourceInput(task, vertex, chain, state, options);
  for (const { key, channel, operatorName } of outputs.flatMap((output) => output.channels)) {
    environment.exchange.registerProducer(key, { output: channel, operatorName });
  }
  const keys = [...deployment.outputs, ...deployment.inputs].flatMap(({ edge, channels }) =>
    channels.map((descriptor) => channelKey(edge, descriptor)),
  );
  const release = (): void => {
    for (const key of keys) {
      environment.exchange.release(key);
    }
  };
  return { chain, input, state, commitOnly: deployment.restore?.commitOnly === true, release };
};

/** In Flink's words, by which people and scripts find a restore. */
const restoreState = async (
  { title }: Task,
  restore: TaskRestore,
  state: TaskStateStore,
  { logger, openReader }: TaskEnvironment,
): Promise<void> => {
  const handle = `${restore.baseFolder} (id ${restore.checkpointId})`;
  logger.info(`${title}: Starting to restore from state handle: ${handle}.`);
  await state.restore(restore, openReader(restore.baseFolder));
  logger.info(`${title}: Finished restoring from state handle: ${handle}.`);
};

interface MadeOutput {
  readonly end: OutputOfChain;
  readonly channels: readonly {
    readonly key: string;
    readonly channel: OutputChannel;
    readonly operatorName: string;
  }[];
}

const makeOutputs = (task: Task, vertex: JobVertex, options: BuildOptions): MadeOutput[] => {
  const { deployment, environment, graph, translation } = options;
  return deployment.outputs.map(({ edge, channels }) => {
    const jobEdge = present(graph.edges[edge], `edge ${edge}`);
    const consumer = vertexOf(graph, { vertex: jobEdge.to });
    const operatorName = vertex.operators.find((operator) => operator.id === jobEdge.fromOperator)?.name ?? vertex.name;
    const made = channels.map((descriptor) => ({
      key: channelKey(edge, descriptor),
      channel: new OutputChannel({ drained: () => task.wake(), failed: (error) => task.fail(error) }),
      operatorName,
    }));
    const select = channelSelector(present(translation.partitionings[edge], 'partitioning'), {
      channels: channels.length,
      subtask: deployment.attempt.subtask,
      consumerMaxParallelism: consumer.maxParallelism,
      operatorName,
    });
    const writer = new ResultWriter({
      channels: made.map(({ channel }) => channel),
      select,
      batchBytes: environment.batchBytes,
      now: () => environment.clock.monotonic(),
    });
    return { end: { fromOperator: jobEdge.fromOperator, sideOutput: jobEdge.sideOutput, writer }, channels: made };
  });
};

const makeGate = (task: Task, { deployment, environment, graph }: BuildOptions): InputGate => {
  const producerOf = (edge: number): string => vertexOf(graph, { vertex: graph.edges[edge]!.from }).name;
  return new InputGate(
    inputChannels(deployment, environment),
    task,
    (reason, channel, lostInstanceId) =>
      new MillraceError('CHANNEL_LOST', `${task.title} lost a channel from '${producerOf(channel.edge)}': ${reason}`, {
        retryable: true,
        ...(lostInstanceId === undefined ? {} : { lostInstanceId }),
      }),
  );
};

const gateInput = (task: Task, chain: OperatorChain, gate: InputGate, options: BuildOptions): TaskInput => {
  const { deployment, environment, graph } = options;
  const descriptors = deployment.inputs.flatMap(({ edge, channels }) =>
    channels.map((descriptor) => ({ key: channelKey(edge, descriptor), producer: attemptId(descriptor.producer) })),
  );
  return new GateInput({
    gate,
    entry: chain.entry,
    owner: task,
    clock: environment.clock,
    exactlyOnce: graph.checkpointing?.mode !== 'at-least-once',
    floor: deployment.floor,
    connect: () => {
      for (const [index, { key, producer }] of descriptors.entries()) {
        const place = present(deployment.producers[producer], `place of ${producer}`);
        environment.exchange.registerConsumer(key, gate.channels[index]!, place);
      }
    },
  });
};

const sourceInput = (
  task: Task,
  vertex: JobVertex,
  chain: OperatorChain,
  state: TaskStateStore,
  options: BuildOptions,
): TaskInput => {
  const { deployment, environment, translation } = options;
  const operator = present(vertex.operators[0], 'source');
  const node = present(translation.nodeOf.get(operator.id), 'source node');
  return new SourceInput({
    behavior: node.behavior as SourceBehavior,
    operatorName: operator.name,
    jobName: deployment.jobName,
    subtask: deployment.attempt.subtask,
    parallelism: vertex.parallelism,
    entry: chain.entry,
    owner: task,
    clock: environment.clock,
    logger: environment.logger,
    floor: deployment.floor,
    splitState: state.operatorState(operator.id).list('source-splits', 'split'),
    requestSplit: () => environment.report({ kind: 'split-request', attempt: task.attempt, operatorId: operator.id }),
    registered: (held) =>
      environment.report({ kind: 'reader-registered', attempt: task.attempt, operatorId: operator.id, held }),
  });
};

const operatorContext = (
  task: Task,
  vertex: JobVertex,
  state: TaskStateStore,
  { deployment, environment, graph }: BuildOptions,
  own: {
    readonly operatorId: OperatorId;
    readonly operatorName: string;
    readonly sideOutput: (tag: string) => Downstream<unknown>;
  },
): OperatorContext => {
  const { attempt } = deployment;
  const asOwn = (run: () => void) => (): void =>
    environment.runAs(task, own, () => {
      try {
        run();
      } catch (thrown) {
        throw attributeTo(own.operatorName, thrown);
      }
    });
  return {
    operatorId: own.operatorId,
    operatorName: own.operatorName,
    jobId: attempt.job,
    jobName: deployment.jobName,
    subtask: attempt.subtask,
    parallelism: vertex.parallelism,
    maxParallelism: vertex.maxParallelism,
    generation: `${attempt.generation.epoch}.${attempt.generation.number}`,
    clock: environment.clock,
    logger: environment.logger,
    checkpointing: graph.checkpointing !== undefined,
    restoredCheckpointId: deployment.restore?.checkpointId,
    claimedJobId: deployment.restore?.claimedJobId,
    keyedState: () => state.keyedState(own.operatorId),
    get operatorState() {
      return state.operatorState(own.operatorId);
    },
    sideOutput: own.sideOutput,
    toClient: (channel, payload) => {
      task.sendsToClient = true;
      environment.toClient(attempt.job, channel, payload);
    },
    schedule: (atMs, run) => task.schedule(atMs, asOwn(run)),
    enqueue: (run) => task.enqueue(asOwn(run)),
    fail: (error) => task.fail(attributeTo(own.operatorName, error)),
  };
};
