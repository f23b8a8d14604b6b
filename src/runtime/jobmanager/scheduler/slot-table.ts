import { MillraceError } from '../../../foundation/common/errors.ts';
import { present } from '../../../foundation/common/assert.ts';
import { compareGenerations, type AttemptId, type Generation } from '../../../foundation/common/ids.ts';
import type { JobGraph } from '../../../pipeline/graph/job-graph.ts';
import type { ExecutionGraph, Subtask } from './execution-graph.ts';
import { slotsText } from './slots-text.ts';

/** How many slots a job needs: for each slot sharing group the highest parallelism in it. */
export const slotsNeeded = (graph: JobGraph): ReadonlyMap<string, number> => {
  const groups = new Map<string, number>();
  for (const { slotSharingGroup, parallelism } of graph.vertices) {
    groups.set(slotSharingGroup, Math.max(groups.get(slotSharingGroup) ?? 0, parallelism));
  }
  return groups;
};

/** A slot of one start of a TaskManager process. */
export interface SlotRef {
  /** Its instance id. */
  readonly taskManager: string;
  readonly slot: number;
}

/** Where a job gets its slots from. */
export interface SlotProvider {
  /**
   * Resolves with so many free slots once all of them are there: a job that held some while it waits for more could wait
   * for another that does the same. `preferred`, by place: where that place's tasks ran before, so that they find their state
   * there; given if it is free. Rejects with NOT_ENOUGH_SLOTS where no more will come.
   */
  request(count: number, preferred?: readonly (SlotRef | undefined)[]): Promise<readonly SlotRef[]>;
  /** Resolves when none of these TaskManagers is away: each is connected, or it is gone and whoever has slots there was told. */
  settled(taskManagers: readonly string[]): Promise<void>;
  /** The job has no use for this one any more. A provider whose slots are all for one job need not know. */
  free?(slot: SlotRef): void;
  /** Nobody waits for slots any more; those of the job are free. */
  close(): void;
}

/** By slot sharing group and subtask. */
export type HeldSlots = ReadonlyMap<string, SlotRef>;

/** Which slot each subtask runs in: subtask i of every vertex of a slot sharing group shares the group's i-th slot. */
export class SlotTable {
  readonly #execution: ExecutionGraph;
  readonly #provider: SlotProvider;
  readonly #slots: Map<string, SlotRef>;
  /** Where the newest attempts ran that have no slot any more. */
  readonly #before = new Map<string, { readonly slot: SlotRef; readonly generation: Generation }>();
  /** Where attempts run that the job has given up. */
  readonly #strays = new Map<AttemptId, SlotRef>();
  readonly #requested = new Map<string, Promise<unknown>>();
  /** What somebody waits for, whether it has a slot or not. */
  readonly #wanted: ReadonlySet<string>[] = [];

  /** `held`: what the job has already, in another shape of its graph; what it does not need in this one it gives back. */
  constructor(execution: ExecutionGraph, provider: SlotProvider, held: HeldSlots = new Map()) {
    this.#execution = execution;
    this.#provider = provider;
    const needed = new Set(execution.subtasks.map(keyOf));
    this.#slots = new Map([...held].filter(([key]) => needed.has(key)));
    [...held].filter(([key]) => !needed.has(key)).forEach(([, slot]) => provider.free?.(slot));
  }

