import type { CheckpointId, JobId } from '../../../foundation/common/ids.ts';
import { attemptId } from '../../../foundation/common/ids.ts';
import type { StreamExecutionEnvironment } from '../../../pipeline/api/stream-execution-environment.ts';
import { job } from '../../../pipeline/api/job.ts';
import type { CheckpointingPlan } from '../../../pipeline/graph/job-graph.ts';
import { translate } from '../../../pipeline/graph/translate.ts';
import type { Translation } from '../../../pipeline/graph/translate.ts';
import { heapStateFactories } from '../../../process/state-factories.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import type { DiscardableTarget } from '../../checkpoint/checkpoint-target.ts';
import { attemptRefOf, DeploymentBuilder } from '../../jobmanager/scheduler/deployments.ts';
import { ExecutionGraph } from '../../jobmanager/scheduler/execution-graph.ts';
import type { RestorePlan } from '../../jobmanager/scheduler/restore-plan.ts';
import type { SlotTable } from '../../jobmanager/scheduler/slot-table.ts';
import { slotsInOrder } from '../../jobmanager/test-support/slots-in-order.ts';
import type { DataPlane } from '../../network/frame-port.ts';
import type { ProducerPlace } from '../../network/exchange.ts';
import type { CheckpointTrigger, JobProgram, TaskCommand, TaskReport } from '../../protocol/task-commands.ts';
import { MemoryStateStorage } from '../../state/memory-state-storage.ts';
import { createLocalFirstReader } from '../local-state/local-first-reader.ts';
import { TaskThread, type ThreadEffects } from '../task-thread.ts';
import type { ThreadReport } from '../thread-protocol.ts';

const PLAN: CheckpointingPlan = {
  intervalMs: 1000,
  mode: 'exactly-once',
  timeoutMs: 10_000,
  minPauseMs: 0,
  tolerableFailures: 0,
  numRetained: 1,
  retention: 'NO_EXTERNALIZED_CHECKPOINTS',
  incremental: true,
  inlineThresholdBytes: 1024,
};
const MEMORY = { reader: new MemoryStateStorage(), scheme: 'memory', folder: '/c' };
const PROGRAM: JobProgram = { modulePath: '/none', args: [], env: {}, configuration: {} };

export interface HarnessOptions {
  readonly checkpointing?: boolean;
  readonly parallelism?: number;
  readonly openTarget?: ThreadEffects['openTarget'];
  readonly openReader?: ThreadEffects['openReader'];
  readonly copiesOf?: ThreadEffects['copiesOf'];
  readonly dataPlane?: DataPlane;
}

/** One thread with all tasks of a job, on a clock and turns that the test moves. */
export class ThreadHarness {
  readonly clock = new ManualClock(1_000_000);
  readonly reports: ThreadReport[] = [];
  readonly thread: TaskThread;
  readonly execution: ExecutionGraph;
  readonly #translation: Translation;
  readonly #slots: SlotTable;
  readonly #turns: (() => void)[] = [];
  readonly #attempts = new Map<string, string>();
  #generation = 0;
  isStopped = false;
  /** Makes loading the program wait for the test. */
  loading: Promise<void> | undefined;

