import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { MillraceError, errorInfo } from '../../foundation/common/errors.ts';
import { attemptId } from '../../foundation/common/ids.ts';
import type { AttemptId } from '../../foundation/common/ids.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type {
  Fence,
  JobMasterGateway,
  TaskCommand,
  TaskDeployment,
  TaskExecutorGateway,
  TaskReport,
} from '../protocol/task-commands.ts';
import type { ThreadCommand, ThreadMemory, ThreadReport } from './thread-protocol.ts';

/** A running thread: a worker, or code of this thread when a debugger is attached. */
export interface ThreadHost {
  send(command: ThreadCommand, ports?: readonly MessagePort[]): void;
  /** Ends the thread whatever it does; resolves when it is gone. */
  terminate(): Promise<void>;
}

export interface ThreadEvents {
  report(report: ThreadReport): void;
  /** The thread ended without being told to. */
  died(error: MillraceError): void;
}

export type StartThread = (index: number, events: ThreadEvents) => ThreadHost;

/** What leaves the TaskManager besides reports to the JobMaster. */
export interface TaskManagerEvents {
  client(jobId: string, channel: string, payload: unknown): void;
  console(line: Extract<ThreadReport, { kind: 'console' }>): void;
  memory?(thread: number, memory: ThreadMemory): void;
}

export interface TaskManagerOptions {
  readonly slots: number;
  /** Slots are packed into this many threads. */
  readonly threads: number;
  readonly startThread: StartThread;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: TaskManagerEvents;
  /** `task.cancellation.timeout`: a task that has not ended by then takes its thread with it. */
  readonly cancellationTimeoutMs: number;
}

interface Thread {
  readonly index: number;
  host: ThreadHost;
}

interface TrackedAttempt {
  readonly thread: number;
  cancelTimer: TimerHandle | undefined;
}

/** One TaskManager: its slots, packed into threads, and what runs in them. */
export class TaskManager implements TaskExecutorGateway {
  readonly slots: number;
  readonly #options: TaskManagerOptions;
  readonly #threads: Thread[] = [];
  readonly #attempts = new Map<AttemptId, TrackedAttempt>();
  #jobMaster: JobMasterGateway | undefined;
  #fence: Fence | undefined;
  #stopped = false;

  constructor(options: TaskManagerOptions) {
    this.slots = options.slots;
    this.#options = options;
    for (let index = 0; index < options.threads; index++) {
      this.#threads.push({ index, host: this.#startThread(index) });
    }
    for (const thread of this.#threads) {
      this.#connect(thread, this.#threads.slice(0, thread.index));
    }
  }

  /** Whom tasks report to. */
  register(jobMaster: JobMasterGateway): void {
    this.#jobMaster = jobMaster;
  }

