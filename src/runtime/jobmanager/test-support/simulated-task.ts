import { present } from '../../../foundation/common/assert.ts';
import { errorInfo, type ErrorInfo } from '../../../foundation/common/errors.ts';
import { attemptId, type AttemptId } from '../../../foundation/common/ids.ts';
import type { CheckpointTrigger, TaskCommand, TaskDeployment } from '../../protocol/task-commands.ts';
import type { OperatorSubtaskState } from '../../state/state-handle.ts';
import type { Element, SimulatedSplit, TaskMemory, TaskSurroundings, Transaction } from './simulated-surroundings.ts';

/**
 * A task as small as it can be and still be exactly-once: sources read splits, everything passes records on, tasks
 * without outputs are sinks that prepare at a barrier and commit on `completed` (R3). Aligned barriers.
 */
export class SimulatedTask {
  readonly id: AttemptId;
  readonly deployment: TaskDeployment;
  readonly #surroundings: TaskSurroundings;
  readonly #queues = new Map<number, Element[]>();
  readonly #blocked = new Set<number>();
  readonly #endedChannels = new Set<number>();
  readonly #outputs: readonly (readonly number[])[];
  readonly #operatorId: string;
  readonly #isSource: boolean;
  readonly #isSink: boolean;
  readonly #commands: TaskCommand[] = [];
  phase: 'deploying' | 'initializing' | 'running' | 'ended' | 'gone' = 'deploying';
  #splits: SimulatedSplit[] = [];
  #noMoreSplits = false;
  #requested = false;
  #stopped: number | undefined;
  #aligning: CheckpointTrigger | undefined;
  #floor: number;
  /** Checkpoints that cover its end. An abort of an older one may come after the barrier of the next. */
  readonly #finalIds = new Set<number>();
  #values: string[] = [];
  #prepared: Transaction[] = [];
  #counter = 0;

  constructor(deployment: TaskDeployment, surroundings: TaskSurroundings) {
    this.id = attemptId(deployment.attempt);
    this.deployment = deployment;
    this.#surroundings = surroundings;
    const vertex = present(
      deployment.graph.vertices.find(({ id }) => id === deployment.vertex),
      'vertex',
    );
    const [operator] = vertex.operators;
    this.#operatorId = present(operator, 'operator').id;
    this.#isSource = operator?.source !== undefined;
    this.#isSink = !deployment.graph.edges.some(({ from }) => from === vertex.id);
    for (const { channels } of deployment.inputs) {
      for (const { channel } of channels) {
        this.#queues.set(channel, []);
      }
    }
    this.#outputs = deployment.outputs.map(({ channels }) => channels.map(({ channel }) => channel));
    this.#floor = deployment.floor;
  }

  get isCommitOnly(): boolean {
    return this.deployment.restore?.commitOnly === true;
  }

