import { assert, present } from '../../../foundation/common/assert.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import type { SlotRef } from '../scheduler/slot-table.ts';

/** One start of a TaskManager process. */
export interface PooledTaskManager {
  readonly instanceId: string;
  readonly resourceId: string;
  readonly slots: number;
}

/** A request whose slots are all there: they belong to the job now. */
export interface SlotGrant {
  readonly requestId: number;
  readonly jobId: JobId;
  readonly slots: readonly SlotRef[];
}

export interface WaitingJob {
  readonly jobId: JobId;
  readonly requested: number;
  /** So many more free slots, and all of its requests can be served. */
  readonly missing: number;
}

export interface SlotPoolOverview {
  readonly taskManagers: readonly {
    readonly instanceId: string;
    readonly resourceId: string;
    readonly slots: number;
    readonly free: number;
    /** Nobody can reach it now; its free slots do not count. */
    readonly isAway: boolean;
  }[];
  readonly total: number;
  readonly free: number;
  /** What is free when the TaskManager with the most slots dies and its tasks go elsewhere; negative: so many are missing then. */
  readonly freeAfterLargestLoss: number;
  readonly waiting: readonly WaitingJob[];
}

interface Entry extends PooledTaskManager {
  /** By slot. */
  readonly owners: Map<number, JobId>;
  isAway: boolean;
}

interface Request {
  readonly id: number;
  readonly jobId: JobId;
  readonly count: number;
  /** By place; see `SlotProvider`. */
  readonly preferred: readonly (SlotRef | undefined)[];
}

/**
 * Who has which slot. Requests are served whole, in the order they came, those of jobs that had slots before first: a job that
 * lost a TaskManager does not queue behind one that never ran. The first request that waits is not overtaken, unless it asks for
 * more slots than all TaskManagers have: then it harms nobody else.
 */
export class SlotPool {
  /** By instance id, in the order they came. */
  readonly #entries = new Map<string, Entry>();
  #requests: Request[] = [];
  readonly #served = new Set<JobId>();
  #nextId = 1;

  /**
   * A TaskManager has registered, with the slots that jobs use there. What it ran of jobs that are not `known` it may have ended
   * while it was away: only what it reports of them takes a slot. Returns the instance that it replaces: the same resource id,
   * another process.
   */
  register(
    taskManager: PooledTaskManager,
    inUse: ReadonlyMap<number, JobId>,
    isKnown: (jobId: JobId) => boolean = () => true,
  ): string | undefined {
    const before = [...this.#entries.values()].find(
      ({ resourceId, instanceId }) => resourceId === taskManager.resourceId && instanceId !== taskManager.instanceId,
    );
    if (before !== undefined) {
      this.#entries.delete(before.instanceId);
    }
    const known = this.#entries.get(taskManager.instanceId);
    const owners = new Map([...(known?.owners ?? [])].filter(([, jobId]) => isKnown(jobId)));
    for (const [slot, jobId] of inUse) {
      owners.set(slot, jobId);
      this.#served.add(jobId);
    }
    const { instanceId, resourceId, slots } = taskManager;
    this.#entries.set(instanceId, { instanceId, resourceId, slots, owners, isAway: false });
    return before?.instanceId;
  }

  /** Its connection is gone; what it gave stays given, nothing more is given until it registers again. */
  away(instanceId: string): void {
    const entry = this.#entries.get(instanceId);
    if (entry !== undefined) {
      entry.isAway = true;
    }
  }

  /** Its connection is gone, and it may come back. */
  isAway(instanceId: string): boolean {
    return this.#entries.get(instanceId)?.isAway === true;
  }

  /** It is gone, with its slots. */
  lost(instanceId: string): void {
    this.#entries.delete(instanceId);
  }

  /** `serve` says when it is granted. */
  request(jobId: JobId, count: number, preferred: readonly (SlotRef | undefined)[] = []): number {
    assert(count > 0, 'slots are requested');
    const id = this.#nextId++;
    this.#requests.push({ id, jobId, count, preferred });
    return id;
  }

  /** Nobody waits for these requests any more. */
  withdraw(jobId: JobId): void {
    this.#requests = this.#requests.filter((request) => request.jobId !== jobId);
  }

  /** The job has no use for it any more. */
  free(jobId: JobId, { taskManager, slot }: SlotRef): void {
    const owners = this.#entries.get(taskManager)?.owners;
    if (owners?.get(slot) === jobId) {
      owners.delete(slot);
    }
  }

