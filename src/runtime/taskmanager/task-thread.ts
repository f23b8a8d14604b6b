import { AsyncLocalStorage } from 'node:async_hooks';
import { MillraceError, errorInfo, messageOf } from '../../foundation/common/errors.ts';
import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import type { LogFields, LogLevel, Logger } from '../../foundation/common/logger.ts';
import { attemptId } from '../../foundation/common/ids.ts';
import type { AttemptId } from '../../foundation/common/ids.ts';
import type { JobGraph, JobVertex } from '../../pipeline/graph/job-graph.ts';
import { requireSameGraph } from '../../pipeline/graph/require-same-graph.ts';
import type { Translation } from '../../pipeline/graph/translate.ts';
import { Exchange } from '../network/exchange.ts';
import type { DataPlane } from '../network/frame-port.ts';
import { threadPort, type ThreadPort } from '../network/thread-port.ts';
import type { JobProgram, TaskReport } from '../protocol/task-commands.ts';
import type { CountingReader } from './local-state/local-first-reader.ts';
import type { SubtaskCopies } from './local-state/subtask-copies.ts';
import { subtaskFolder } from './local-state/subtask-copies.ts';
import { attributeTo } from './task/operator-failure.ts';
import { buildTask, vertexOf } from './task/task-builder.ts';
import type { TaskEnvironment } from './task/task-environment.ts';
import { Task } from './task/task.ts';
import type { TaskStateFactories } from './task/task-state-store.ts';
import { ThreadLoop } from './thread-loop.ts';
import type { NextTurn } from './thread-loop.ts';
import type { ThreadCommand, ThreadDeployment, ThreadMemory, ThreadReport, ThreadSettings } from './thread-protocol.ts';

/** The effects of a thread; the worker entry gives the real ones. */
export interface ThreadEffects {
  readonly clock: Clock;
  readonly nextTurn: NextTurn;
  send(report: ThreadReport): void;
  /** Imports the bundle and runs its builder; once for each program of the thread. */
  load(program: JobProgram): Promise<Translation>;
  stateFactories(vertex: JobVertex, attempt: AttemptId): TaskStateFactories;
  openTarget: TaskEnvironment['openTarget'];
  openReader(baseFolder: string, copies?: SubtaskCopies): CountingReader;
  /** `subtask`: with its vertex. Missing: no copies of state are kept here. */
  readonly copiesOf?: (job: string, subtask: string) => SubtaskCopies;
  /** Missing: no thread of another process is met. */
  readonly dataPlane?: DataPlane;
  memory(): ThreadMemory;
  collectGarbage(): void;
  /** Everything is closed; the thread may end. */
  stopped(): void;
}

/** Whose code runs. */
export interface RunningCode {
  /** Vertex and subtask: `map (2/4)`. */
  readonly title: string;
  readonly operatorName?: string;
  readonly task: Task;
}

/** Tasks stop when so many lines and rows are on their way to the client. */
const UNTAKEN_LIMIT = 4096;

/** One thread of a TaskManager: its tasks, its end of the data plane, its loop. */
export class TaskThread {
  readonly #settings: ThreadSettings;
  readonly #effects: ThreadEffects;
  readonly #tasks = new Map<AttemptId, Task>();
  readonly #programs = new Map<string, Promise<Translation>>();
  readonly #exchange: Exchange;
  readonly #loop: ThreadLoop;
  readonly #environment: TaskEnvironment;
  /** Survives promises and timers of user code: what they throw or print finds its task. */
  readonly #context = new AsyncLocalStorage<RunningCode>();
  #metricsTimer: TimerHandle | undefined;
  #alignmentLimitMs: number | undefined;
  /** Reports to the client, and lines of the console, that nobody has taken yet. */
  #untaken = 0;

