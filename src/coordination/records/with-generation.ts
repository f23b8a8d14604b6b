import { assert } from '../../foundation/common/assert.ts';
import { compareGenerations } from '../../foundation/common/ids.ts';
import type { GenerationRecord } from '../job-record-store.ts';

/**
 * With the new one, without those whose subtasks have all been started again; ascending. Regions start on their own: one that waited
 * for slots comes after a later generation of another.
 */
export const withGeneration = (
  before: readonly GenerationRecord[],
  added: GenerationRecord,
): readonly GenerationRecord[] => {
  const { epoch, number } = added.generation;
  const isLater = ({ generation }: GenerationRecord): boolean => compareGenerations(generation, added.generation) > 0;
  const isOfSame = ({ subtasks }: GenerationRecord): boolean => subtasks.some((one) => added.subtasks.includes(one));
  assert(!before.some((one) => isLater(one) && isOfSame(one)), `I5: generation ${epoch}.${number} does not go forward`);
  // The same one again is a repeat after an unclear outcome.
  const kept = before.filter(({ generation }) => compareGenerations(generation, added.generation) !== 0);
  const newestVersion = Math.max(added.graphVersion, ...kept.map(({ graphVersion }) => graphVersion));
  const startedLater = new Set<string>();
  return [...kept, added]
    .toSorted((a, b) => compareGenerations(b.generation, a.generation))
    .filter(({ subtasks, graphVersion }) => {
      const isCurrent =
        graphVersion >= newestVersion && (subtasks.length === 0 || subtasks.some((one) => !startedLater.has(one)));
      subtasks.forEach((one) => startedLater.add(one));
      return isCurrent;
    })
    .toReversed();
};
