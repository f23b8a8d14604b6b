import type { Clock } from '../../foundation/common/clock.ts';
import { MillraceError, errorInfo, messageOf } from '../../foundation/common/errors.ts';
import type { DataLocation, RemoteThread } from '../../foundation/common/data-location.ts';
import { attemptId } from '../../foundation/common/ids.ts';
import type { AttemptId } from '../../foundation/common/ids.ts';
import type { ErrorInfo } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type {
  AttemptReport,
  Fence,
  JobMasterGateway,
  TaskCommand,
  TaskDeployment,
  TaskExecutorGateway,
  TaskReport,
} from '../protocol/task-commands.ts';
import { NewestFence } from '../rpc/fencing.ts';
import type { ProducerPlace } from '../network/exchange.ts';
import { AttemptLedger, isTerminal } from './attempt-ledger.ts';
import { DataAddresses } from './data-addresses.ts';
import { deployCommand } from './deploy-command.ts';
import { EndWatches } from './end-watches.ts';
import type { LocalStateCare } from './local-state/local-state-care.ts';
import { subtasksHere } from './local-state/subtasks-here.ts';
import { MemoryWatch } from './memory-watch.ts';
import type { MemoryWatchOptions } from './memory-watch.ts';
import { refuseDeployment } from './refuse-deployment.ts';
import { SlotOwners } from './slot-owners.ts';
import type { StartThread } from './thread-host.ts';
import { TakenReports } from './taken-reports.ts';
import type { ThreadReport } from './thread-protocol.ts';
import { ThreadPool } from './thread-pool.ts';
import type { ThreadPoolEvents } from './thread-pool.ts';
import { ThreadRestarts } from './thread-restarts.ts';

export type ConsoleReport = Extract<ThreadReport, { kind: 'console' }>;

/** What leaves the TaskManager besides reports to the JobMaster. A promise: nothing more is wanted until it settles. */
export interface TaskManagerEvents {
  client(jobId: string, channel: string, payload: unknown): void | Promise<void>;
  /** `jobName`: of the job that the thread is for. */
  console(line: ConsoleReport, jobName: string | undefined): void | Promise<void>;
  /** Where each slot can be reached now; again when a thread came back. Only with `instanceId`. */
  located?(slots: readonly DataLocation[]): void;
  /** Tasks here fail with CHANNEL_LOST because a thread of another process cannot be reached any more. */
  connectionLost?(remote: RemoteThread, reason: string): void;
  /** A thread was told to end and cannot be ended: its slots are of no use until the process ends. */
  stuck?(error: MillraceError): void;
}

export interface TaskManagerOptions {
  readonly slots: number;
  /** Slots are packed into this many threads. Where several jobs come, each slot has its own. */
  readonly threads: number;
  readonly startThread: StartThread;
  /** Of this process; with it the threads listen for threads of other processes. */
  readonly instanceId?: string;
  /** What the process knows of leaders (I2); missing: it serves one in the same process. */
  readonly fence?: NewestFence;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: TaskManagerEvents;
  /** `task.cancellation.timeout`: a task that has not ended by then takes its thread with it; 0: never. */
  readonly cancellationTimeoutMs: number;
  /** `task.cancellation.interval`: pause between warnings about a task that does not end. */
  readonly cancellationIntervalMs: number;
  /** Missing: threads take what they like. */
  readonly memory?: MemoryWatchOptions;
  /** Missing: no local copies of state are kept. */
  readonly localState?: LocalStateCare | undefined;
}

/**
 * One TaskManager: its slots, packed into threads, and what runs in them. What it runs stands in its table, which changes
 * before anything goes on to a task or to the leader (R15); without a leader only the table hears of it.
 */
export class TaskManager implements TaskExecutorGateway {
  readonly slots: number;
  readonly #options: TaskManagerOptions;
  readonly #threads: ThreadPool;
  readonly #memory: MemoryWatch | undefined;
  readonly #addresses: DataAddresses | undefined;
  readonly #restarts: ThreadRestarts;
  readonly #ledger = new AttemptLedger();
  readonly #owners = new SlotOwners();
  readonly #endWatches: EndWatches;
  readonly #fence: NewestFence;
  readonly #taken: TakenReports;
  readonly #idle: (() => void)[] = [];
  #leader: JobMasterGateway | undefined;