  constructor(settings: ThreadSettings, effects: ThreadEffects) {
    this.#settings = settings;
    this.#effects = effects;
    const { dataPlane } = effects;
    this.#exchange = new Exchange(settings.index, () => this.#loop.schedule(), {
      connectionLost: (remote, reason) => effects.send({ kind: 'connection-lost', remote, reason }),
      // A connection belongs to no task, whichever opens it.
      ...(dataPlane === undefined
        ? {}
        : { dial: (location, events) => this.#context.exit(() => dataPlane.dial(location, events)) }),
    });
    this.#loop = new ThreadLoop({
      monotonic: () => effects.clock.monotonic(),
      nextTurn: effects.nextTurn,
      endOfTurn: () => this.#exchange.flush(),
      runAs: (task, run) => this.#as(task, run),
    });
    this.#environment = this.#makeEnvironment();
    this.#scheduleMetrics();
    if (dataPlane === undefined) {
      effects.send({ kind: 'ready' });
    } else {
      void this.#listen(dataPlane);
    }
  }

  async #listen(dataPlane: DataPlane): Promise<void> {
    try {
      const data = await dataPlane.listen((peer, port) => this.#exchange.accept(peer, port));
      this.#effects.send({ kind: 'ready', data });
    } catch (thrown) {
      this.#effects.send({ kind: 'unreachable', error: errorInfo(thrown) });
    }
  }

  /** Whose code runs now, also behind a promise or in a timer of its own. */
  get running(): RunningCode | undefined {
    return this.#context.getStore();
  }

  /** Ends of channels that are held here, for tests of leaks. */
  get heldChannels(): number {
    return this.#exchange.size;
  }

  /** A line of `console.log` and the like. */
  print(line: Omit<Extract<ThreadReport, { kind: 'console' }>, 'kind'>): void {
    const task = this.running?.task;
    if (task !== undefined) {
      task.sendsToClient = true;
    }
    this.#untaken++;
    this.#effects.send({ kind: 'console', ...line });
  }

  handle(command: ThreadCommand): void {
    switch (command.kind) {
      case 'connect':
        return this.#connect(command.peer, command.port);
      case 'disconnect':
        return this.#exchange.removePeer(command.peer, command.reason);
      case 'deploy':
        for (const deployment of command.tasks) {
          this.#deploy(command.graph, command.program, deployment);
        }
        return;
      case 'command':
        // An attempt that is gone needs no command; one that was never here neither (R15: commands may arrive twice).
        return this.#tasks.get(command.attempt)?.command(command.command);
      case 'alignment-limit':
        this.#alignmentLimitMs = command.limitMs;
        return this.#tasks.forEach((task) => task.command(command));
      case 'taken':
        return this.#taken(command.count);
      case 'collect':
        this.#effects.collectGarbage();
        return this.#effects.send({ kind: 'collected', memory: this.#effects.memory() });
      case 'stop':
        return this.#stop();
    }
  }

  #taken(count: number): void {
    const wasBehind = this.#untaken >= UNTAKEN_LIMIT;
    this.#untaken -= count;
    if (wasBehind && this.#untaken < UNTAKEN_LIMIT) {
      for (const task of this.#tasks.values()) {
        task.wake();
      }
    }
  }

  #connect(peer: number, port: ThreadPort): void {
    this.#exchange.removePeer(peer, 'its thread was replaced');
    const connection = this.#exchange.addPeer(
      peer,
      threadPort(port, (frames) => {
        for (const frame of frames) {
          connection.receive(frame);
        }
      }),
    );
  }

  #deploy(graph: JobGraph, program: JobProgram, deployment: ThreadDeployment): void {
    const attempt = attemptId(deployment.attempt);
    if (this.#tasks.has(attempt)) {
      return;
    }
    const vertex = vertexOf(graph, deployment);
    const { job, subtask } = deployment.attempt;
    const copies = this.#effects.copiesOf?.(job, subtaskFolder(vertex.id, subtask));
    const task = new Task({
      attempt,
      copies,
      inlineThresholdBytes: graph.checkpointing?.inlineThresholdBytes,
      title: `${vertex.name} (${subtask + 1}/${vertex.parallelism})`,
      checkpointing: graph.checkpointing !== undefined,
      environment: this.#environment,
      build: async (built) => {
        const translation = await this.#translation(graph, program);
        return buildTask(built, {
          deployment,
          graph,
          translation,
          environment: this.#environment,
          copies,
          stateFactories: (ofVertex, id) => this.#effects.stateFactories(ofVertex, id),
        });
      },
      onReady: (ready) => this.#loop.ready(ready),
      onDone: () => this.#tasks.delete(attempt),
    });
    this.#tasks.set(attempt, task);
    if (this.#alignmentLimitMs !== undefined) {
      task.command({ kind: 'alignment-limit', limitMs: this.#alignmentLimitMs });
    }
    void this.#as(task, () => task.start());
  }

  async #translation(graph: JobGraph, program: JobProgram): Promise<Translation> {
    const key = JSON.stringify([program.modulePath, program.args, program.configuration]);
    let loading = this.#programs.get(key);
    if (loading === undefined) {
      // Timers and promises of the module belong to no task.
      loading = this.#context.exit(() => this.#effects.load(program));
      this.#programs.set(key, loading);
      loading.catch(() => this.#programs.delete(key));
    }
    const translation = await loading;
    requireSameGraph(graph, translation.jobGraph);
    return translation;
  }

  #makeEnvironment(): TaskEnvironment {
    const { clock, send } = this.#effects;
    const { bufferTimeoutMs, batchBytes, channelCredit, floatingCredit } = this.#settings;
    const log = (level: LogLevel) => (message: string, fields?: LogFields) =>
      send({ kind: 'log', level, message, ...(fields === undefined ? {} : { fields }) });
    const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
    return {
      clock,
      logger,
      exchange: this.#exchange,
      report: (report) => this.#report(report),
      failing: (attempt) => send({ kind: 'failing', attempt }),
      isClientBehind: () => this.#untaken >= UNTAKEN_LIMIT,
      toClient: (jobId, channel, payload) => this.#toClient(jobId, channel, payload),
      pause: () => this.#loop.pause(),
      openTarget: (barrier, options) => this.#effects.openTarget(barrier, options),
      openReader: (baseFolder, copies) => this.#effects.openReader(baseFolder, copies),
      bufferTimeoutMs,
      batchBytes,
      channelCredit,
      floatingCredit,
      runAs: (task, owner, run) =>
        this.#context.run({ title: task.title, operatorName: owner.operatorName, task }, run),
    };
  }

  /** The last numbers of a task go before the report of its end. */
  #report(report: TaskReport): void {
    const task = this.#tasks.get(report.attempt);
    if (report.kind === 'state' && task?.isDone === true) {
      this.#effects.send({ kind: 'metrics', metrics: [task.metrics()], memory: this.#effects.memory() });
    }
    this.#effects.send({ kind: 'task', report });
  }

  #toClient(jobId: string, channel: string, payload: unknown): void {
    this.#effects.send({ kind: 'client', jobId, channel, payload });
    this.#untaken++;
  }

  #as<R>(task: Task, run: () => R): R {
    return this.#context.run(task.running, run);
  }

  #scheduleMetrics(): void {
    this.#metricsTimer = this.#effects.clock.after(this.#settings.metricsIntervalMs, () => {
      this.sendMetrics();
      this.#scheduleMetrics();
    });
  }

  sendMetrics(): void {
    const metrics = [...this.#tasks.values()].map((task) => task.metrics());
    this.#effects.send({ kind: 'metrics', metrics, memory: this.#effects.memory() });
  }

  /**
   * An error that no task caught, out of a timer or a promise of user code. It fails the task whose code made it; where
   * that cannot be told, every task of the thread.
   */
  crash(thrown: unknown): void {
    const running = this.running;
    if (running?.task.isDone === true) {
      this.#environment.logger.warn(
        `${running.title} has ended, but its code still runs and threw: ${messageOf(thrown)}`,
      );
      return;
    }
    const uncaught = new MillraceError(
      'TASK_FAILED',
      `uncaught error in asynchronous user code: ${messageOf(thrown)}`,
      { cause: thrown },
    );
    const error = running?.operatorName === undefined ? uncaught : attributeTo(running.operatorName, uncaught);
    for (const task of running === undefined ? this.#tasks.values() : [running.task]) {
      task.fail(error);
    }
  }

  #stop(): void {
    this.#metricsTimer?.cancel();
    for (const task of this.#tasks.values()) {
      task.command({ kind: 'cancel' });
    }
    void Promise.all([...this.#tasks.values()].map((task) => task.whenDone()))
      .then(() => {
        this.#exchange.close();
        return this.#effects.dataPlane?.close();
      })
      .then(() => this.#effects.stopped());
  }
}
