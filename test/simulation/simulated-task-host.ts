import type { DataLocation } from '../../src/foundation/common/data-location.ts';
import { present } from '../../src/foundation/common/assert.ts';
import type { Fence } from '../../src/foundation/common/fence.ts';
import { attemptId, type AttemptId } from '../../src/foundation/common/ids.ts';
import type { Random } from '../../src/foundation/common/random.ts';
import type { TaskManagerRegistration } from '../../src/runtime/protocol/cluster-protocol.ts';
import type {
  AttemptReport,
  JobMasterGateway,
  TaskCommand,
  TaskDeployment,
  TaskReport,
} from '../../src/runtime/protocol/task-commands.ts';
import type { StateHandle } from '../../src/runtime/state/state-handle.ts';
import { SimulatedFiles } from '../../src/runtime/jobmanager/test-support/simulated-stores.ts';
import { SimulatedTask } from '../../src/runtime/jobmanager/test-support/simulated-task.ts';
import { withUniqueChannels } from '../../src/runtime/jobmanager/test-support/unique-channels.ts';
import { AttemptLedger } from '../../src/runtime/taskmanager/attempt-ledger.ts';
import type { FollowedTasks } from '../../src/runtime/taskmanager/leader-follower.ts';

/** State that travels in the metadata: its files are the JobManager's to write. */
class InlineFiles extends SimulatedFiles {
  override write(_folder: string, _place: string, content: string): StateHandle {
    return { kind: 'inline', bytes: Buffer.from(content) };
  }

  override read(_folder: string, handle: StateHandle): string {
    return Buffer.from(handle.kind === 'inline' ? handle.bytes : []).toString();
  }
}

/** The tasks of one TaskManager: simulated ones, with the table that real ones have. */
export class SimulatedTaskHost implements FollowedTasks {
  /** Names of transactions that were committed, and their records. */
  readonly committed = new Map<string, readonly string[]>();
  /** Steps that a task goes on before it hears that it is cancelled. */
  cancelDelay = 0;
  readonly slots: number;
  deployments = 0;
  /** Attempts that were deployed while others of another version of their job's graph ran (R1). */
  readonly overlaps: AttemptId[] = [];
  readonly #random: Random;
  readonly #files = new InlineFiles();
  readonly #ledger = new AttemptLedger();
  readonly #tasks = new Map<AttemptId, SimulatedTask>();
  readonly #consumers = new Map<number, SimulatedTask>();
  #leader: JobMasterGateway | undefined;
  #steps = 0;
  #late: { readonly atStep: number; readonly task: SimulatedTask }[] = [];

  constructor(slots: number, random: Random) {
    this.slots = slots;
    this.#random = random;
  }

  registration(rpcAddress: string, instanceId: string): TaskManagerRegistration {
    const { slots } = this;
    const data = Array.from({ length: slots }, (_, thread): DataLocation => ({
      host: 'tm',
      port: 1,
      instanceId,
      thread,
    }));
    return { resourceId: 'tm', instanceId, rpcAddress, data, slots, memoryBytes: 1, cores: 1 };
  }

  get output(): readonly string[] {
    return [...this.committed.values()].flat().sort();
  }

  get live(): readonly SimulatedTask[] {
    return [...this.#tasks.values()].filter(({ phase }) => phase !== 'gone');
  }

  /** Each task in some order goes a step on. */
  step(): void {
    this.#steps++;
    this.#late.filter(({ atStep }) => atStep <= this.#steps).forEach(({ task }) => task.command({ kind: 'cancel' }));
    this.#late = this.#late.filter(({ atStep }) => atStep > this.#steps);
    const tasks = [...this.live];
    while (tasks.length > 0) {
      tasks.splice(this.#random.int(tasks.length), 1)[0]?.step();
    }
  }

  get reports(): readonly AttemptReport[] {
    return this.#ledger.reports;
  }

  register(leader: JobMasterGateway | undefined): void {
    this.#leader = leader;
  }

  deploy(_fence: Fence, deployments: readonly TaskDeployment[]): void {
    for (const deployment of deployments.map(withUniqueChannels)) {
      this.deployments++;
      const { job, graphVersion } = deployment.attempt;
      const isOfAnother = ({ deployment: { attempt } }: SimulatedTask): boolean =>
        attempt.job === job && attempt.graphVersion !== graphVersion;
      if (this.live.some(isOfAnother)) {
        this.overlaps.push(attemptId(deployment.attempt));
      }
      this.#ledger.deployed(deployment);
      const task = new SimulatedTask(deployment, {
        random: this.#random,
        files: this.#files,
        checkpointing: deployment.graph.checkpointing !== undefined,
        report: (report) => this.#reported(report),
        send: (channel, element) => this.#consumers.get(channel)?.receive(channel, element),
        commit: (name, values) => this.committed.set(name, values),
        fault: () => false,
      });
      this.#tasks.set(task.id, task);
      for (const { channel } of deployment.inputs.flatMap(({ channels }) => channels)) {
        this.#consumers.set(channel, task);
      }
    }
  }

  command(_fence: Fence, attempt: AttemptId, command: TaskCommand): void {
    const rest = this.#ledger.commanded(attempt, command);
    const task = this.#tasks.get(attempt);
    if (task !== undefined && task.phase !== 'gone' && command.kind === 'cancel' && this.cancelDelay > 0) {
      this.#late.push({ atStep: this.#steps + this.cancelDelay, task });
    } else if (task !== undefined && task.phase !== 'gone') {
      task.command(rest);
    } else if (command.kind === 'cancel') {
      this.#reported({ kind: 'state', attempt, state: 'CANCELED' });
    }
  }

  /** User code throws in one of the tasks. */
  fail(): void {
    const task = present(this.live[this.#random.int(this.live.length)], 'task');
    task.fail('user code threw');
  }

  releaseJob(_fence: Fence, job: string): void {
    this.#ledger.released(job);
  }

  limitAlignments(): void {}

  cancelAll(): Promise<void> {
    throw new Error('a leader is always there again before the absence limit');
  }

  startAfresh(): void {
    throw new Error('there is one lineage');
  }

  #reported(report: TaskReport): void {
    if (this.#ledger.reported(report)) {
      this.#leader?.report(report);
    }
  }
}
