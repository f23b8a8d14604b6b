import { MillraceError } from '../../../foundation/common/errors.ts';
import { present } from '../../../foundation/common/assert.ts';
import type { JobGraph } from '../../../pipeline/graph/job-graph.ts';
import type { Subtask } from './execution-graph.ts';

/** How many slots a job needs: for each slot sharing group the highest parallelism in it. */
export const slotsNeeded = (graph: JobGraph): ReadonlyMap<string, number> => {
  const groups = new Map<string, number>();
  for (const { slotSharingGroup, parallelism } of graph.vertices) {
    groups.set(slotSharingGroup, Math.max(groups.get(slotSharingGroup) ?? 0, parallelism));
  }
  return groups;
};

/** Which slot each subtask runs in: subtask i of every vertex of a slot sharing group shares the group's i-th slot. */
export class SlotAssignment {
  readonly #slots = new Map<string, readonly number[]>();

  /** Throws NOT_ENOUGH_SLOTS, naming how many are missing. */
  constructor(graph: JobGraph, offered: readonly number[]) {
    const groups = slotsNeeded(graph);
    const needed = [...groups.values()].reduce((sum, slots) => sum + slots, 0);
    if (needed > offered.length) {
      const missing = needed - offered.length;
      const shares = [...groups].map(([group, slots]) => `${slots} for slot sharing group "${group}"`).join(', ');
      throw new MillraceError(
        'NOT_ENOUGH_SLOTS',
        `job "${graph.name}" needs ${needed} ${plural(needed)} (${shares}), ${offered.length} ` +
          `${offered.length === 1 ? 'is' : 'are'} there: ${missing} ${plural(missing)} missing. ` +
          'Lower the parallelism or start more (taskmanager.numberOfTaskSlots, further TaskManagers)',
        { retryable: true },
      );
    }
    let next = 0;
    for (const [group, slots] of groups) {
      this.#slots.set(group, offered.slice(next, next + slots));
      next += slots;
    }
  }

  slotOf({ vertex, subtask }: Pick<Subtask, 'vertex' | 'subtask'>): number {
    return present(this.#slots.get(vertex.slotSharingGroup)?.[subtask], `slot of ${vertex.name} (${subtask})`);
  }
}

const plural = (slots: number): string => (slots === 1 ? 'slot' : 'slots');
