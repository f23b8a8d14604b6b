import { attemptId, type AttemptId, type CheckpointId } from '../../foundation/common/ids.ts';
import type { Fence } from '../../foundation/common/fence.ts';
import type { TaskManagerRegistration } from '../../runtime/protocol/cluster-protocol.ts';
import type {
  AttemptReport,
  JobMasterGateway,
  TaskCommand,
  TaskDeployment,
  TaskReport,
} from '../../runtime/protocol/task-commands.ts';
import type { SubtaskState } from '../../runtime/state/state-handle.ts';
import { AttemptLedger } from '../../runtime/taskmanager/attempt-ledger.ts';
import type { FollowedTasks } from '../../runtime/taskmanager/leader-follower.ts';

const NO_TIMES = { alignmentMs: 0, syncMs: 0, asyncMs: 0, writtenBytes: 0 };

/** Tasks as a leader sees them, without a thread or a record behind them: they start, take splits and acknowledge. */
export class RehearsedTasks implements FollowedTasks {
  readonly #slots: number;
  readonly #ledger = new AttemptLedger();
  readonly #deployments = new Map<AttemptId, TaskDeployment>();
  #leader: JobMasterGateway | undefined;

  constructor(slots: number) {
    this.#slots = slots;
  }

  registration(rpcAddress: string, instanceId: string): TaskManagerRegistration {
    const data = Array.from({ length: this.#slots }, (_, thread) => ({
      host: instanceId,
      port: 1,
      instanceId,
      thread,
    }));
    return { resourceId: instanceId, instanceId, rpcAddress, data, slots: this.#slots, memoryBytes: 1, cores: 1 };
  }

  get reports(): readonly AttemptReport[] {
    return this.#ledger.reports;
  }

  register(leader: JobMasterGateway | undefined): void {
    this.#leader = leader;
  }

  deploy(_fence: Fence, deployments: readonly TaskDeployment[]): void {
    for (const deployment of deployments) {
      const attempt = attemptId(deployment.attempt);
      this.#ledger.deployed(deployment);
      this.#deployments.set(attempt, deployment);
      this.#report({ kind: 'state', attempt, state: 'INITIALIZING' });
      for (const operatorId of readersOf(deployment)) {
        this.#report({ kind: 'reader-registered', attempt, operatorId, held: [] });
        this.#report({ kind: 'split-request', attempt, operatorId });
      }
      this.#report({ kind: 'state', attempt, state: 'RUNNING' });
    }
  }

  command(_fence: Fence, attempt: AttemptId, command: TaskCommand): void {
    this.#ledger.commanded(attempt, command);
    if (command.kind === 'trigger') {
      this.#acknowledge(attempt, command.trigger.checkpointId);
    } else if (command.kind === 'cancel') {
      this.#report({ kind: 'state', attempt, state: 'CANCELED' });
    }
  }

  releaseJob(_fence: Fence, job: string): void {
    this.#ledger.released(job);
  }

  limitAlignments(): void {}

  cancelAll(): Promise<void> {
    return Promise.resolve();
  }

  startAfresh(): void {
    this.#ledger.clear();
  }

  /** The source that was triggered, and the subtasks behind it that have the same index, as if its barrier had come. */
  #acknowledge(source: AttemptId, checkpointId: CheckpointId): void {
    const triggered = this.#deployments.get(source)?.attempt;
    for (const { id, attempt } of this.#ledger.live) {
      if (attempt.job === triggered?.job && attempt.subtask === triggered.subtask) {
        const state = stateOf(this.#deployments.get(id));
        this.#report({ kind: 'acknowledge', attempt: id, checkpointId, state, final: false, ...NO_TIMES });
      }
    }
  }

  #report(report: TaskReport): void {
    if (this.#ledger.reported(report)) {
      this.#leader?.report(report);
    }
  }
}

const INLINE = { kind: 'inline', bytes: Uint8Array.of(0) } as const;

const stateOf = (deployment: TaskDeployment | undefined): SubtaskState =>
  Object.fromEntries(operatorsOf(deployment).map(({ id }) => [id, { keyed: [], operatorState: INLINE }]));

const operatorsOf = (deployment: TaskDeployment | undefined) =>
  deployment?.graph.vertices.find(({ id }) => id === deployment.vertex)?.operators ?? [];

const readersOf = (deployment: TaskDeployment) =>
  operatorsOf(deployment).flatMap(({ id, source }) => (source === undefined ? [] : [id]));