  constructor(build: (env: StreamExecutionEnvironment) => void, options: HarnessOptions = {}) {
    const built = job('test', build).build([], {});
    this.#translation = translate(built.graph, {
      defaultParallelism: options.parallelism ?? 1,
      defaultMaxParallelism: 128,
      chaining: true,
      checkpointing: options.checkpointing === true ? PLAN : undefined,
      settings: built.settings,
    });
    this.execution = new ExecutionGraph(this.#translation.jobGraph);
    this.#slots = slotsInOrder(this.execution);
    this.thread = new TaskThread(
      {
        index: 0,
        bufferTimeoutMs: 0,
        batchBytes: 1024,
        channelCredit: 2,
        floatingCredit: 8,
        inlineThresholdBytes: 0,
        metricsIntervalMs: 500,
      },
      {
        clock: this.clock,
        nextTurn: (run) => void this.#turns.push(run),
        send: (report) => void this.reports.push(structuredClone(report)),
        load: async () => {
          await this.loading;
          return this.#translation;
        },
        stateFactories: heapStateFactories,
        openTarget: options.openTarget ?? ((): DiscardableTarget => memoryTarget()),
        openReader: options.openReader ?? (() => createLocalFirstReader(MEMORY, undefined, false)),
        ...(options.copiesOf === undefined ? {} : { copiesOf: options.copiesOf }),
        ...(options.dataPlane === undefined ? {} : { dataPlane: options.dataPlane }),
        memory: () => ({ heapUsedBytes: 0, arrayBufferBytes: 0 }),
        collectGarbage: () => {},
        stopped: () => {
          this.isStopped = true;
        },
      },
    );
  }

  /** Starts every subtask as a new generation; without a plan it has no state. */
  deploy(plan?: RestorePlan): void {
    this.#generation++;
    const { execution } = this;
    const generation = { epoch: 1, number: this.#generation };
    const start = { job: 'a'.repeat(32) as JobId, graphVersion: 1, generation };
    const attempts = new Map(execution.subtasks.map((subtask) => [subtask.index, attemptRefOf(subtask, start)]));
    for (const subtask of execution.subtasks) {
      const name = `${subtask.vertex.name}/${subtask.subtask}`;
      this.#attempts.set(name, attemptId(attempts.get(subtask.index)!));
    }
    const builder = new DeploymentBuilder({ execution, slots: this.#slots, program: PROGRAM, checkpointFolder: '/c' });
    const tasks = builder.build({ attempts, plan, commitOnly: new Set(), floor: 0 });
    const here: ProducerPlace = { kind: 'thread', thread: 0 };
    const producers = Object.fromEntries([...attempts.values()].map((ref) => [attemptId(ref), here]));
    this.thread.handle({
      kind: 'deploy',
      graph: execution.graph,
      program: PROGRAM,
      tasks: tasks.map(({ graph: _graph, program: _program, ...deployment }) => ({ ...deployment, producers })),
    });
  }

  /** The newest attempt of a vertex (by its name, or the start of it) and subtask. */
  attempt(vertex: string, subtask = 0): string {
    const names = [...this.#attempts.keys()];
    const name = names.find((each) => each.startsWith(vertex) && each.endsWith(`/${subtask}`));
    if (name === undefined) {
      throw new Error(`no ${vertex}/${subtask} among ${names.join(', ')}`);
    }
    return this.#attempts.get(name)!;
  }

  command(vertex: string, command: TaskCommand, subtask = 0): void {
    this.thread.handle({ kind: 'command', attempt: this.attempt(vertex, subtask) as never, command });
  }

  trigger(vertex: string, id: number, stop: CheckpointTrigger['stop'] = 'no'): void {
    const trigger: CheckpointTrigger = {
      checkpointId: id as CheckpointId,
      timestampMs: 0,
      base: undefined,
      kind: stop === 'no' ? 'checkpoint' : 'savepoint',
      folder: '/c',
      stop,
    };
    this.command(vertex, { kind: 'trigger', trigger });
  }

  decide(kind: 'completed' | 'aborted' | 'floor', id: number, ...vertices: string[]): void {
    for (const vertex of vertices) {
      this.command(vertex, { kind, checkpointId: id as CheckpointId });
    }
  }

  /** Runs turns and promises until nothing is left to do now. */
  async settle(): Promise<void> {
    for (let quiet = 0, rounds = 0; quiet < 3; rounds++) {
      if (rounds > 10_000) {
        throw new Error('it does not come to rest');
      }
      const turns = this.#turns.splice(0);
      turns.forEach((run) => run());
      // A macrotask: everything that is promised and needs no timer has run by then.
      await new Promise((resolve) => setImmediate(resolve));
      quiet = turns.length === 0 && this.#turns.length === 0 ? quiet + 1 : 0;
    }
  }

  /** So many turns, whatever is left. */
  async turns(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.#turns.splice(0).forEach((run) => run());
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** What tasks reported: `vertex STATE`, in order. */
  states(): string[] {
    return this.#taskReports().flatMap((report) =>
      report.kind === 'state' ? [`${this.#nameOf(report.attempt)} ${report.state}`] : [],
    );
  }

  /** The messages of failed tasks. */
  errors(): string[] {
    return this.#taskReports().flatMap((report) =>
      report.kind === 'state' && report.state === 'FAILED' ? [report.error?.message ?? ''] : [],
    );
  }

  acknowledged(id: number): { readonly vertex: string; readonly final: boolean }[] {
    return this.#taskReports().flatMap((report) =>
      report.kind === 'acknowledge' && report.checkpointId === id
        ? [{ vertex: this.#nameOf(report.attempt), final: report.final }]
        : [],
    );
  }

  declined(id: number): string[] {
    return this.#taskReports().flatMap((report) =>
      report.kind === 'decline' && report.checkpointId === id ? [report.error.message] : [],
    );
  }

  #taskReports(): TaskReport[] {
    return this.reports.flatMap((report) => (report.kind === 'task' ? [report.report] : []));
  }

  #nameOf(attempt: string): string {
    const [, , vertex] = attempt.split('/');
    return this.execution.subtasks.find((subtask) => subtask.vertex.id === vertex)?.vertex.name ?? attempt;
  }
}

const memoryTarget = (): DiscardableTarget => {
  const storage = new MemoryStateStorage(1_000_000);
  return {
    writtenBytes: 0,
    writeState: (scope, content, known) => storage.writeState(scope, content, known),
    discard: () => Promise.resolve(),
  };
};
