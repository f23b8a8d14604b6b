import {
  attemptId,
  compareGenerations,
  type AttemptId,
  type AttemptRef,
  type Generation,
} from '../../../src/foundation/common/ids.ts';
import { compareFence } from '../../../src/runtime/rpc/fencing.ts';
import type { Fence, TaskCommand, TaskDeployment } from '../../../src/runtime/protocol/task-commands.ts';
import type { StoreOfWorld } from './store-of-world.ts';
import type { TransactionLog } from './transaction-log.ts';
import { Violation } from './violation.ts';

interface Known {
  readonly id: AttemptId;
  readonly generation: Generation;
  readonly taskManager: string;
  /** The checkpoint that it restored; 0: none. */
  readonly restored: number;
  /** Whoever looked found that it does not live any more. */
  isOver: boolean;
}

const TRIGGERED = /^Triggering checkpoint (\d+) \(type=(\w+)\) .* for job ([0-9a-f]{32})/;
const COMPLETED = /^Completed checkpoint (\d+) for job ([0-9a-f]{32})/;

/** What must hold after each step, as one sees it who sees everything. */
export class Invariants {
  readonly #store: StoreOfWorld;
  readonly #log: TransactionLog;
  readonly #allowed: ReadonlySet<string>;
  readonly #broken: string;
  readonly #isLiving: (taskManager: string, attempt: AttemptId) => boolean;
  readonly #isAnyGivenUp: () => boolean;
  /** By instance of a TaskManager: the newest fence whose commands it took. */
  readonly #taken = new Map<string, Fence>();
  readonly #attempts = new Map<AttemptId, Known>();
  /** The same by job and subtask, in the order in which they started. */
  readonly #jobs = new Map<string, Map<string, Known[]>>();
  readonly #lastTriggered = new Map<string, number>();
  /** By attempt: the newest trigger that it got. */
  readonly #triggers = new Map<AttemptId, { readonly checkpointId: number; readonly timestampMs: number }>();
  readonly #announced = new Map<string, number>();
  /** By job and checkpoint: the start of the tasks that it was triggered in. */
  readonly #generations = new Map<string, Generation>();
  readonly #seen = new Set<string>();
  /** Plain savepoints (R8), by job and id. */
  readonly #withoutPointer = new Set<string>();
  readonly #cancelled = new Map<string, 'in time' | 'too late'>();
  /** Jobs that a client knows to have ended, and who led then. */
  readonly #ended = new Map<string, { readonly state: string; readonly epoch: number }>();
  #committed = 0;
  #violation: Violation | undefined;

  /**
   * `allowed`: all that the jobs may write. `broken`: one that has to fail. `isLiving`: it runs in that process.
   * `isAnyGivenUp`: a TaskManager may have been given up, whose tasks nobody waits for. */
  constructor(
    store: StoreOfWorld,
    log: TransactionLog,
    allowed: ReadonlySet<string>,
    broken: string,
    isLiving: (taskManager: string, attempt: AttemptId) => boolean,
    isAnyGivenUp: () => boolean,
  ) {
    this.#isLiving = isLiving;
    this.#isAnyGivenUp = isAnyGivenUp;
    this.#store = store;
    this.#log = log;
    this.#allowed = allowed;
    this.#broken = broken;
  }

  /** Throws what was violated since the last time. */
  afterStep(): void {
    const [broken] = this.#log.violations;
    if (broken !== undefined) {
      const [invariant = ''] = broken.split(':');
      throw new Violation(invariant, broken.slice(invariant.length + 2));
    }
    for (; this.#committed < this.#log.committed.length; this.#committed++) {
      const record = this.#log.committed[this.#committed]!;
      if (this.#seen.has(record)) {
        throw new Violation('I6', `${record} is written twice`);
      }
      if (!this.#allowed.has(record)) {
        throw new Violation('I6', `${record} is wrong`);
      }
      this.#seen.add(record);
    }
    if (this.#violation !== undefined) {
      throw this.#violation;
    }
  }

