import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { MillraceError, errorInfo, messageOf } from '../../foundation/common/errors.ts';
import { threadTitle } from '../../foundation/common/data-location.ts';
import type { DataLocation, RemoteThread } from '../../foundation/common/data-location.ts';
import { attemptId } from '../../foundation/common/ids.ts';
import type { AttemptId } from '../../foundation/common/ids.ts';
import type { ErrorInfo } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type {
  Fence,
  JobMasterGateway,
  TaskCommand,
  TaskDeployment,
  TaskExecutorGateway,
  TaskReport,
} from '../protocol/task-commands.ts';
import type { ProducerPlace } from '../network/exchange.ts';
import { DataAddresses } from './data-addresses.ts';
import { EndWatch } from './end-watch.ts';
import { MemoryWatch } from './memory-watch.ts';
import type { MemoryWatchOptions } from './memory-watch.ts';
import type { StartThread } from './thread-host.ts';
import type { ThreadCommand, ThreadReport } from './thread-protocol.ts';
import { ThreadPool } from './thread-pool.ts';

/** What leaves the TaskManager besides reports to the JobMaster. A promise: nothing more is wanted until it settles. */
export interface TaskManagerEvents {
  client(jobId: string, channel: string, payload: unknown): void | Promise<void>;
  console(line: Extract<ThreadReport, { kind: 'console' }>): void | Promise<void>;
  /** Where each slot can be reached now; again when a thread came back. Only with `instanceId`. */
  located?(slots: readonly DataLocation[]): void;
  /** Tasks here fail with CHANNEL_LOST because a thread of another process cannot be reached any more. */
  connectionLost?(remote: RemoteThread, reason: string): void;
}

export interface TaskManagerOptions {
  readonly slots: number;
  /** Slots are packed into this many threads. */
  readonly threads: number;
  readonly startThread: StartThread;
  /** Of this process; with it the threads listen for threads of other processes. */
  readonly instanceId?: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: TaskManagerEvents;
  /** `task.cancellation.timeout`: a task that has not ended by then takes its thread with it; 0: never. */
  readonly cancellationTimeoutMs: number;
  /** `task.cancellation.interval`: pause between warnings about a task that does not end. */
  readonly cancellationIntervalMs: number;
  /** Missing: threads take what they like. */
  readonly memory?: MemoryWatchOptions;
}

/** Pause before a thread is started again that died before it could be reached. */
const RESTART_PAUSE_MS = 1_000;

/** So many reports to the client are acknowledged at once. */
const TAKEN_AT_ONCE = 256;

interface TrackedAttempt {
  readonly thread: number;
  endWatch: EndWatch | undefined;
}

/** One TaskManager: its slots, packed into threads, and what runs in them. */
export class TaskManager implements TaskExecutorGateway {
  readonly slots: number;
  readonly #options: TaskManagerOptions;
  readonly #threads: ThreadPool;
  readonly #memory: MemoryWatch | undefined;
  readonly #addresses: DataAddresses | undefined;
  readonly #restarts = new Map<number, TimerHandle>();
  readonly #attempts = new Map<AttemptId, TrackedAttempt>();
  readonly #taken: number[];
  #jobMaster: JobMasterGateway | undefined;
  #fence: Fence | undefined;

  constructor(options: TaskManagerOptions) {
    this.slots = options.slots;
    this.#options = options;
    this.#taken = new Array<number>(options.threads).fill(0);
    const { instanceId, slots, threads, events } = options;
    this.#addresses =
      instanceId === undefined
        ? undefined
        : new DataAddresses({ instanceId, slots, threads, located: (locations) => events.located?.(locations) });
    const start: StartThread = (index, threadEvents) =>
      options.startThread(index, threadEvents, this.#addresses?.portOf(index));
    this.#threads = new ThreadPool(options.threads, start, {
      report: (thread, report) => this.#received(thread, report),
      died: (thread, error) => this.#threadDied(thread, error),
    });
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

  /** Whom tasks report to. */
  register(jobMaster: JobMasterGateway): void {
    this.#jobMaster = jobMaster;
  }

