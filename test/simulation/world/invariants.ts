import { attemptId, compareGenerations, type AttemptId, type AttemptRef } from '../../../src/foundation/common/ids.ts';
import { compareFence } from '../../../src/runtime/rpc/fencing.ts';
import type { Fence, TaskCommand, TaskDeployment } from '../../../src/runtime/protocol/task-commands.ts';
import type { StoreShadow } from './store-shadow.ts';
import type { TransactionLog } from './transaction-log.ts';

/** Something that must never be so: its first word names the invariant or rule. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`);
    this.invariant = invariant;
  }
}

interface Known {
  readonly attempt: AttemptRef;
  readonly taskManager: string;
}

/** What must hold after each step, as one sees it who sees everything. */
export class Invariants {
  readonly #store: StoreShadow;
  readonly #log: TransactionLog;
  readonly #required: ReadonlySet<string>;
  readonly #allowed: ReadonlySet<string>;
  readonly #lives: (taskManager: string, attempt: AttemptId) => boolean;
  /** By instance of a TaskManager: the newest fence whose commands it took. */
  readonly #taken = new Map<string, Fence>();
  readonly #attempts = new Map<AttemptId, Known>();
  readonly #lastTriggered = new Map<string, number>();
  readonly #announced = new Map<string, number>();
  readonly #seen = new Set<string>();
  #committed = 0;
  #violation: Violation | undefined;

  /** `required`: every record that the jobs have to write; `allowed`: which they may write too. `lives`: whether an attempt runs in that process. */
  constructor(
    store: StoreShadow,
    log: TransactionLog,
    required: ReadonlySet<string>,
    allowed: ReadonlySet<string>,
    lives: (taskManager: string, attempt: AttemptId) => boolean,
  ) {
    this.#lives = lives;
    this.#store = store;
    this.#log = log;
    this.#required = required;
    this.#allowed = allowed;
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
      if (!this.#required.has(record) && !this.#allowed.has(record)) {
        throw new Violation('I6', `${record} is wrong`);
      }
      this.#seen.add(record);
    }
    if (this.#violation !== undefined) {
      throw this.#violation;
    }
  }

  /** A TaskManager takes a command, whatever it is. */
  taken(taskManager: string, fence: Fence): void {
    const before = this.#taken.get(taskManager);
    if (before !== undefined && compareFence(before, fence) === 'older') {
      this.#violate('I2', `${taskManager} takes a command of epoch ${fence.epoch} after one of ${before.epoch}`);
    }
    this.#taken.set(taskManager, fence);
  }

  deployed(taskManager: string, { attempt, restore, floor }: TaskDeployment): void {
    const id = attemptId(attempt);
    if (this.#attempts.has(id)) {
      return;
    }
    for (const [other, known] of this.#attempts) {
      const isSameSubtask =
        known.attempt.job === attempt.job &&
        known.attempt.vertex === attempt.vertex &&
        known.attempt.subtask === attempt.subtask;
      // One that was given up may still run where it is; here it has to end before.
      if (isSameSubtask && known.taskManager === taskManager && this.#lives(taskManager, other)) {
        this.#violate('R1', `${id} starts on ${taskManager} while ${other} lives on ${known.taskManager}`);
      }
      if (isSameSubtask && compareGenerations(known.attempt.generation, attempt.generation) >= 0) {
        this.#violate('I5', `${id} starts after ${other}`);
      }
    }
    this.#attempts.set(id, { attempt, taskManager });
    const announced = this.#announced.get(attempt.job) ?? 0;
    if ((restore?.checkpointId ?? 0) < announced) {
      this.#violate('I11', `${id} restores ${restore?.checkpointId}, and the end of ${announced} was announced`);
    }
    const last = this.#lastTriggered.get(attempt.job) ?? 0;
    if (floor < last) {
      this.#violate('R10', `${id} starts with floor ${floor}, and ${last} was triggered`);
    }
  }

  commanded(attempt: AttemptId, command: TaskCommand): void {
    const [job = ''] = attempt.split('/');
    if (command.kind === 'trigger') {
      const { checkpointId, base, kind } = command.trigger;
      const last = this.#lastTriggered.get(job) ?? 0;
      if (checkpointId > this.#store.lastId(job)) {
        this.#violate('R10', `${checkpointId} is triggered, and the store has given out ${this.#store.lastId(job)}`);
      }
      if (base !== undefined && !this.#store.wasPointedTo(job, base)) {
        this.#violate('R6', `${checkpointId} is triggered on ${base}, which the store never pointed to`);
      }
      this.#lastTriggered.set(job, Math.max(last, kind === 'checkpoint' ? checkpointId : last));
    } else if (command.kind === 'completed') {
      if (!this.#store.wasPointedTo(job, command.checkpointId)) {
        this.#violate('I4', `${command.checkpointId} is announced to ${attempt}, and the store never pointed to it`);
      }
      this.#announced.set(job, Math.max(this.#announced.get(job) ?? 0, command.checkpointId));
    }
  }

  /** At rest, when everything that was to be written can have been. */
  atTheEnd(): void {
    const missing = [...this.#required].find((record) => !this.#seen.has(record));
    if (missing !== undefined) {
      throw new Violation('I6', `${missing} is missing`);
    }
    const [open] = this.#log.open;
    if (open !== undefined) {
      throw new Violation('I13', `transaction ${open} is still open`);
    }
  }

  #violate(invariant: string, what: string): void {
    this.#violation ??= new Violation(invariant, what);
  }
}