  deploy(fence: Fence, deployments: readonly TaskDeployment[]): void {
    if (!this.#accepts(fence)) {
      return;
    }
    const byThread = Map.groupBy(deployments, (deployment) => deployment.slot % this.#threads.length);
    const threadOf = (deployment: TaskDeployment): number => deployment.slot % this.#threads.length;
    const threads = new Map(deployments.map((each) => [attemptId(each.attempt), threadOf(each)]));
    for (const [index, own] of byThread) {
      for (const { attempt } of own) {
        this.#attempts.set(attemptId(attempt), { thread: index, cancelTimer: undefined });
      }
      const [first] = own;
      this.#threads[index]!.host.send({
        kind: 'deploy',
        graph: first!.graph,
        program: first!.program,
        tasks: own.map(({ graph: _graph, program: _program, ...deployment }) => ({
          ...deployment,
          producerThreads: Object.fromEntries(
            deployment.inputs
              .flatMap((input) => input.channels)
              .map(({ producer }) => [
                attemptId(producer),
                threads.get(attemptId(producer)) ?? this.#attempts.get(attemptId(producer))?.thread ?? -1,
              ]),
          ),
        })),
      });
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
      tracked.cancelTimer ??= this.#options.clock.after(this.#options.cancellationTimeoutMs, () =>
        this.#cancellationTimedOut(attempt, tracked),
      );
    }
    this.#threads[tracked.thread]!.host.send({ kind: 'command', attempt, command });
  }

  /** Ends a thread as a crash would; for demonstrations and tests of recovery. */
  async killThread(index: number): Promise<void> {
    const thread = this.#threads[index];
    if (thread === undefined) {
      return;
    }
    const { host } = thread;
    this.#threadDied(thread, new MillraceError('WORKER_DIED', `task thread ${index} was killed`, { retryable: true }));
    await host.terminate();
  }

  /** Which threads run something, with the number of their tasks. */
  load(): readonly number[] {
    const load = this.#threads.map(() => 0);
    for (const { thread } of this.#attempts.values()) {
      load[thread]!++;
    }
    return load;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { cancelTimer } of this.#attempts.values()) {
      cancelTimer?.cancel();
    }
    await Promise.all(this.#threads.map(({ host }) => host.terminate()));
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

  #startThread(index: number): ThreadHost {
    const host: ThreadHost = this.#options.startThread(index, {
      report: (report) => this.#received(index, report),
      died: (error) => {
        const thread = this.#threads[index];
        if (thread !== undefined && thread.host === host && !this.#stopped) {
          this.#threadDied(thread, error);
        }
      },
    });
    return host;
  }

  #connect(thread: Thread, others: readonly Thread[]): void {
    for (const other of others) {
      const { port1, port2 } = new MessageChannel();
      thread.host.send({ kind: 'connect', peer: other.index, port: port1 }, [port1]);
      other.host.send({ kind: 'connect', peer: thread.index, port: port2 }, [port2]);
    }
  }

  #received(thread: number, report: ThreadReport): void {
    const { events, logger } = this.#options;
    switch (report.kind) {
      case 'ready':
        return;
      case 'task':
        return this.#taskReport(report.report);
      case 'metrics':
        this.#jobMaster?.metrics(report.metrics);
        return events.memory?.(thread, report.memory);
      case 'client':
        return events.client(report.jobId, report.channel, report.payload);
      case 'console':
        return events.console(report);
      case 'log':
        return logger[report.level](report.message, report.fields);
    }
  }

  #taskReport(report: TaskReport): void {
    if (report.kind === 'state' && ['FINISHED', 'CANCELED', 'FAILED'].includes(report.state)) {
      this.#attempts.get(report.attempt)?.cancelTimer?.cancel();
      this.#attempts.delete(report.attempt);
    }
    this.#jobMaster?.report(report);
  }

  /** Every task of the thread has failed with it; a new thread takes its place. */
  #threadDied(thread: Thread, error: MillraceError): void {
    this.#options.logger.error(`task thread ${thread.index} died: ${error.message}`);
    const others = this.#threads.filter((other) => other !== thread);
    for (const other of others) {
      other.host.send({ kind: 'disconnect', peer: thread.index, reason: error.message });
    }
    thread.host = this.#startThread(thread.index);
    this.#connect(thread, others);
    const lost = [...this.#attempts].filter(([, tracked]) => tracked.thread === thread.index);
    for (const [attempt] of lost) {
      this.#taskReport({ kind: 'state', attempt, state: 'FAILED', error: errorInfo(error) });
    }
  }

  #cancellationTimedOut(attempt: AttemptId, tracked: TrackedAttempt): void {
    const thread = this.#threads[tracked.thread];
    if (this.#attempts.get(attempt) !== tracked || thread === undefined) {
      return;
    }
    const { host } = thread;
    const error = new MillraceError(
      'TIMEOUT',
      `task ${attempt} did not end within task.cancellation.timeout (${this.#options.cancellationTimeoutMs} ms); ` +
        'user code blocks its thread, which was ended',
      { retryable: true },
    );
    this.#threadDied(thread, error);
    void host.terminate();
  }
}
