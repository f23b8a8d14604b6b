import { present } from '../../../foundation/common/assert.ts';
import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { errorInfo, MillraceError, type ErrorInfo } from '../../../foundation/common/errors.ts';
import type { OperatorId } from '../../../foundation/common/ids.ts';
import { OWN_ENUMERATOR, type EnumeratorFactory, type Split } from '../../../pipeline/connectors/source.ts';
import type { ReaderReport, TaskCommand, TaskReport } from '../../protocol/task-commands.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import type { RestorePlan } from '../scheduler/restore-plan.ts';
import { EnumeratorHost } from './enumerator-host.ts';
import type { EnumeratorAnswer, EnumeratorRequest } from './enumerator-messages.ts';
import { SourceCoordinator, type ReaderCommand } from './source-coordinator.ts';
import { UserCodeSupervisor } from './user-code-supervisor.ts';
import type { UserCodeOptions } from './user-code-thread.ts';

export interface SplitCoordinatorOptions {
  readonly execution: ExecutionGraph;
  /** Enumerators of ours, which run in the calling thread. */
  readonly factories: readonly EnumeratorFactory[];
  /** Runs those that sources bring along. */
  readonly userCode: UserCodeOptions | undefined;
  readonly clock: Clock;
  /** To the current attempt of a subtask, by its index, on the same ordered stream as triggers. */
  readonly command: (index: number, command: TaskCommand) => void;
  /** User code of an enumerator failed: a failure of the job (R13). */
  readonly fail: (error: ErrorInfo) => void;
}

/** By operator; `undefined`: readers or enumerators failed meanwhile, the checkpoint cannot be triggered with them. */
export type EnumeratorSnapshots = ReadonlyMap<OperatorId, unknown> | undefined;

interface Source {
  readonly operatorId: OperatorId;
  readonly name: string;
  readonly factory: EnumeratorFactory | undefined;
  readonly coordinator: SourceCoordinator;
  readonly firstIndex: number;
  readonly parallelism: number;
  timer: TimerHandle | undefined;
  /** The job was told, and restarts; until then nothing is asked of the enumerator. */
  failed: boolean;
}

interface PendingRequest {
  readonly source: Source;
  readonly request: EnumeratorRequest;
}

/** The snapshots for one checkpoint are being collected. */
interface SnapshotRound {
  readonly checkpointId: number;
  readonly missing: Set<Source>;
  readonly done: (snapshots: EnumeratorSnapshots) => void;
}

/**
 * Talks with the enumerators of a job: ours beside it, users' in a thread of their own. Both by the same messages: those to
 * ours are answered before `call` returns.
 */
export class SplitCoordinator {
  readonly #options: SplitCoordinatorOptions;
  readonly #sources: ReadonlyMap<OperatorId, Source>;
  readonly #local: EnumeratorHost;
  readonly #userCode: UserCodeSupervisor | undefined;
  readonly #pending = new Map<number, PendingRequest>();
  #nextCall = 1;
  #round: SnapshotRound | undefined;
  #closed = false;