  get held(): HeldSlots {
    return new Map(this.#slots);
  }

  /**
   * Resolves when each of these subtasks has a slot that can be reached; what it had it keeps. A slot that is lost while others
   * are waited for is asked for again at once, so that it is known how many are missing.
   */
  async acquire(indices: Iterable<number>): Promise<void> {
    const keys = new Set([...indices].map((index) => keyOf(this.#execution.subtask(index))));
    this.#wanted.push(keys);
    try {
      do {
        this.#request(keys);
        await Promise.all([...keys].flatMap((key) => this.#requested.get(key) ?? []));
        await this.#provider.settled([...keys].flatMap((key) => this.#slots.get(key)?.taskManager ?? []));
      } while ([...keys].some((key) => !this.#slots.has(key)));
    } finally {
      this.#wanted.splice(this.#wanted.indexOf(keys), 1);
    }
  }

  /** `undefined`: it has none, or has lost it. */
  find(subtask: Pick<Subtask, 'vertex' | 'subtask'>): SlotRef | undefined {
    return this.#slots.get(keyOf(subtask));
  }

  slotOf(subtask: Pick<Subtask, 'vertex' | 'subtask'>): SlotRef {
    return present(this.find(subtask), `slot of ${subtask.vertex.name} (${subtask.subtask})`);
  }

  /** The subtask runs there already. */
  adopt(index: number, slot: SlotRef): void {
    this.#slots.set(keyOf(this.#execution.subtask(index)), slot);
  }

  /** An attempt that was given up runs there: nobody else gets the slot before it has ended. */
  stray(attempt: AttemptId, slot: SlotRef): void {
    this.#strays.set(attempt, slot);
  }

  /** Frees its slot, unless something else of the job is in there. */
  strayEnded(attempt: AttemptId): void {
    const slot = this.#strays.get(attempt);
    if (this.#strays.delete(attempt) && slot !== undefined) {
      const isSame = (other: SlotRef): boolean => other.taskManager === slot.taskManager && other.slot === slot.slot;
      if (![...this.#strays.values(), ...this.#slots.values()].some(isSame)) {
        this.#provider.free?.(slot);
      }
    }
  }

  /** An attempt of the subtask ran there, and has ended: the next one is at home there. */
  ranAt(index: number, slot: SlotRef, generation: Generation): void {
    const key = keyOf(this.#execution.subtask(index));
    const before = this.#before.get(key);
    if (before === undefined || compareGenerations(before.generation, generation) < 0) {
      this.#before.set(key, { slot, generation });
    }
  }

  lost(taskManager: string): void {
    const lost = [...this.#slots].flatMap(([key, slot]) => (slot.taskManager === taskManager ? [key] : []));
    lost.forEach((key) => this.#slots.delete(key));
    const strays = [...this.#strays].flatMap(([id, slot]) => (slot.taskManager === taskManager ? [id] : []));
    strays.forEach((id) => this.#strays.delete(id));
    this.#request(lost.filter((key) => this.#wanted.some((keys) => keys.has(key))));
  }

  /** Where these subtasks run; those whose slot is lost run nowhere. */
  taskManagersOf(indices: Iterable<number>): readonly string[] {
    const slots = [...indices].flatMap((index) => this.find(this.#execution.subtask(index)) ?? []);
    return [...new Set(slots.map(({ taskManager }) => taskManager))];
  }

  close(): void {
    this.#provider.close();
  }

  #request(keys: Iterable<string>): void {
    const missing = [...keys].filter((key) => !this.#slots.has(key) && !this.#requested.has(key));
    if (missing.length === 0) {
      return;
    }
    const preferred = missing.map((key) => this.#before.get(key)?.slot);
    const request = this.#provider.request(missing.length, preferred).then((slots) => {
      missing.forEach((key, place) => this.#slots.set(key, present(slots[place], 'slot')));
    });
    const over = request.finally(() => missing.forEach((key) => this.#requested.delete(key)));
    // Whoever acquires hears of it; where that is nobody any more, it matters to nobody.
    over.catch(() => {});
    missing.forEach((key) => this.#requested.set(key, over));
  }
}

const keyOf = ({ vertex, subtask }: Pick<Subtask, 'vertex' | 'subtask'>): string =>
  `${vertex.slotSharingGroup}/${subtask}`;

/** The slots of the one TaskManager there is: all for one job, and no more will come. */
export class FixedSlots implements SlotProvider {
  readonly #graph: JobGraph;
  readonly #offered: number;
  #free: readonly SlotRef[];

  constructor(graph: JobGraph, taskManager: string, slots: number) {
    this.#graph = graph;
    this.#offered = slots;
    this.#free = Array.from({ length: slots }, (_, slot) => ({ taskManager, slot }));
  }

  request(count: number): Promise<readonly SlotRef[]> {
    if (count > this.#free.length) {
      return Promise.reject(notEnoughSlots(this.#graph, this.#offered));
    }
    const slots = this.#free.slice(0, count);
    this.#free = this.#free.slice(count);
    return Promise.resolve(slots);
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {}
}

const notEnoughSlots = (graph: JobGraph, offered: number): MillraceError => {
  const groups = slotsNeeded(graph);
  const needed = [...groups.values()].reduce((sum, slots) => sum + slots, 0);
  const missing = needed - offered;
  const shares = [...groups].map(([group, slots]) => `${slots} for slot sharing group "${group}"`).join(', ');
  return new MillraceError(
    'NOT_ENOUGH_SLOTS',
    `job "${graph.name}" needs ${slotsText(needed)} (${shares}), ${offered} ` +
      `${offered === 1 ? 'is' : 'are'} there: ${slotsText(missing)} missing. ` +
      'Lower the parallelism or start more (taskmanager.numberOfTaskSlots, further TaskManagers)',
    { retryable: true },
  );
};