  /** A leader says what it has done: whoever reads its log believes it, as users do (I4). */
  said(message: string): void {
    const [, triggered, type, of] = TRIGGERED.exec(message) ?? [];
    if (type === 'SAVEPOINT') {
      this.#withoutPointer.add(`${of} ${triggered}`);
    }
    const [, completed, job] = COMPLETED.exec(message) ?? [];
    if (
      job !== undefined &&
      !this.#withoutPointer.has(`${job} ${completed}`) &&
      !this.#store.wasPointedTo(job, Number(completed))
    ) {
      this.violate(
        'I4',
        `a leader says that ${completed} of job ${job} is complete, and the store never pointed to it`,
      );
    }
  }

  /** A TaskManager takes a command, whatever it is. */
  taken(taskManager: string, fence: Fence): void {
    const before = this.#taken.get(taskManager);
    if (before !== undefined && compareFence(before, fence) === 'older') {
      this.violate('I2', `${taskManager} takes a command of epoch ${fence.epoch} after one of ${before.epoch}`);
    }
    this.#taken.set(taskManager, fence);
  }

  deployed(taskManager: string, fence: Fence, { attempt, restore, floor }: TaskDeployment): void {
    const id = attemptId(attempt);
    const again = this.#attempts.get(id);
    if (again !== undefined) {
      if (again.taskManager !== taskManager) {
        this.violate('I5', `${id} starts on ${taskManager}, and has started on ${again.taskManager}`);
      }
      return;
    }
    const ofSubtask = this.#ofSubtask(attempt);
    // One that was given up may still run where it is, and may start there late.
    const earlier = ofSubtask.filter((known) => known.taskManager === taskManager || !this.#isAnyGivenUp());
    for (const other of earlier) {
      other.isOver ||= !this.#isLiving(other.taskManager, other.id);
      if (!other.isOver) {
        this.violate('R1', `${id} starts on ${taskManager} while ${other.id} lives on ${other.taskManager}`);
      }
      if (other.taskManager === taskManager && compareGenerations(other.generation, attempt.generation) >= 0) {
        this.violate('I5', `${id} starts after ${other.id}`);
      }
    }
    // A later start of its subtask is there already, elsewhere: nobody waits for this one any more.
    const isLate = ofSubtask.some(({ generation }) => compareGenerations(generation, attempt.generation) > 0);
    const known = {
      id,
      generation: attempt.generation,
      taskManager,
      restored: restore?.checkpointId ?? 0,
      isOver: false,
    };
    this.#attempts.set(id, known);
    ofSubtask.push(known);
    if (isLate) {
      return;
    }
    const ended = this.#ended.get(attempt.job);
    // What a leader sent before the end comes late where it was on its way to a process that slept.
    if (ended !== undefined && fence.epoch > ended.epoch) {
      this.violate('I12', `${id} starts, and a client knows that its job is ${ended.state}`);
    }
    const announced = this.#announced.get(attempt.job) ?? 0;
    if ((restore?.checkpointId ?? 0) < announced) {
      this.violate('I11', `${id} restores ${restore?.checkpointId}, and the end of ${announced} was announced`);
    }
    const last = this.#lastTriggered.get(attempt.job) ?? 0;
    if (floor < last) {
      this.violate('R10', `${id} starts with floor ${floor}, and ${last} was triggered`);
    }
  }

  #ofSubtask({ job, vertex, subtask }: AttemptRef): Known[] {
    const ofJob = this.#jobs.get(job) ?? new Map<string, Known[]>();
    const known = ofJob.get(`${vertex}/${subtask}`) ?? [];
    this.#jobs.set(job, ofJob.set(`${vertex}/${subtask}`, known));
    return known;
  }