  deploy(fence: Fence, deployments: readonly TaskDeployment[]): void {
    if (!this.#accepts(fence)) {
      return;
    }
    const threadOf = ({ slot }: TaskDeployment): number => slot % this.#threads.size;
    for (const deployment of deployments) {
      this.#attempts.set(attemptId(deployment.attempt), { thread: threadOf(deployment), endWatch: undefined });
    }
    const threads = Map.groupBy(deployments, threadOf);
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
        this.#threads.send(thread, this.#deployCommand(own));
      }
    }
  }

  command(fence: Fence, attempt: AttemptId, command: TaskCommand): void {
    const tracked = this.#attempts.get(attempt);
    if (!this.#accepts(fence)) {
      return;
    }
    if (tracked === undefined) {
      if (command.kind === 'cancel') {
        // It ended before; the JobMaster waits for the confirmation.
        this.#jobMaster?.report({ kind: 'state', attempt, state: 'CANCELED' });
      }
      return;
    }
    if (command.kind === 'cancel') {
      this.#watchEnd(attempt);
    }
    this.#threads.send(tracked.thread, { kind: 'command', attempt, command });
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
    for (const { thread } of this.#attempts.values()) {
      load[thread]!++;
    }
    return load;
  }

  /** Ends all threads; nothing is reported any more. */
  async stop(): Promise<void> {
    this.#memory?.stop();
    for (const restart of this.#restarts.values()) {
      restart.cancel();
    }
    for (const { endWatch } of this.#attempts.values()) {
      endWatch?.stop();
    }
    await this.#threads.stop();
  }

  /** I2: a lower epoch than the newest seen is refused. */
  #accepts(fence: Fence): boolean {
    const seen = this.#fence;
    if (seen !== undefined && seen.lineage === fence.lineage && fence.epoch < seen.epoch) {
      this.#options.logger.warn(`refused a command of epoch ${fence.epoch}; epoch ${seen.epoch} is known`);
      return false;
    }
    this.#fence = fence;
    return true;
  }

  #deployCommand(deployments: readonly TaskDeployment[]): ThreadCommand {
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
            .map(({ producer }) => [attemptId(producer), this.#placeOf(attemptId(producer), deployment.producers)]),
        ),
      })),
    };
  }

  #placeOf(producer: AttemptId, producers: TaskDeployment['producers']): ProducerPlace {
    const location = producers[producer];
    if (location !== undefined && location.instanceId !== this.#options.instanceId) {
      return { kind: 'remote', location };
    }
    return { kind: 'thread', thread: location?.thread ?? this.#attempts.get(producer)?.thread ?? -1 };
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
        logger.warn(`lost ${threadTitle(report.remote)}: ${report.reason}`);
        return events.connectionLost?.(report.remote, report.reason);
      case 'task':
        return this.#taskReport(report.report);
      case 'failing':
        return this.#watchEnd(report.attempt);
      case 'metrics':
        this.#jobMaster?.metrics(report.metrics);
        return this.#memory?.reported(thread, report.memory, false);
      case 'collected':
        return this.#memory?.reported(thread, report.memory, true);
      case 'client':
        return this.#take(thread, events.client(report.jobId, report.channel, report.payload));
      case 'console':
        return this.#take(thread, events.console(report));
      case 'log':
        return logger[report.level](report.message, report.fields);
    }
  }

  /** Tells the thread that somebody took what it sent, so that it sends more. */
  #take(thread: number, taking: void | Promise<void>): void {
    const taken = (): void => {
      this.#taken[thread]!++;
      if (this.#taken[thread] === TAKEN_AT_ONCE) {
        this.#taken[thread] = 0;
        this.#threads.send(thread, { kind: 'taken', count: TAKEN_AT_ONCE });
      }
    };
    if (taking === undefined) {
      taken();
    } else {
      void taking.finally(taken).catch((error: unknown) => {
        this.#options.logger.warn(`the client did not take what was sent: ${messageOf(error)}`);
      });
    }
  }

  #taskReport(report: TaskReport): void {
    if (report.kind === 'state' && ['FINISHED', 'CANCELED', 'FAILED'].includes(report.state)) {
      this.#attempts.get(report.attempt)?.endWatch?.stop();
      this.#attempts.delete(report.attempt);
    }
    this.#jobMaster?.report(report);
  }

  /** Every task of the thread has failed with it; the next deployment starts another one. */
  #threadDied(thread: number, error: MillraceError): void {
    this.#options.logger.error(`task thread ${thread} died: ${error.message}`);
    this.#memory?.forget(thread);
    this.#taken[thread] = 0;
    const lost = [...this.#attempts].filter(([, tracked]) => tracked.thread === thread);
    for (const [attempt] of lost) {
      this.#taskReport({ kind: 'state', attempt, state: 'FAILED', error: errorInfo(error) });
    }
    if (this.#addresses !== undefined) {
      this.#restart(thread, this.#addresses.isListening(thread));
    }
  }

  /** What is deployed to other processes may need a thread of this one: it is there before anything is deployed to it. */
  #restart(thread: number, atOnce: boolean): void {
    this.#addresses?.died(thread);
    const start = (): void => {
      this.#restarts.delete(thread);
      try {
        this.#threads.start(thread);
      } catch (thrown) {
        this.#options.logger.error(`task thread ${thread} could not be started: ${messageOf(thrown)}`);
        this.#restart(thread, false);
      }
    };
    this.#restarts.get(thread)?.cancel();
    if (atOnce) {
      start();
    } else {
      this.#restarts.set(thread, this.#options.clock.after(RESTART_PAUSE_MS, start));
    }
  }

  #unreachable(thread: number, info: ErrorInfo): void {
    const error = new MillraceError(info.code === 'PORT_IN_USE' ? 'PORT_IN_USE' : 'BAD_OPTION', info.message);
    this.#addresses?.failed(error);
    void this.#threads.end(thread, error);
  }

  #watchEnd(attempt: AttemptId): void {
    const tracked = this.#attempts.get(attempt);
    if (tracked === undefined || tracked.endWatch !== undefined) {
      return;
    }
    const { clock, logger, cancellationTimeoutMs, cancellationIntervalMs } = this.#options;
    tracked.endWatch = new EndWatch(clock, cancellationIntervalMs, cancellationTimeoutMs, {
      warn: (seconds) => logger.warn(`task ${attempt} has not ended for ${seconds} s; user code may block its thread`),
      giveUp: () => {
        const error = new MillraceError(
          'TIMEOUT',
          `task ${attempt} did not end within task.cancellation.timeout (${cancellationTimeoutMs} ms); ` +
            'user code blocks its thread, which was ended',
          { retryable: true },
        );
        void this.#threads.end(tracked.thread, error);
      },
    });
  }
}
