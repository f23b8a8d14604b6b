import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import { attemptId, type AttemptId, type Generation } from '../../../foundation/common/ids.ts';
import { isRecoverable } from '../failover/is-recoverable.ts';
import { RestartLedger } from '../failover/restart-ledger.ts';
import type { Instant } from '../instant.ts';
import { isLiveState, type Execution } from './execution.ts';
import type { JobCoreOptions } from './job-core-options.ts';
import type { JobAction, JobEvent, RecoveredEvent } from './job-event.ts';
import { FinalFailure } from './final-failure.ts';
import { ENDED_UNTOLD, JOB_CANCELED, NOT_REPORTED, RETIRED } from './job-failure.ts';
import { isTerminal, nextStatus, type JobSignal, type JobStatus } from './job-status.ts';
import { Reconciliation } from './reconciliation.ts';
import type { Region } from './region.ts';
import { RegionTable } from './region-table.ts';

/**
 * What happens to a job: its state, which regions restart when, which attempts are started and ended. A decision core:
 * events in, actions out, no I/O. The shell is `JobMaster`.
 */
export class JobCore {
  readonly #options: JobCoreOptions;
  readonly #table: RegionTable;
  readonly #reconciliation = new Reconciliation();
  #status: JobStatus = 'INITIALIZING';
  readonly #failure = new FinalFailure();
  #number = 0;
  readonly #restarts: RestartLedger;
  #undecided = false;
  #commitOnly = false;
  #isRetiring = false;
  #actions: JobAction[] = [];

  constructor(options: JobCoreOptions) {
    this.#options = options;
    this.#restarts = new RestartLedger(options.strategy);
    const { jobId: job, graphVersion, execution } = options;
    this.#table = new RegionTable({ job, graphVersion, execution, emit: (action) => this.#actions.push(action) });
  }

  get status(): JobStatus {
    return this.#status;
  }

  get executions(): readonly Execution[] {
    return this.#table.attempts.executions;
  }

  /** Restarts of regions or of the whole job. */
  get restarts(): RestartLedger {
    return this.#restarts;
  }

  /** The newest generation that was started. */
  get generation(): Generation {
    return { epoch: this.#options.epoch, number: this.#number };
  }

  /** The execution whose current attempt this is; `undefined` for attempts of older generations. */
  executionOf(attempt: AttemptId): Execution | undefined {
    return this.#table.attempts.of(attempt);
  }

  /** The subtask takes part in the job: deployed, and its region is not on its way down. */
  isActive(attempt: AttemptId): boolean {
    const execution = this.#table.attempts.of(attempt);
    return execution !== undefined && execution.isLive && this.#table.of(execution).phase === 'deployed';
  }

  /** When `tick` is due, in monotonic time. */
  get nextWakeMs(): number {
    const waiting = this.#mayStart ? this.#table.waiting : [];
    return waiting.reduce(
      (earliest, { restartAtMs }) => Math.min(earliest, restartAtMs),
      isTerminal(this.#status) ? Number.POSITIVE_INFINITY : this.#reconciliation.deadlineMs,
    );
  }

  handle(event: JobEvent, now: Instant): readonly JobAction[] {
    this.#actions = [];
    if (!isTerminal(this.#status)) {
      this.#apply(event, now);
      this.#giveUpUnseen(now);
      this.#startDueRegions(now);
    }
    return this.#actions;
  }

  #apply(event: JobEvent, now: Instant): void {
    switch (event.kind) {
      case 'initialized':
        return this.#initialized(event.generationFloor);
      case 'recovered':
        this.#restarts.resume(event.restartCounts, now);
        return this.#recovered(event);
      case 'attempt-reported':
        return this.#attemptReported(event, now);
      case 'task-manager-settled':
        return this.#reconciliation.heardOf(event.taskManager);
      case 'task-state':
        return this.#taskState(event, now);
      case 'fail':
        return this.#failed(undefined, event.error, event.fatal || !isRecoverable(event.error), now);
      case 'start-anew':
        this.#table.startsTogether = this.#goesOn;
        return this.#goesOn ? this.#restart(this.#table.regions, 0, event.error, now) : undefined;
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
      case 'retire':
        return this.#retire();
      case 'tick':
    }
  }

  #initialized(generationFloor: Generation): void {
    this.#number = generationFloor.epoch < this.#options.epoch ? 0 : generationFloor.number;
    this.#signal('initialized');
    this.#signal('started');
  }

  /** I9: nothing is started or ended before it is known what runs. */
  #recovered(event: RecoveredEvent): void {
    this.#commitOnly = event.stopCompleted;
    const { regions, predecessors, generationFloor } = event;
    if (regions.size === 0 && predecessors.length === 0) {
      return this.#initialized(generationFloor);
    }
    this.#number = generationFloor.epoch < this.#options.epoch ? 0 : generationFloor.number;
    const expected = [...regions].flatMap(([region, generation]) =>
      this.#table.expect(region, generation, event.covered),
    );
    this.#table.block(predecessors);
    this.#reconciliation.begin([...expected, ...predecessors], event.taskManagers, event.deadlineMs);
    this.#signal('reconcile');
    this.#table.regions.forEach((region) => this.#adoptIfWhole(region));
  }