  constructor(options: TaskManagerOptions) {
    this.slots = options.slots;
    this.#options = options;
    this.#fence = options.fence ?? new NewestFence();
    this.#taken = new TakenReports(options.logger, (thread, count) =>
      this.#threads.send(thread, { kind: 'taken', count }),
    );
    this.#restarts = new ThreadRestarts(options.clock, options.logger, (thread) => this.#threads.start(thread));
    this.#endWatches = new EndWatches({
      ...options,
      giveUp: (attempt, error) => {
        const slot = this.#ledger.slotOf(attempt);
        void (slot === undefined ? undefined : this.#threads.end(this.#threadOf(slot), error));
      },
    });
    const { instanceId, slots, threads, events } = options;
    this.#addresses =
      instanceId === undefined
        ? undefined
        : new DataAddresses({ instanceId, slots, threads, located: (locations) => events.located?.(locations) });
    const start: StartThread = (index, threadEvents) =>
      options.startThread(index, threadEvents, this.#addresses?.portOf(index));
    const threadEvents: ThreadPoolEvents = {
      report: (thread, report) => this.#received(thread, report),
      died: (thread, error) => this.#threadDied(thread, error),
      stuck: (error) => events.stuck?.(error),
    };
    this.#threads = new ThreadPool(options.threads, start, threadEvents, options.clock);
    this.#memory =
      options.memory === undefined
        ? undefined
        : new MemoryWatch(options.memory, {
            clock: options.clock,
            threads: () => this.#threads.running(),
            collect: (thread) => this.#threads.send(thread, { kind: 'collect' }),
            end: (thread, error) => void this.#threads.end(thread, error),
          });
  }

  /** Whom tasks report to; `undefined`: nobody leads. */
  register(leader: JobMasterGateway | undefined): void {
    this.#leader = leader;
  }

  /** The table of attempts, as a leader wants it that has just come (R15). */
  get reports(): readonly AttemptReport[] {
    return this.#ledger.reports;
  }

  deploy(fence: Fence, deployments: readonly TaskDeployment[]): void {
    if (!this.#accepts(fence)) {
      return;
    }
    const accepted = deployments.filter((deployment) => this.#admit(deployment));
    const threads = Map.groupBy(accepted, ({ slot }) => this.#threadOf(slot));
    const failed = new Map<number, unknown>();
    // All threads first: a deployment connects to producers in other threads.
    for (const thread of threads.keys()) {
      try {
        this.#threads.start(thread);
      } catch (thrown) {
        failed.set(thread, thrown);
      }
    }
    for (const [thread, own] of threads) {
      if (failed.has(thread)) {
        this.#startFailed(thread, own, failed.get(thread));
      } else {
        const placeOf = this.#placeOf.bind(this);
        this.#threads.send(thread, deployCommand(own, placeOf));
      }
    }
  }

  command(fence: Fence, attempt: AttemptId, command: TaskCommand): void {
    if (this.#accepts(fence)) {
      this.#command(attempt, command);
    }
  }

  /** The job has ended: nobody asks for its attempts any more, and nothing of it is left in its threads. */
  releaseJob(fence: Fence, job: string): void {
    if (this.#accepts(fence)) {
      this.#ledger.live.forEach(({ id, attempt }) => attempt.job === job && this.#endWatches.ended(id));
      this.#ledger.released(job);
      const ended = this.#clean(this.#owners.release(job));
      this.#options.localState?.released(job, ended);
      this.#tellIdle();
    }
  }

  /** How long tasks may hold an alignment from now on (R10); `undefined`: a leader is there. */
  limitAlignments(limitMs: number | undefined): void {
    for (let thread = 0; thread < this.#threads.size; thread++) {
      this.#threads.send(thread, { kind: 'alignment-limit', limitMs });
    }
  }

  /** Cancels whatever runs; resolves when all of it has ended. The table keeps how. */
  cancelAll(): Promise<void> {
    this.#ledger.live.forEach(({ id }) => this.#command(id, { kind: 'cancel' }));
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#tellIdle();
    });
  }

  /** Another lineage counts (R12): what runs is ended at once, and was never here. */
  startAfresh(): void {
    this.#endWatches.stop();
    this.#ledger.clear();
    const ended = this.#clean(this.#owners.releaseAll());
    this.#options.localState?.released(undefined, ended);
    this.#tellIdle();
  }

  /** Ends a thread as a crash would; for demonstrations and tests of recovery. */
  killThread(thread: number): Promise<void> {
    const error = new MillraceError('WORKER_DIED', `task thread ${thread} was killed`, { retryable: true });
    return this.#threads.end(thread, error);
  }

  /**
   * Where other processes reach the thread of each slot. Rejects when one cannot listen (PORT_IN_USE, BAD_OPTION); without
   * an `instanceId` there is nothing to wait for.
   */
  listening(): Promise<readonly DataLocation[]> {
    return this.#addresses?.whenListening ?? Promise.resolve([]);
  }

  /** How many tasks each thread has. */
  load(): readonly number[] {
    const load = new Array<number>(this.#threads.size).fill(0);
    for (const { slot } of this.#ledger.live) {
      load[this.#threadOf(slot)]!++;
    }
    return load;
  }

  /** Ends all threads; nothing is reported any more. */
  async stop(): Promise<void> {
    this.#memory?.stop();
    this.#restarts.stop();
    this.#endWatches.stop();
    await this.#threads.stop();
  }

  /** I2: a lower epoch than the newest seen is refused. */
  #accepts(fence: Fence): boolean {
    if (this.#options.fence === undefined) {
      this.#fence.learn(fence);
    }
    try {
      this.#fence.admit(fence);
      return true;
    } catch (thrown) {
      this.#options.logger.warn(`Refused a command: ${messageOf(thrown)}`);
      return false;
    }
  }

  /** Enters it into the table; whether it is to be started. What comes again is there already. */
  #admit(deployment: TaskDeployment): boolean {
    const attempt = attemptId(deployment.attempt);
    if (this.#ledger.has(attempt)) {
      return false;
    }
    const refusal = refuseDeployment(deployment, this.#ledger.live, this.slots);
    this.#ledger.deployed(deployment);
    if (refusal !== undefined) {
      this.#options.logger.warn(`Refused a task: ${refusal.message}`);
      this.#taskReport({ kind: 'state', attempt, state: 'FAILED', error: errorInfo(refusal) });
      return false;
    }
    if (this.#owners.claim(deployment)) {
      void this.#clean([deployment.slot]);
    }
    return true;
  }

  #command(attempt: AttemptId, command: TaskCommand): void {
    const rest = this.#ledger.commanded(attempt, command);
    const slot = this.#ledger.slotOf(attempt);
    if (command.kind === 'completed') {
      const [job = ''] = attempt.split('/');
      this.#options.localState?.completed(job, command.checkpointId, () => subtasksHere(job, this.#ledger.reports));
    }
    if (slot !== undefined) {
      if (command.kind === 'cancel') {
        this.#endWatches.watch(attempt);
      }
      this.#threads.send(this.#threadOf(slot), { kind: 'command', attempt, command: rest });
    } else if (command.kind === 'cancel') {
      // It ended before, or never was here; the JobMaster waits for the confirmation.
      this.#leader?.report(this.#ledger.endOf(attempt) ?? { kind: 'state', attempt, state: 'CANCELED' });
    }
  }

  #threadOf(slot: number): number {
    return slot % this.#threads.size;
  }

  /** Threads of slots that a job has left: the next one gets a clean thread. Packed threads run one job only. */
  #clean(slots: readonly number[]): Promise<void> {
    const threads = [...new Set(slots.map((slot) => this.#threadOf(slot)))];
    for (const thread of threads) {
      this.#memory?.forget(thread);
      this.#addresses?.died(thread);
      this.#taken.forget(thread);
    }
    return this.#threads.replace(threads);
  }

  #placeOf(producer: AttemptId, producers: TaskDeployment['producers']): ProducerPlace {
    const location = producers[producer];
    if (location !== undefined && location.instanceId !== this.#options.instanceId) {
      return { kind: 'remote', location };
    }
    const slot = this.#ledger.slotOf(producer);
    return { kind: 'thread', thread: location?.thread ?? (slot === undefined ? -1 : this.#threadOf(slot)) };
  }

  #startFailed(thread: number, deployments: readonly TaskDeployment[], thrown: unknown): void {
    const error = new MillraceError('WORKER_DIED', `task thread ${thread} could not be started: ${messageOf(thrown)}`, {
      cause: thrown,
      retryable: true,
    });
    for (const { attempt } of deployments) {
      this.#taskReport({ kind: 'state', attempt: attemptId(attempt), state: 'FAILED', error: errorInfo(error) });
    }
  }

  #received(thread: number, report: ThreadReport): void {
    const { events, logger } = this.#options;
    switch (report.kind) {
      case 'ready':
        return report.data === undefined ? undefined : this.#addresses?.ready(thread, report.data);
      case 'unreachable':
        return this.#unreachable(thread, report.error);
      case 'connection-lost':
        return events.connectionLost?.(report.remote, report.reason);
      case 'task':
        return this.#taskReport(report.report);
      case 'failing':
        return this.#ledger.isLive(report.attempt) ? this.#endWatches.watch(report.attempt) : undefined;
      case 'metrics':
        this.#leader?.metrics(report.metrics);
        return this.#memory?.reported(thread, report.memory, false);
      case 'collected':
        return this.#memory?.reported(thread, report.memory, true);
      case 'client':
        return this.#taken.take(thread, events.client(report.jobId, report.channel, report.payload));
      case 'console': {
        const jobName = this.#owners.jobNameOf((slot) => this.#threadOf(slot) === thread);
        return this.#taken.take(thread, events.console(report, jobName));
      }
      case 'log':
        return logger[report.level](report.message, report.fields);
    }
  }

  #taskReport(report: TaskReport): void {
    // One that has ended, or that nobody asks for any more, has nothing to say.
    if (!this.#ledger.isLive(report.attempt)) {
      return;
    }
    const isNews = this.#ledger.reported(report);
    if (report.kind === 'state' && isTerminal(report.state)) {
      this.#endWatches.ended(report.attempt);
      this.#tellIdle();
    }
    if (isNews) {
      this.#leader?.report(report);
    }
  }

  #tellIdle(): void {
    if (this.#ledger.live.length === 0) {
      this.#idle.splice(0).forEach((resolve) => resolve());
    }
  }

  /** Every task of the thread has failed with it; the next deployment starts another one. */
  #threadDied(thread: number, error: MillraceError): void {
    this.#options.logger.error(`task thread ${thread} died: ${error.message}`);
    this.#memory?.forget(thread);
    this.#taken.forget(thread);
    for (const { id } of this.#ledger.live.filter(({ slot }) => this.#threadOf(slot) === thread)) {
      this.#taskReport({ kind: 'state', attempt: id, state: 'FAILED', error: errorInfo(error) });
    }
    if (this.#addresses !== undefined) {
      // What is deployed to other processes may need a thread of this one: it is there before anything is deployed to it.
      const wasListening = this.#addresses.isListening(thread);
      this.#addresses.died(thread);
      this.#restarts.restart(thread, wasListening);
    }
  }

  #unreachable(thread: number, info: ErrorInfo): void {
    const error = new MillraceError(info.code === 'PORT_IN_USE' ? 'PORT_IN_USE' : 'BAD_OPTION', info.message);
    this.#addresses?.failed(error);
    void this.#threads.end(thread, error);
  }
}