  /** The job has ended: its slots are free. */
  release(jobId: JobId): void {
    this.withdraw(jobId);
    this.#served.delete(jobId);
    for (const { owners } of this.#entries.values()) {
      for (const [slot, owner] of owners) {
        if (owner === jobId) {
          owners.delete(slot);
        }
      }
    }
  }

  /** Gives what can be given now; after each change. */
  serve(): readonly SlotGrant[] {
    const grants: SlotGrant[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const request = next;
      this.#requests = this.#requests.filter(({ id }) => id !== request.id);
      this.#served.add(request.jobId);
      grants.push({ requestId: request.id, jobId: request.jobId, slots: this.#grant(request) });
    }
    return grants;
  }

  ownerOf({ taskManager, slot }: SlotRef): JobId | undefined {
    return this.#entries.get(taskManager)?.owners.get(slot);
  }

  countOf(jobId: JobId): number {
    return [...this.#entries.values()].flatMap(({ owners }) => [...owners.values()]).filter((owner) => owner === jobId)
      .length;
  }

  get overview(): SlotPoolOverview {
    const entries = [...this.#entries.values()];
    const total = entries.reduce((sum, { slots }) => sum + slots, 0);
    const free = this.#free();
    const used = entries.reduce((sum, { owners }) => sum + owners.size, 0);
    const largest = Math.max(0, ...entries.map(({ slots }) => slots));
    return {
      taskManagers: entries.map((entry) => ({
        instanceId: entry.instanceId,
        resourceId: entry.resourceId,
        slots: entry.slots,
        free: freeOf(entry),
        isAway: entry.isAway,
      })),
      total,
      free,
      freeAfterLargestLoss: total - largest - used,
      waiting: this.#waiting(free),
    };
  }

  #waiting(free: number): readonly WaitingJob[] {
    const jobs = new Map<JobId, WaitingJob>();
    for (const { jobId, count } of this.#requests) {
      const requested = (jobs.get(jobId)?.requested ?? 0) + count;
      jobs.set(jobId, { jobId, requested, missing: Math.max(0, requested - free) });
    }
    return [...jobs.values()];
  }

  #next(): Request | undefined {
    const total = [...this.#entries.values()].reduce((sum, { slots }) => sum + slots, 0);
    const inOrder = [
      ...this.#requests.filter(({ jobId }) => this.#served.has(jobId)),
      ...this.#requests.filter(({ jobId }) => !this.#served.has(jobId)),
    ];
    const first = inOrder.find(({ count }) => count <= total);
    return first !== undefined && first.count <= this.#free() ? first : undefined;
  }

  #free(): number {
    return [...this.#entries.values()].reduce((sum, entry) => sum + freeOf(entry), 0);
  }

  /** Whoever had just that slot gets it first, then whoever was at that TaskManager. */
  #grant({ jobId, count, preferred }: Request): readonly SlotRef[] {
    const places = Array.from({ length: count }, (_, place) => preferred[place]);
    const same = places.map((wanted) => wanted && this.#takeAt(jobId, wanted, (slot) => slot === wanted.slot));
    const near = places.map((wanted, place) => same[place] ?? (wanted && this.#takeAt(jobId, wanted, () => true)));
    return near.map((slot) => slot ?? this.#take(jobId));
  }

  #takeAt(jobId: JobId, { taskManager }: SlotRef, isWanted: (slot: number) => boolean): SlotRef | undefined {
    const entry = this.#entries.get(taskManager);
    if (entry === undefined || entry.isAway) {
      return undefined;
    }
    for (let slot = 0; slot < entry.slots; slot++) {
      if (!entry.owners.has(slot) && isWanted(slot)) {
        entry.owners.set(slot, jobId);
        return { taskManager, slot };
      }
    }
    return undefined;
  }

  /** A free slot where the fewest are used. */
  #take(jobId: JobId): SlotRef {
    const offers = [...this.#entries.values()].filter((entry) => freeOf(entry) > 0);
    const entry = present(
      offers.toSorted((a, b) => a.owners.size - b.owners.size)[0],
      'a TaskManager with a free slot',
    );
    let slot = 0;
    while (entry.owners.has(slot)) {
      slot++;
    }
    entry.owners.set(slot, jobId);
    return { taskManager: entry.instanceId, slot };
  }
}

const freeOf = ({ slots, owners, isAway }: Entry): number => (isAway ? 0 : slots - owners.size);