  /** Throws BAD_JOB when a source names an enumerator that is not registered. */
  constructor(options: SplitCoordinatorOptions) {
    this.#options = options;
    this.#sources = sourcesOf(options);
    this.#local = new EnumeratorHost({
      factoryOf: (operatorId) => this.#source(operatorId).factory,
      answer: (answer) => this.#answered(answer),
    });
    const hasOwn = [...this.#sources.values()].some(({ factory }) => factory === undefined);
    if (hasOwn && options.userCode !== undefined) {
      this.#userCode = new UserCodeSupervisor({
        ...options.userCode,
        clock: options.clock,
        nameOf: (operatorId) => this.#source(operatorId).name,
        answered: (answer) => this.#answered(answer),
        lost: (error) => this.#lost(error),
      });
      this.#userCode.start();
    }
  }

  /** Resolves when no enumerator runs any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pending.clear();
    for (const source of this.#sources.values()) {
      source.timer?.cancel();
    }
    this.#endRound();
    await Promise.all([this.#local.close(), this.#userCode?.close()]);
  }

  /** A reader says that it is there, or asks for a split. */
  readerSaid(index: number, report: Extract<TaskReport, { kind: 'reader-registered' | 'split-request' }>): void {
    const source = this.#source(report.operatorId);
    const subtask = index - source.firstIndex;
    if (report.kind === 'split-request') {
      return this.#call(source, { kind: 'split-requested', subtask });
    }
    const { commands, request } = source.coordinator.readerRegistered(subtask, report.held as readonly Split[]);
    this.#command(source, commands);
    this.#call(source, request);
  }

  /**
   * Collects the snapshots for a checkpoint. `done` sends its trigger before it returns: what was assigned before it is in
   * the snapshots, what is assigned later follows the trigger (R4).
   */
  snapshot(checkpointId: number, done: (snapshots: EnumeratorSnapshots) => void): void {
    const sources = [...this.#sources.values()];
    if (this.#closed || sources.some(({ failed }) => failed)) {
      done(undefined);
      return;
    }
    this.#round = { checkpointId, missing: new Set(sources), done };
    for (const source of sources) {
      this.#call(source, { kind: 'snapshot', checkpointId });
    }
  }

  completed(checkpointId: number): void {
    for (const source of this.#sources.values()) {
      source.coordinator.completed(checkpointId);
      this.#call(source, { kind: 'checkpoint-completed', checkpointId });
    }
  }

  /** By subtask index: their readers are gone. */
  readersFailed(indices: readonly number[]): void {
    this.#endRound();
    for (const source of this.#sources.values()) {
      source.coordinator.readersFailed(subtasksOf(source, indices));
    }
  }

  /** By subtask index: they start, or start anew, from what `plan` restores. */
  readersRestarted(indices: readonly number[], plan: RestorePlan | undefined, commitOnly: ReadonlySet<number>): void {
    this.#endRound();
    for (const [operatorId, source] of this.#sources) {
      const subtasks = subtasksOf(source, indices);
      if (subtasks.length > 0) {
        const snapshot = plan?.enumeratorState(operatorId);
        const ended = subtasksOf(source, [...commitOnly]).filter((subtask) => subtasks.includes(subtask));
        const request = source.coordinator.readersRestarted(subtasks, snapshot, this.#nextCall, ended);
        if (request !== undefined) {
          this.#call(source, request);
        }
        this.#callAll(source);
      }
    }
  }

  /** By subtask index: a leader before this one started them, they may go on. `plan`: the newest completed checkpoint. */
  recovering(indices: readonly number[], plan: RestorePlan | undefined): void {
    const completedId = plan?.point.metadata.checkpointId ?? 0;
    for (const [operatorId, source] of this.#sources) {
      const subtasks = subtasksOf(source, indices);
      if (subtasks.length > 0) {
        source.coordinator.recovering(subtasks, plan?.enumeratorState(operatorId), completedId);
      }
    }
  }

  /** The subtask goes on, with these readers. */
  readersReported(index: number, readers: readonly ReaderReport[], hasEnded: boolean): void {
    for (const source of this.#sources.values()) {
      for (const subtask of subtasksOf(source, [index])) {
        const report = readers.find(({ operatorId }) => operatorId === source.operatorId);
        this.#command(source, source.coordinator.readerReported(subtask, report, hasEnded));
        this.#callAll(source);
      }
    }
  }

  #callAll(source: Source): void {
    for (const request of source.coordinator.takeRequests()) {
      this.#call(source, request);
    }
  }

  #call(source: Source, request: EnumeratorRequest): void {
    if (request.kind === 'open') {
      this.#forget(source);
      source.failed = false;
    }
    if (this.#closed || source.failed || source.coordinator.postpones(request)) {
      return;
    }
    const { operatorId, factory } = source;
    const call = this.#nextCall++;
    this.#pending.set(call, { source, request });
    const host = factory === undefined ? this.#userCode : this.#local;
    if (host instanceof EnumeratorHost) {
      host.handle({ call, operatorId, request });
    } else {
      host?.send({ call, operatorId, request });
    }
  }

  #answered({ call, knowing, result }: EnumeratorAnswer): void {
    const pending = this.#pending.get(call);
    if (this.#closed || pending === undefined) {
      return;
    }
    this.#pending.delete(call);
    const { source, request } = pending;
    if (result.kind === 'failed') {
      this.#failed(source, result.error);
    } else if (result.kind === 'snapshot') {
      this.#snapshotAnswered(source, request, result.state);
    } else {
      this.#guarded(source, () => source.coordinator.answered(request, knowing, result));
      this.#callAll(source);
      this.#discover(source, request);
    }
  }

  #snapshotAnswered(source: Source, request: EnumeratorRequest, state: unknown): void {
    const round = this.#round;
    if (round === undefined || request.kind !== 'snapshot' || request.checkpointId !== round.checkpointId) {
      return;
    }
    source.coordinator.snapshotTaken(state);
    round.missing.delete(source);
    if (round.missing.size === 0) {
      this.#round = undefined;
      const sources = [...this.#sources];
      round.done(new Map(sources.map(([id, { coordinator }]) => [id, coordinator.triggered(round.checkpointId)])));
      this.#release();
    }
  }

  /** The checkpoint whose snapshots are being collected is not triggered with them. */
  #endRound(): void {
    const round = this.#round;
    if (round !== undefined) {
      this.#round = undefined;
      this.#release();
      round.done(undefined);
    }
  }

  #release(): void {
    for (const source of this.#sources.values()) {
      this.#guarded(source, () => source.coordinator.release());
      this.#callAll(source);
    }
  }

  #guarded(source: Source, decide: () => readonly ReaderCommand[]): void {
    let commands: readonly ReaderCommand[] = [];
    try {
      commands = decide();
    } catch (error) {
      this.#failed(source, errorInfo(error));
    }
    this.#command(source, commands);
  }

  /** Once for each enumerator, and again where it wants that. */
  #discover(source: Source, answered: EnumeratorRequest): void {
    const { coordinator } = source;
    const everyMs = coordinator.discoverEveryMs;
    if (answered.kind === 'open' && coordinator.wantsDiscovery) {
      this.#call(source, { kind: 'discover' });
    } else if (answered.kind === 'discover' && everyMs !== undefined) {
      source.timer = this.#options.clock.after(everyMs, () => this.#call(source, { kind: 'discover' }));
    }
  }

  #command(source: Source, commands: readonly ReaderCommand[]): void {
    for (const { subtask, command } of commands) {
      this.#options.command(source.firstIndex + subtask, command);
    }
  }

  /** The thread of the users' enumerators is gone: the job fails once for all of them. */
  #lost(error: ErrorInfo): void {
    for (const source of this.#sources.values()) {
      if (source.factory === undefined) {
        this.#forget(source);
        source.failed = true;
      }
    }
    this.#endRound();
    this.#options.fail(error);
  }

  #failed(source: Source, cause: ErrorInfo): void {
    this.#forget(source);
    source.failed = true;
    this.#endRound();
    const message = `the enumerator of source "${source.name}" failed: ${cause.message}`;
    this.#options.fail({ name: 'MillraceError', code: 'TASK_FAILED', message, cause });
  }

  /** What the enumerator has not answered yet concerns nobody any more. */
  #forget(source: Source): void {
    source.timer?.cancel();
    source.timer = undefined;
    for (const [call, pending] of this.#pending) {
      if (pending.source === source) {
        this.#pending.delete(call);
      }
    }
    if (source.factory === undefined) {
      this.#userCode?.forget(source.operatorId);
    }
  }

  #source(operatorId: OperatorId): Source {
    return present(this.#sources.get(operatorId), `source ${operatorId}`);
  }
}