  commanded(attempt: AttemptId, command: TaskCommand): void {
    const [job = ''] = attempt.split('/');
    if (command.kind === 'trigger') {
      const { checkpointId, timestampMs, base, kind } = command.trigger;
      const before = this.#triggers.get(attempt);
      const isAgain = before?.checkpointId === checkpointId && before.timestampMs === timestampMs;
      if (before !== undefined && before.checkpointId >= checkpointId && !isAgain) {
        this.violate('I5', `${attempt} is triggered for ${checkpointId} after ${before.checkpointId}`);
      }
      this.#triggers.set(attempt, { checkpointId, timestampMs });
      const last = this.#lastTriggered.get(job) ?? 0;
      if (checkpointId > this.#store.lastId(job)) {
        this.violate('R10', `${checkpointId} is triggered, and the store has given out ${this.#store.lastId(job)}`);
      }
      if (base !== undefined && !this.#store.wasPointedTo(job, base)) {
        this.violate('R6', `${checkpointId} is triggered on ${base}, which the store never pointed to`);
      }
      const known = this.#attempts.get(attempt);
      if (known !== undefined) {
        this.#generations.set(`${job} ${checkpointId}`, known.generation);
      }
      this.#lastTriggered.set(job, Math.max(last, kind === 'checkpoint' ? checkpointId : last));
    } else if (command.kind === 'completed') {
      if (!this.#store.wasPointedTo(job, command.checkpointId)) {
        this.violate('I4', `${command.checkpointId} is announced to ${attempt}, and the store never pointed to it`);
      }
      this.#completed(job, command.checkpointId);
      this.#announced.set(job, Math.max(this.#announced.get(job) ?? 0, command.checkpointId));
    }
  }

  /** Nobody chose what to restore while it was not known whether this one is complete (R2). */
  #completed(job: string, checkpointId: number): void {
    const generation = this.#generations.get(`${job} ${checkpointId}`);
    if (generation === undefined) {
      return;
    }
    for (const { id, generation: started, restored } of [...(this.#jobs.get(job)?.values() ?? [])].flat()) {
      if (compareGenerations(started, generation) > 0 && restored < checkpointId) {
        this.violate('I11', `${checkpointId} is complete, and ${id}, which started since, restored ${restored}`);
      }
    }
  }

  /** A client was told that it is cancelled; `output`: all of it. A job that had not written that had not ended. */
  cancelled(job: string, output: readonly string[]): void {
    this.#cancelled.set(job, output.every((record) => this.#seen.has(record)) ? 'too late' : 'in time');
  }

  /** A client has heard of the end of a job. */
  ended(job: string, state: string): void {
    const before = this.#ended.get(job)?.state;
    if (before !== undefined && before !== state) {
      this.violate('I12', `job ${job} is ${state}, and was ${before}`);
    }
    if (job === this.#broken && state !== 'FAILED') {
      this.violate('I8', `job ${job} is ${state}, and its code does nothing but throw`);
    }
    if (state === 'FAILED' && job !== this.#broken) {
      this.violate('I8', `job ${job} failed, although it may be started again as often as it takes`);
    }
    const cancelled = this.#cancelled.get(job);
    if (state === 'CANCELED' && cancelled === undefined) {
      this.violate('I12', `job ${job} is cancelled, and nobody wanted that`);
    }
    if (state !== 'CANCELED' && cancelled === 'in time') {
      this.violate('I12', `job ${job} is ${state}, and a client was told that it is cancelled`);
    }
    this.#ended.set(job, { state, epoch: this.#store.leader?.epoch ?? 0 });
  }

  /** A file or folder is gone. */
  removed(path: string): void {
    const pointer = this.#store.pointerInto(path);
    if (pointer !== undefined) {
      this.violate('I3', `${path} is deleted, and the store points to ${pointer}`);
    }
  }

  /** At rest: `required`, what must have been written. Jobs that were cancelled may leave transactions behind. */
  atTheEnd(required: Iterable<string>, cancelled: readonly string[]): void {
    for (const record of required) {
      if (!this.#seen.has(record)) {
        throw new Violation('I6', `${record} is missing`);
      }
    }
    const open = this.#log.open.find((name) => !cancelled.some((job) => name.includes(job)));
    if (open !== undefined) {
      throw new Violation('I13', `transaction ${open} is still open`);
    }
  }

  violate(invariant: string, what: string): void {
    this.#violation ??= new Violation(invariant, what);
  }
}
