import { attemptId, type AttemptId } from '../../../foundation/common/ids.ts';
import type { SimulatedTask } from './simulated-task.ts';

/**
 * A TaskManager is killed: some of the tasks are gone without a word, those that had finished too, and who exchanged records
 * with those that had not notices. Returns the attempts that nobody reports any more.
 */
export const loseTasks = (
  tasks: ReadonlyMap<AttemptId, SimulatedTask>,
  isLost: (attempt: AttemptId) => boolean,
): readonly AttemptId[] => {
  const lost = new Set([...tasks.keys()].filter(isLost));
  const broken = new Set<SimulatedTask>();
  for (const id of lost) {
    const task = tasks.get(id);
    if (task !== undefined && task.phase !== 'gone') {
      task.phase = 'gone';
      const { inputs, outputs } = task.deployment;
      for (const { producer, consumer } of [...inputs, ...outputs].flatMap(({ channels }) => channels)) {
        [producer, consumer].map(attemptId).forEach((one) => tasks.has(one) && broken.add(tasks.get(one)!));
      }
    }
  }
  for (const task of broken) {
    if (task.phase !== 'gone') {
      task.failWith({ name: 'MillraceError', code: 'CHANNEL_LOST', message: 'the other side is gone' });
    }
  }
  return [...lost];
};
