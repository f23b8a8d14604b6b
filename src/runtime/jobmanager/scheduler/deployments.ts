import { present } from '../../../foundation/common/assert.ts';
import type { DataLocation } from '../../../foundation/common/data-location.ts';
import { attemptId } from '../../../foundation/common/ids.ts';
import type { AttemptId, AttemptRef } from '../../../foundation/common/ids.ts';
import type { ChannelDescriptor, EdgeChannels, JobProgram, TaskDeployment } from '../../protocol/task-commands.ts';
import type { Exchange, ExecutionGraph, Subtask } from './execution-graph.ts';
import type { RestorePlan } from './restore-plan.ts';
import type { SlotAssignment } from './slot-assignment.ts';

/** A slot of a job, by its place in the cluster. */
export interface SlotLocation {
  /** The TaskManager's number for it. */
  readonly slot: number;
  /** The data port of the slot's thread. */
  readonly data: DataLocation;
}

/** What does not change from one deployment of a job to the next. */
export interface DeploymentContext {
  readonly execution: ExecutionGraph;
  readonly slots: SlotAssignment;
  /**
   * Where a slot of the assignment is now; asked at each deployment, as a TaskManager that comes back has another instance
   * id and other ports. Missing: all slots are of one TaskManager, which knows its threads.
   */
  readonly locate?: ((slot: number) => SlotLocation) | undefined;
  readonly program: JobProgram;
  readonly checkpointFolder: string | undefined;
}

/** One start of whole regions. */
export interface RegionStart {
  /** The new attempts, by subtask index; all subtasks of each region. */
  readonly attempts: ReadonlyMap<number, AttemptRef>;
  readonly plan: RestorePlan | undefined;
  /** Subtasks that only commit what their restored state lists. */
  readonly commitOnly: ReadonlySet<number>;
  readonly floor: number;
}

/** Makes deployments that are complete in themselves. Channel numbers are unique in the job and never used again. */
export class DeploymentBuilder {
  readonly #context: DeploymentContext;
  #nextChannel = 1;

  constructor(context: DeploymentContext) {
    this.#context = context;
  }

  build(start: RegionStart): TaskDeployment[] {
    const { execution, slots, program, checkpointFolder } = this.#context;
    const channels = this.#channels(start);
    return [...start.attempts].map(([index, attempt]) => {
      const subtask = execution.subtask(index);
      const { vertex } = subtask;
      const commitOnly = start.commitOnly.has(index);
      const edges = (exchanges: readonly Exchange[], side: 'in' | 'out'): EdgeChannels[] =>
        commitOnly
          ? []
          : exchanges.map(({ edge }) => ({
              edge: edge.index,
              channels: channels.get(`${side}/${index}/${edge.index}`) ?? [],
            }));
      const inputs = edges(execution.inputsOf(vertex.id), 'in');
      return {
        attempt,
        jobName: execution.graph.name,
        graph: execution.graph,
        vertex: vertex.id,
        program,
        ...this.#place(slots.slotOf(subtask)),
        producers: this.#producers(inputs),
        inputs,
        outputs: edges(execution.outputsOf(vertex.id), 'out'),
        restore: start.plan?.taskRestore(subtask, commitOnly),
        floor: start.floor,
        checkpointFolder,
      };
    });
  }

  #place(slot: number): Pick<TaskDeployment, 'instanceId' | 'slot'> {
    const location = this.#context.locate?.(slot);
    return { instanceId: location?.data.instanceId, slot: location?.slot ?? slot };
  }

  #producers(inputs: readonly EdgeChannels[]): Readonly<Record<AttemptId, DataLocation>> {
    const { execution, slots, locate } = this.#context;
    if (locate === undefined) {
      return {};
    }
    return Object.fromEntries(
      inputs
        .flatMap(({ channels }) => channels)
        .map(({ producer }) => {
          const subtask = execution.subtask(execution.indexOf(producer.vertex, producer.subtask));
          return [attemptId(producer), locate(slots.slotOf(subtask)).data];
        }),
    );
  }

  /** The channels of the started subtasks, by side, subtask and edge; none from a subtask that had ended. */
  #channels(start: RegionStart): Map<string, ChannelDescriptor[]> {
    const { execution } = this.#context;
    const channels = new Map<string, ChannelDescriptor[]>();
    const add = (key: string, channel: ChannelDescriptor): void => {
      const list = channels.get(key);
      if (list === undefined) {
        channels.set(key, [channel]);
      } else {
        list.push(channel);
      }
    };
    for (const [index, consumer] of start.attempts) {
      const { vertex, subtask } = execution.subtask(index);
      if (start.commitOnly.has(index)) {
        continue;
      }
      for (const exchange of execution.inputsOf(vertex.id)) {
        const { first, last } = execution.producers(exchange, subtask);
        for (let from = first; from <= last; from++) {
          const producerIndex = execution.indexOf(exchange.from.id, from);
          if (!start.commitOnly.has(producerIndex)) {
            const producer = present(start.attempts.get(producerIndex), 'producer in the same region');
            const channel = { channel: this.#nextChannel++, producer, consumer };
            add(`in/${index}/${exchange.edge.index}`, channel);
            add(`out/${producerIndex}/${exchange.edge.index}`, channel);
          }
        }
      }
    }
    return channels;
  }
}

/** `Subtask` and `AttemptRef` of the same place. */
export const attemptRefOf = (
  subtask: Subtask,
  start: Pick<AttemptRef, 'job' | 'graphVersion' | 'generation'>,
): AttemptRef => ({
  job: start.job,
  graphVersion: start.graphVersion,
  vertex: subtask.vertex.id,
  subtask: subtask.subtask,
  generation: start.generation,
});
