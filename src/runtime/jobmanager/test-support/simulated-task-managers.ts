import { present } from '../../../foundation/common/assert.ts';
import { attemptId, type AttemptId } from '../../../foundation/common/ids.ts';
import type { Random } from '../../../foundation/common/random.ts';
import type { AttemptReport } from '../../protocol/task-commands.ts';
import { AttemptLedger } from '../../taskmanager/attempt-ledger.ts';

/** The TaskManagers of a simulated world: who lives, who has registered with the leader, and who runs what. */
export class SimulatedTaskManagers {
  readonly registered: Set<string>;
  /** What all of them run. */
  readonly ledger = new AttemptLedger();
  /** Attempts that nobody tells of any more. */
  readonly lost = new Set<AttemptId>();
  #living: readonly string[];
  /** Dead, and the leader has not heard of it. */
  readonly #dead = new Set<string>();
  readonly #places = new Map<AttemptId, string>();

  constructor(count: number) {
    this.#living = Array.from({ length: count }, (_, place) => `tm${place + 1}`);
    this.registered = new Set(this.#living);
  }

  get living(): readonly string[] {
    return this.#living;
  }

  someLiving(random: Random): string {
    return someOf(this.#living, random);
  }

  /** Somebody who may register now. */
  someAway(random: Random): string | undefined {
    const away = this.#living.filter((one) => !this.registered.has(one));
    return away.length > 0 && random.int(20) === 0 ? someOf(away, random) : undefined;
  }

  place(attempt: AttemptId, taskManager: string): void {
    this.#places.set(attempt, taskManager);
  }

  /** Where it runs, or ran. */
  placeOf(attempt: AttemptId): string {
    return this.#places.get(attempt) ?? '';
  }

  /** The table of one. */
  reportsOf(taskManager: string): readonly AttemptReport[] {
    return this.ledger.reports.filter(({ attempt }) => {
      const id = attemptId(attempt);
      return this.placeOf(id) === taskManager && !this.lost.has(id);
    });
  }

  isReached(attempt: AttemptId): boolean {
    return this.registered.has(this.placeOf(attempt));
  }

  /** Its connection is gone; another process takes its place. */
  die(taskManager: string): void {
    this.#living = [...this.#living.filter((one) => one !== taskManager), `${taskManager}'`];
    this.#dead.add(taskManager);
  }

  /** A leader wants to know of these whether they live. */
  await(taskManagers: readonly { readonly instanceId: string }[]): void {
    taskManagers
      .filter(({ instanceId }) => this.isGone(instanceId))
      .forEach(({ instanceId }) => this.#dead.add(instanceId));
  }

  /** Whom the leader hears of now. */
  takeDead(): string | undefined {
    const [dead] = this.#dead;
    this.#dead.delete(dead ?? '');
    return dead;
  }

  /** The leader has heard that it is dead. */
  isGone(taskManager: string): boolean {
    return !this.#living.includes(taskManager) && !this.#dead.has(taskManager);
  }
}

const someOf = (all: readonly string[], random: Random): string =>
  present(all[all.length > 1 ? random.int(all.length) : 0], 'one of them');
