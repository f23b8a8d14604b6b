import { present } from '../../../foundation/common/assert.ts';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import { compareGenerations, type AttemptId, type Generation, type JobId } from '../../../foundation/common/ids.ts';
import { isRecoverable } from '../failover/is-recoverable.ts';
import type { RestartStrategy } from '../failover/restart-strategy.ts';
import type { Instant } from '../instant.ts';
import { attemptRefOf } from '../scheduler/deployments.ts';
import { subtaskName, type ExecutionGraph } from '../scheduler/execution-graph.ts';
import { Execution } from './execution.ts';
import type { GenerationStart, JobAction, JobEvent } from './job-event.ts';
import { isTerminal, nextStatus, type JobSignal, type JobStatus } from './job-status.ts';

export interface JobCoreOptions {
  readonly jobId: JobId;
  readonly graphVersion: number;
  readonly execution: ExecutionGraph;
  readonly strategy: RestartStrategy;
  /** `region`: only what is connected with the failed task restarts. */
  readonly failover: 'region' | 'full';
  readonly epoch: number;
}

type RegionPhase =
  /** Nothing runs: before the first start, or all attempts ended and the restart is due at `restartAtMs`. */
  | 'waiting'
  /** Its generation is being written to the job's record. */
  | 'recording'
  | 'deployed'
  /** Attempts are told to end; no new generation before each confirmed it (R1). */
  | 'cancelling'
  | 'finished';

interface Region {
  readonly subtasks: readonly number[];
  phase: RegionPhase;
  restartAtMs: number;
  generation: Generation | undefined;
}

/**
 * What happens to a job: its state, which regions restart when, which attempts are started and ended. A decision core:
 * events in, actions out, no I/O. The shell is `JobMaster`.
 */
export class JobCore {
  readonly #options: JobCoreOptions;
  readonly #executions: readonly Execution[];
  readonly #byAttempt = new Map<AttemptId, Execution>();
  readonly #regions: readonly Region[];
  #status: JobStatus = 'INITIALIZING';
  #error: ErrorInfo | undefined;
  #notRestarted: string | undefined;
  #number = 0;
  #restarts = 0;
  #undecided = false;
  #commitOnly = false;
  #actions: JobAction[] = [];