  /** Nothing starts any more; over when nothing runs. */
  #retire(): void {
    if (this.#goesOn) {
      this.#isRetiring = true;
      this.#signal('restart');
      this.#table.cancel(this.#table.regions, RETIRED);
      this.#endWhenQuiet();
    }
  }

  #attemptReported(event: Extract<JobEvent, { kind: 'attempt-reported' }>, now: Instant): void {
    const id = attemptId(event.attempt);
    const execution = this.#table.attempts.of(id);
    if (execution === undefined || (isLiveState(event.state) && (event.isUnfit || !execution.isLive))) {
      // Of another generation, of no use, or given up before.
      return this.#strayReported(id, event);
    }
    this.#reconciliation.saw(id);
    const state = event.isUnfit ? 'FAILED' : event.state;
    this.#taskState({ ...event, kind: 'task-state', attempt: id, state }, now);
    if (execution.state === 'CANCELING' && isLiveState(event.state)) {
      // It was told to end when nobody knew where it runs.
      this.#actions.push({ kind: 'cancel-tasks', attempts: [id] });
    }
    this.#adoptIfWhole(this.#table.of(execution));
  }

  /** It ends before its region starts again (R1). */
  #strayReported(id: AttemptId, { attempt, state }: Extract<JobEvent, { kind: 'attempt-reported' }>): void {
    if (isLiveState(state)) {
      this.#reconciliation.saw(id);
      this.#table.strayOf(attempt);
      this.#actions.push({ kind: 'cancel-tasks', attempts: [id] });
    } else if (this.#reconciliation.isUnseen(id)) {
      this.#reconciliation.saw(id);
      this.#strayEnded(id);
    }
  }

  #adoptIfWhole(region: Region): void {
    if (this.#table.adoptIfWhole(region)) {
      this.#ended(region);
      this.#startedIfAll();
    }
  }

  #giveUpUnseen(now: Instant): void {
    const givenUp = this.#reconciliation.takeGivenUp(now.monotonicMs);
    if (givenUp.size === 0) {
      return;
    }
    const regions = new Set<Region>();
    for (const id of givenUp) {
      const execution = this.#table.attempts.of(id);
      if (execution === undefined) {
        this.#strayEnded(id);
      } else {
        regions.add(this.#table.giveUp(execution, this.#goesOn));
      }
    }
    regions.forEach((region) => this.#adoptIfWhole(region));
    const lost = [...regions].filter(({ phase }) => phase === 'reconciling');
    // Of a region that nobody reports anything of, not even an end, this is a start and no failure: nothing counts (R13).
    const starts = lost.filter((region) => this.#table.isOf(region, givenUp));
    const failed = lost.filter((region) => !starts.includes(region));
    if (!this.#goesOn) {
      this.#endWhenQuiet();
    } else if (starts.length > 0) {
      this.#restart(starts, 0, NOT_REPORTED, now);
    }
    if (failed.length > 0) {
      this.#failedRegions(failed, undefined, NOT_REPORTED, false, now);
    }
    regions.forEach((region) => this.#ended(region));
  }

  #taskState(event: Extract<JobEvent, { kind: 'task-state' }>, now: Instant): void {
    const execution = this.#table.attempts.of(event.attempt);
    if (!isLiveState(event.state)) {
      this.#strayEnded(event.attempt);
    }
    const from = execution?.state;
    if (execution === undefined || from === undefined || !execution.moveTo(event.state)) {
      return;
    }
    this.#reconciliation.saw(event.attempt);
    const { index } = execution.subtask;
    this.#actions.push({
      kind: 'task-switched',
      index,
      from,
      to: event.state,
      ...(event.error === undefined ? {} : { error: event.error }),
    });
    if (execution.isLive) {
      return this.#adoptIfWhole(this.#table.of(execution));
    }
    if (this.#status === 'FAILING' && event.state === 'FAILED' && event.error !== undefined) {
      this.#failure.told(execution, event.error);
    }
    const region = this.#table.of(execution);
    const runs = region.phase === 'deployed' || region.phase === 'reconciling';
    if (runs && event.state !== 'FINISHED' && this.#goesOn) {
      const error = event.error ?? ENDED_UNTOLD;
      this.#failed(execution, error, !isRecoverable(error), now);
    } else {
      this.#ended(region);
      this.#adoptIfWhole(region);
    }
  }

  #strayEnded(attempt: AttemptId): void {
    for (const region of this.#table.regions) {
      if (region.strays.delete(attempt)) {
        this.#ended(region);
      }
    }
  }

  /** An attempt of the region ended as it should. */
  #ended(region: Region): void {
    if (!this.#goesOn) {
      this.#endWhenQuiet();
    } else if (region.phase === 'cancelling' && !this.#table.isLive(region)) {
      region.phase = 'waiting';
      this.#startedIfAll();
    } else if (
      region.phase === 'deployed' &&
      region.subtasks.every((index) => this.#table.attempts.at(index).state === 'FINISHED')
    ) {
      region.phase = 'finished';
      if (this.#table.allFinished) {
        this.#signal('all-finished');
        this.#end();
      }
    }
  }

  /** `execution`: the task that failed; without it the whole job did. */
  #failed(execution: Execution | undefined, error: ErrorInfo, fatal: boolean, now: Instant): void {
    const regions =
      execution === undefined || this.#options.failover === 'full' ? this.#table.regions : [this.#table.of(execution)];
    this.#failedRegions(regions, execution, error, fatal, now);
  }

  #failedRegions(
    regions: readonly Region[],
    execution: Execution | undefined,
    error: ErrorInfo,
    fatal: boolean,
    now: Instant,
  ): void {
    if (!this.#goesOn && this.#status !== 'INITIALIZING') {
      return;
    }
    if (!fatal && error.code === 'JOB_SET_ASIDE' && this.#status !== 'INITIALIZING') {
      // Whether it is restored at all is decided where that is chosen; no restart strategy helps.
      return this.#restart(regions, 0, error, now);
    }
    const decision =
      fatal || this.#status === 'INITIALIZING'
        ? undefined
        : this.#restarts.failed({ atMs: now.monotonicMs, taskManagerLost: error.code === 'TASK_MANAGER_LOST' });
    if (decision?.kind === 'restart') {
      const { delayMs } = decision;
      const indices = regions.flatMap(({ subtasks }) => subtasks);
      this.#actions.push({ kind: 'restart-planned', indices, delayMs, error });
      return this.#restart(regions, delayMs, error, now);
    }
    this.#failure.decided(execution, error, decision);
    this.#signal('fail');
    if (!isTerminal(this.#status)) {
      this.#table.cancel(this.#table.regions, error);
      this.#endWhenQuiet();
    } else {
      this.#end();
    }
  }

  #restart(regions: readonly Region[], delayMs: number, error: ErrorInfo, now: Instant): void {
    this.#signal('restart');
    for (const region of regions) {
      region.restartAtMs = Math.max(region.restartAtMs, now.monotonicMs + delayMs);
    }
    this.#table.cancel(regions, error);
  }

  #cancel(): void {
    this.#signal('cancel');
    if (this.#status === 'CANCELLING') {
      this.#failure.forget();
      this.#table.cancel(this.#table.regions, JOB_CANCELED);
      this.#endWhenQuiet();
    } else if (isTerminal(this.#status)) {
      this.#end();
    }
  }

  #startDueRegions(now: Instant): void {
    const waiting = this.#mayStart ? this.#table.waiting : [];
    const due = waiting.filter(({ restartAtMs }) => restartAtMs <= now.monotonicMs);
    if (due.length > 0) {
      this.#number++;
      this.#table.record(due, this.generation, this.#commitOnly);
    }
  }

  #deploy(generation: Generation): void {
    if (this.#goesOn) {
      this.#table.deploy(generation, this.#commitOnly);
      this.#startedIfAll();
    }
  }

  #startedIfAll(): void {
    if (!this.#table.regions.some(({ phase }) => phase === 'reconciling')) {
      this.#signal('started');
    }
    if (this.#table.allStarted) {
      this.#signal('restarted');
    }
  }

  get #mayStart(): boolean {
    return (this.#status === 'RUNNING' || this.#status === 'RESTARTING') && !this.#undecided && !this.#isRetiring;
  }

  /** The job is neither ending nor ended. */
  get #goesOn(): boolean {
    return !this.#isRetiring && ['RUNNING', 'RESTARTING', 'CREATED', 'RECONCILING'].includes(this.#status);
  }

  #endWhenQuiet(): void {
    if (!this.#table.someLive) {
      this.#signal(this.#isRetiring ? 'suspend' : 'all-ended');
      this.#end();
    }
  }

  #end(): void {
    if (isTerminal(this.#status)) {
      this.#actions.push({ kind: 'ended', status: this.#status, error: this.#failure.error });
    }
  }

  #signal(signal: JobSignal): void {
    const to = nextStatus(this.#status, signal);
    if (to !== undefined) {
      this.#actions.push({ kind: 'status', from: this.#status, to, error: this.#failure.error });
      this.#status = to;
    }
  }
}
