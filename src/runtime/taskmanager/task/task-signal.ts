import type { TaskCommand } from '../../protocol/task-commands.ts';

/** What reaches a task, in order: commands of the JobMaster, and what its TaskManager says about the leader. */
export type TaskSignal = TaskCommand | AlignmentLimit | { readonly kind: 'alignment-check' };

/** How long an alignment may be held (R10); `undefined`: as long as it takes, for there is a leader. */
export interface AlignmentLimit {
  readonly kind: 'alignment-limit';
  readonly limitMs: number | undefined;
}