  constructor(options: JobCoreOptions) {
    this.#options = options;
    const { execution } = options;
    this.#executions = execution.subtasks.map((subtask) => new Execution(subtask));
    this.#regions = execution.regions.map((subtasks) => ({
      subtasks,
      phase: 'waiting',
      restartAtMs: Number.NEGATIVE_INFINITY,
      generation: undefined,
    }));
  }

  get status(): JobStatus {
    return this.#status;
  }

  get executions(): readonly Execution[] {
    return this.#executions;
  }

  /** Restarts of regions or of the whole job since the start. */
  get restarts(): number {
    return this.#restarts;
  }

  /** The newest generation that was started. */
  get generation(): Generation {
    return { epoch: this.#options.epoch, number: this.#number };
  }

  /** The execution whose current attempt this is; `undefined` for attempts of older generations. */
  executionOf(attempt: AttemptId): Execution | undefined {
    return this.#byAttempt.get(attempt);
  }

  /** The subtask takes part in the job: deployed, and its region is not on its way down. */
  isActive(attempt: AttemptId): boolean {
    const execution = this.#byAttempt.get(attempt);
    return execution !== undefined && execution.isLive && this.#regionOf(execution).phase === 'deployed';
  }

  /** When `tick` is due, in monotonic time. */
  get nextWakeMs(): number {
    const restarting = this.#status === 'RESTARTING' && !this.#undecided;
    const due = restarting ? this.#regions.filter(({ phase }) => phase === 'waiting') : [];
    return due.reduce((earliest, { restartAtMs }) => Math.min(earliest, restartAtMs), Number.POSITIVE_INFINITY);
  }

  handle(event: JobEvent, now: Instant): readonly JobAction[] {
    this.#actions = [];
    if (!isTerminal(this.#status)) {
      this.#apply(event, now);
      this.#startDueRegions(now);
    }
    return this.#actions;
  }

  #apply(event: JobEvent, now: Instant): void {
    switch (event.kind) {
      case 'initialized':
        this.#number = event.generationFloor.epoch < this.#options.epoch ? 0 : event.generationFloor.number;
        this.#signal('initialized');
        this.#signal('started');
        return;
      case 'task-state':
        return this.#taskState(event, now);
      case 'fail':
        return this.#failed(undefined, event.error, event.fatal || !isRecoverable(event.error), now);
      case 'cancel':
        return this.#cancel();
      case 'generation-recorded':
        return this.#deploy(event.generation);
      case 'undecided':
        this.#undecided = event.undecided;
        return;
      case 'stop-completed':
        this.#commitOnly = true;
        return;
      case 'suspend':
        this.#signal('suspend');
        return this.#end();
      case 'tick':
    }
  }

  #taskState(event: Extract<JobEvent, { kind: 'task-state' }>, now: Instant): void {
    const execution = this.#byAttempt.get(event.attempt);
    const from = execution?.state;
    if (execution === undefined || from === undefined || !execution.moveTo(event.state)) {
      return;
    }
    const { index } = execution.subtask;
    this.#actions.push({
      kind: 'task-switched',
      index,
      from,
      to: event.state,
      ...(event.error === undefined ? {} : { error: event.error }),
    });
    if (execution.isLive) {
      return;
    }
    if (this.#status === 'FAILING' && event.state === 'FAILED' && event.error !== undefined) {
      this.#prefer(execution, event.error);
    }
    const region = this.#regionOf(execution);
    if (region.phase === 'deployed' && event.state !== 'FINISHED' && this.#goesOn) {
      const error = event.error ?? {
        name: 'MillraceError',
        code: 'TASK_CANCELED',
        message: 'the task ended without having been told to',
      };
      this.#failed(execution, error, !isRecoverable(error), now);
    } else {
      this.#ended(region);
    }
  }

  /** An attempt of the region ended as it should. */
  #ended(region: Region): void {
    if (!this.#goesOn) {
      this.#endWhenQuiet();
    } else if (region.phase === 'cancelling' && !region.subtasks.some((index) => this.#execution(index).isLive)) {
      region.phase = 'waiting';
    } else if (
      region.phase === 'deployed' &&
      region.subtasks.every((index) => this.#execution(index).state === 'FINISHED')
    ) {
      region.phase = 'finished';
      if (this.#regions.every(({ phase }) => phase === 'finished')) {
        this.#signal('all-finished');
        this.#end();
      }
    }
  }

  /** `execution`: the task that failed; without it the whole job did. */
  #failed(execution: Execution | undefined, error: ErrorInfo, fatal: boolean, now: Instant): void {
    if (!this.#goesOn && this.#status !== 'INITIALIZING') {
      return;
    }
    const decision =
      fatal || this.#status === 'INITIALIZING'
        ? undefined
        : this.#options.strategy.failed({
            atMs: now.monotonicMs,
            taskManagerLost: error.code === 'TASK_MANAGER_LOST',
          });
    if (decision?.kind === 'restart') {
      this.#restart(this.#regionsToRestart(execution), decision.delayMs, error, now);
      return;
    }
    this.#notRestarted = decision?.reason;
    this.#error =
      execution === undefined && decision === undefined ? error : finalError(execution, error, decision?.reason);
    this.#signal('fail');
    if (!isTerminal(this.#status)) {
      this.#cancelRegions(this.#regions, error);
      this.#endWhenQuiet();
    } else {
      this.#end();
    }
  }

  /** A lost channel is a consequence: the failure behind it may be told later, and is what people want to read. */
  #prefer(execution: Execution, error: ErrorInfo): void {
    if (this.#error?.cause?.code === 'CHANNEL_LOST' && error.code !== 'CHANNEL_LOST') {
      this.#error = finalError(execution, error, this.#notRestarted);
    }
  }

  #regionsToRestart(execution: Execution | undefined): readonly Region[] {
    return execution === undefined || this.#options.failover === 'full' ? this.#regions : [this.#regionOf(execution)];
  }

  #restart(regions: readonly Region[], delayMs: number, error: ErrorInfo, now: Instant): void {
    this.#restarts++;
    this.#signal('restart');
    this.#actions.push({
      kind: 'restart-planned',
      indices: regions.flatMap(({ subtasks }) => subtasks),
      delayMs,
      error,
    });
    for (const region of regions) {
      region.restartAtMs = Math.max(region.restartAtMs, now.monotonicMs + delayMs);
    }
    this.#cancelRegions(regions, error);
  }

  #cancel(): void {
    this.#signal('cancel');
    if (this.#status === 'CANCELLING') {
      this.#error = undefined;
      this.#cancelRegions(this.#regions, {
        name: 'MillraceError',
        code: 'TASK_CANCELED',
        message: 'the job is cancelled',
      });
      this.#endWhenQuiet();
    } else if (isTerminal(this.#status)) {
      this.#end();
    }
  }

  /** Tells the attempts of these regions to end, once. */
  #cancelRegions(regions: readonly Region[], error: ErrorInfo): void {
    const failing: number[] = [];
    const attempts: AttemptId[] = [];
    for (const region of regions) {
      failing.push(...region.subtasks);
      for (const index of region.subtasks) {
        const execution = this.#execution(index);
        const from = execution.state;
        if (execution.isLive && execution.moveTo('CANCELING')) {
          attempts.push(present(execution.id, 'attempt'));
          this.#actions.push({ kind: 'task-switched', index, from, to: 'CANCELING' });
        }
      }
      region.phase = region.subtasks.some((index) => this.#execution(index).isLive) ? 'cancelling' : 'waiting';
    }
    this.#actions.push({ kind: 'tasks-failing', indices: failing, error });
    if (attempts.length > 0) {
      this.#actions.push({ kind: 'cancel-tasks', attempts });
    }
  }

  #startDueRegions(now: Instant): void {
    if ((this.#status !== 'RUNNING' && this.#status !== 'RESTARTING') || this.#undecided) {
      return;
    }
    const due = this.#regions.filter(({ phase, restartAtMs }) => phase === 'waiting' && restartAtMs <= now.monotonicMs);
    if (due.length > 0) {
      this.#number++;
      for (const region of due) {
        region.phase = 'recording';
        region.generation = this.generation;
      }
      this.#actions.push({ kind: 'record-generation', start: this.#start(due, this.generation) });
    }
  }

  /** Regions that failed again meanwhile are left out: they get a later generation. */
  #deploy(generation: Generation): void {
    const regions = this.#regions.filter(
      (region) =>
        region.phase === 'recording' &&
        region.generation !== undefined &&
        compareGenerations(region.generation, generation) === 0,
    );
    if (regions.length === 0 || !this.#goesOn) {
      return;
    }
    const start = this.#start(regions, generation);
    for (const [index, attempt] of start.attempts) {
      const execution = this.#execution(index);
      if (execution.id !== undefined) {
        this.#byAttempt.delete(execution.id);
      }
      const from = execution.state;
      execution.deploy(attempt);
      this.#byAttempt.set(present(execution.id, 'attempt'), execution);
      this.#actions.push({ kind: 'task-switched', index, from, to: 'DEPLOYING' });
    }
    for (const region of regions) {
      region.phase = 'deployed';
    }
    this.#actions.push({ kind: 'deploy', start });
    if (this.#regions.every(({ phase }) => phase === 'deployed' || phase === 'finished')) {
      this.#signal('restarted');
    }
  }

  #start(regions: readonly Region[], generation: Generation): GenerationStart {
    const { jobId: job, graphVersion, execution } = this.#options;
    const indices = regions.flatMap(({ subtasks }) => subtasks).sort((a, b) => a - b);
    return {
      generation,
      attempts: new Map(
        indices.map((index) => [index, attemptRefOf(execution.subtask(index), { job, graphVersion, generation })]),
      ),
      commitOnly: this.#commitOnly,
    };
  }

  /** The job is neither ending nor ended. */
  get #goesOn(): boolean {
    return this.#status === 'RUNNING' || this.#status === 'RESTARTING' || this.#status === 'CREATED';
  }

  #endWhenQuiet(): void {
    if (!this.#executions.some(({ isLive }) => isLive)) {
      this.#signal('all-ended');
      this.#end();
    }
  }

  #end(): void {
    if (isTerminal(this.#status)) {
      this.#actions.push({ kind: 'ended', status: this.#status, error: this.#error });
    }
  }

  #signal(signal: JobSignal): void {
    const to = nextStatus(this.#status, signal);
    if (to !== undefined) {
      this.#actions.push({ kind: 'status', from: this.#status, to, error: this.#error });
      this.#status = to;
    }
  }

  #execution(index: number): Execution {
    return present(this.#executions[index], `execution ${index}`);
  }

  #regionOf(execution: Execution): Region {
    return present(this.#regions[execution.subtask.region], 'region');
  }
}

const finalError = (execution: Execution | undefined, error: ErrorInfo, reason: string | undefined): ErrorInfo => {
  const what = execution === undefined ? '' : `task "${subtaskName(execution.subtask)}" failed: `;
  return {
    name: 'MillraceError',
    code: error.code ?? 'TASK_FAILED',
    message: `${what}${nameless(execution, error.message)}${reason === undefined ? '' : `; not restarted: ${reason}`}`,
    cause: error,
  };
};

/** A task of one operator has its name: once is enough. */
const nameless = (execution: Execution | undefined, message: string): string => {
  const prefix = execution === undefined ? '' : `operator '${execution.subtask.vertex.name}' failed: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
};
