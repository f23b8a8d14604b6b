import type { PendingCheckpoint } from './pending-checkpoint.ts';

/** How a checkpoint that is given up counts. */
export interface AbortOptions {
  /** Against the tolerable failures. */
  readonly counted: boolean;
  /** The whole job restarts or ends anyway. */
  readonly restarted?: boolean;
}

/** As in Flink: what goes wrong here with a savepoint does not fail the job; what goes wrong in a task does. */
export const countedIfCheckpoint = ({ trigger }: PendingCheckpoint): AbortOptions => ({
  counted: trigger.kind === 'checkpoint',
});
