import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import { FixedSlots, SlotTable } from '../scheduler/slot-table.ts';

/** Subtask i of each vertex in slot i of the one TaskManager, without asking. */
export const slotsInOrder = (execution: ExecutionGraph): SlotTable => {
  const table = new SlotTable(execution, new FixedSlots(execution.graph, 'tm', 0));
  for (const { index, subtask } of execution.subtasks) {
    table.adopt(index, { taskManager: 'tm', slot: subtask });
  }
  return table;
};