const sourcesOf = ({ execution, factories, userCode }: SplitCoordinatorOptions): ReadonlyMap<OperatorId, Source> => {
  const known = new Map(factories.map((factory) => [factory.kind, factory]));
  const sources = new Map<OperatorId, Source>();
  for (const { id: vertex, parallelism, operators } of execution.graph.vertices) {
    for (const { id: operatorId, name, source } of operators) {
      if (source === undefined) {
        continue;
      }
      const isOwn = source.enumerator === OWN_ENUMERATOR;
      const factory = known.get(source.enumerator);
      if (isOwn ? userCode === undefined : factory === undefined) {
        throw new MillraceError(
          'BAD_JOB',
          `source "${name}" wants the enumerator "${source.enumerator}"; known: ${[...known.keys()].join(', ')}`,
        );
      }
      sources.set(operatorId, {
        operatorId,
        name,
        factory: isOwn ? undefined : factory,
        coordinator: new SourceCoordinator({ operatorId, config: source.config, parallelism }),
        firstIndex: execution.indexOf(vertex, 0),
        parallelism,
        timer: undefined,
        failed: false,
      });
    }
  }
  return sources;
};

const subtasksOf = ({ firstIndex, parallelism }: Source, indices: readonly number[]): number[] =>
  indices.map((index) => index - firstIndex).filter((subtask) => subtask >= 0 && subtask < parallelism);