  receive(channel: number, element: Element): void {
    present(this.#queues.get(channel), `channel ${channel} of ${this.id}`).push(element);
  }

  command(command: TaskCommand): void {
    this.#commands.push(command);
  }

  fail(message: string): void {
    this.failWith({ name: 'Error', message });
  }

  failWith(error: ErrorInfo): void {
    this.phase = 'gone';
    this.#state('FAILED', error);
  }

  /** One step; false when there is nothing to do. */
  step(): boolean {
    switch (this.phase) {
      case 'deploying':
        this.phase = 'initializing';
        this.#state('INITIALIZING');
        return true;
      case 'initializing':
        this.#initialize();
        return true;
      case 'running':
      case 'ended':
        return this.#takeCommand() || this.#work();
      default:
        return false;
    }
  }

  #initialize(): void {
    if (this.#commands.some(({ kind }) => kind === 'cancel')) {
      this.phase = 'gone';
      this.#state('CANCELED');
      return;
    }
    try {
      this.#restore();
    } catch (error) {
      return this.failWith(errorInfo(error));
    }
    if (this.isCommitOnly) {
      this.phase = 'gone';
      this.#state('FINISHED');
      return;
    }
    this.phase = 'running';
    if (this.#isSource) {
      this.#surroundings.report({
        kind: 'reader-registered',
        attempt: this.id,
        operatorId: this.#operatorId as never,
        held: this.#splits,
      });
    }
    this.#state('RUNNING');
  }

  #restore(): void {
    const { restore, attempt, graph, vertex } = this.deployment;
    const own = restore?.operators.find(({ operatorId }) => operatorId === this.#operatorId);
    if (restore === undefined || own === undefined) {
      return;
    }
    const parallelism = present(
      graph.vertices.find(({ id }) => id === vertex),
      'vertex',
    ).parallelism;
    own.operatorStates.forEach(({ operatorState }, subtask) => {
      if (operatorState !== undefined) {
        const memory = JSON.parse(this.#surroundings.files.read(restore.baseFolder, operatorState)) as TaskMemory;
        if (subtask % parallelism === attempt.subtask) {
          this.#splits.push(...memory.splits);
          memory.prepared.forEach(({ name, values }) => this.#surroundings.commit(name, values));
        }
      }
    });
  }

  #takeCommand(): boolean {
    const command = this.#commands.shift();
    if (command === undefined) {
      return false;
    }
    switch (command.kind) {
      case 'trigger':
        this.#triggered(command.trigger);
        break;
      case 'completed':
        this.#completed(command.checkpointId);
        break;
      case 'aborted':
        this.#aborted(command.checkpointId);
        break;
      case 'floor':
        this.#released(command.checkpointId);
        break;
      case 'splits':
        this.#requested = false;
        this.#splits.push(...(command.splits as readonly SimulatedSplit[]));
        break;
      case 'no-more-splits':
        this.#noMoreSplits = true;
        break;
      case 'cancel':
        this.phase = 'gone';
        this.#state('CANCELED');
    }
    return true;
  }

  #work(): boolean {
    return this.#isSource ? this.#readSplit() : this.#takeElement();
  }

  #readSplit(): boolean {
    if (this.phase !== 'running' || this.#stopped !== undefined) {
      return false;
    }
    const place = this.#surroundings.random.int(Math.max(1, this.#splits.length));
    const split = this.#splits[place];
    if (split === undefined) {
      if (this.#noMoreSplits) {
        this.#end();
        return true;
      }
      if (!this.#requested) {
        this.#requested = true;
        this.#surroundings.report({
          kind: 'split-request',
          attempt: this.id,
          operatorId: this.#operatorId as never,
        });
        return true;
      }
      return false;
    }
    this.#emit(`${split.id}:${split.next}`);
    if (split.next + 1 >= split.count) {
      this.#splits.splice(place, 1);
    } else {
      this.#splits[place] = { ...split, next: split.next + 1 };
    }
    return true;
  }

  #takeElement(): boolean {
    const ready = [...this.#queues].filter(([channel, queue]) => queue.length > 0 && !this.#blocked.has(channel));
    const [channel, queue] = ready[this.#surroundings.random.int(Math.max(1, ready.length))] ?? [];
    const element = queue?.shift();
    if (channel !== undefined && element !== undefined) {
      this.#take(channel, element);
      return true;
    }
    if (this.phase === 'running' && this.#allInputsEnded) {
      this.#end();
      return true;
    }
    return false;
  }

  #take(channel: number, element: Element): void {
    switch (element.kind) {
      case 'record':
        return this.#isSink ? void this.#values.push(element.value) : this.#emit(element.value);
      case 'end':
        this.#endedChannels.add(channel);
        return this.#alignIfComplete();
      case 'barrier': {
        const { checkpointId } = element.trigger;
        if (checkpointId <= this.#floor) {
          return;
        }
        if (this.#aligning !== undefined && this.#aligning.checkpointId < checkpointId) {
          this.#release();
        }
        this.#aligning ??= element.trigger;
        this.#blocked.add(channel);
        return this.#alignIfComplete();
      }
    }
  }

  get #allInputsEnded(): boolean {
    return [...this.#queues.keys()].every((channel) => this.#endedChannels.has(channel));
  }

  #alignIfComplete(): void {
    const trigger = this.#aligning;
    const waits = [...this.#queues.keys()].some(
      (channel) => !this.#blocked.has(channel) && !this.#endedChannels.has(channel),
    );
    if (trigger !== undefined && !waits) {
      this.#release();
      if (this.phase === 'running' && this.#allInputsEnded) {
        this.#end();
      }
      this.#snapshot(trigger);
    }
  }

  #release(): void {
    this.#floor = Math.max(this.#floor, this.#aligning?.checkpointId ?? 0);
    this.#aligning = undefined;
    this.#blocked.clear();
  }

  #triggered(trigger: CheckpointTrigger): void {
    if (trigger.checkpointId <= this.#floor) {
      return;
    }
    this.#floor = trigger.checkpointId;
    if (this.#isSource && this.phase === 'running' && trigger.stop === 'drain') {
      this.#end();
    } else if (this.#isSource && trigger.stop === 'suspend') {
      this.#stopped = trigger.checkpointId;
    } else if (this.phase === 'running' && !this.#isSource) {
      this.#end();
    }
    this.#snapshot(trigger);
  }

  #snapshot(trigger: CheckpointTrigger): void {
    const { checkpointId } = trigger;
    const { attempt } = this.deployment;
    if (this.#surroundings.fault(0.03)) {
      this.#forward({ kind: 'barrier', trigger });
      const error = { name: 'Error', message: 'disk full' };
      this.#surroundings.report({ kind: 'decline', attempt: this.id, checkpointId, error });
      return;
    }
    if (this.#isSink && this.#values.length > 0) {
      const generation = `${attempt.generation.epoch}.${attempt.generation.number}`;
      const name = `${attempt.job}-${this.#operatorId}-${attempt.subtask}-${generation}-${this.#counter++}`;
      this.#prepared.push({ name, checkpointId, values: this.#values });
      this.#values = [];
    }
    this.#forward({ kind: 'barrier', trigger });
    const final = this.phase === 'ended' || trigger.stop !== 'no';
    if (final) {
      this.#finalIds.add(checkpointId);
    }
    const memory: TaskMemory = { splits: this.#splits, prepared: this.#prepared };
    const place = trigger.kind === 'savepoint' ? '' : `chk-${checkpointId}`;
    const operatorState = this.#surroundings.files.write(trigger.folder, place, JSON.stringify(memory));
    const state: Record<string, OperatorSubtaskState> = { [this.#operatorId]: { keyed: [], operatorState } };
    this.#surroundings.report({
      kind: 'acknowledge',
      attempt: this.id,
      checkpointId,
      state,
      final,
      alignmentMs: 0,
      syncMs: 0,
      asyncMs: 0,
      writtenBytes: 1,
    });
  }

  #completed(checkpointId: number): void {
    for (
      let next = this.#prepared[0];
      next !== undefined && next.checkpointId <= checkpointId;
      next = this.#prepared[0]
    ) {
      if (this.#surroundings.fault(0.03)) {
        return this.fail('commit failed');
      }
      this.#surroundings.commit(next.name, next.values);
      this.#prepared = this.#prepared.slice(1);
    }
    if ([...this.#finalIds].some((id) => id <= checkpointId)) {
      this.phase = 'gone';
      this.#state('FINISHED');
    }
  }

  #aborted(checkpointId: number): void {
    this.#floor = Math.max(this.#floor, checkpointId);
    if (this.#aligning !== undefined && this.#aligning.checkpointId <= checkpointId) {
      this.#release();
    }
    if (this.#stopped === checkpointId) {
      this.#stopped = undefined;
    }
    this.#finalIds.delete(checkpointId);
  }

  /** A new leader knows of no checkpoint up to this one but the completed ones (R10). */
  #released(floor: number): void {
    const stopped = this.#stopped;
    this.#aborted(stopped !== undefined && stopped <= floor ? stopped : floor);
    this.#floor = Math.max(this.#floor, floor);
    [...this.#finalIds].filter((id) => id <= floor).forEach((id) => this.#finalIds.delete(id));
  }

  #emit(value: string): void {
    for (const channels of this.#outputs) {
      const channel = channels[this.#surroundings.random.int(channels.length)];
      this.#surroundings.send(present(channel, 'channel'), { kind: 'record', value });
    }
  }

  #forward(element: Element): void {
    for (const channel of this.#outputs.flat()) {
      this.#surroundings.send(channel, element);
    }
  }

  #end(): void {
    this.phase = 'ended';
    this.#forward({ kind: 'end' });
    if (this.#surroundings.checkpointing) {
      this.#surroundings.report({ kind: 'ended', attempt: this.id });
      return;
    }
    if (this.#values.length > 0) {
      this.#surroundings.commit(`${this.id}-end`, this.#values);
    }
    this.phase = 'gone';
    this.#state('FINISHED');
  }

  #state(state: 'INITIALIZING' | 'RUNNING' | 'FINISHED' | 'CANCELED' | 'FAILED', error?: ErrorInfo): void {
    const failure = error === undefined ? {} : { error };
    this.#surroundings.report({ kind: 'state', attempt: this.id, state, ...failure });
  }
}
