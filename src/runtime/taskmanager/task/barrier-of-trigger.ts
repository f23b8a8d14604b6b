import type { BarrierEvent } from '../../network/stream-element.ts';
import type { CheckpointTrigger } from '../../protocol/task-commands.ts';

/** The barrier that a trigger becomes when a task starts the checkpoint. */
export const barrierOf = (trigger: CheckpointTrigger): BarrierEvent => ({
  kind: 'barrier',
  checkpointId: trigger.checkpointId,
  timestampMs: trigger.timestampMs,
  base: trigger.base,
  checkpoint: trigger.kind,
  folder: trigger.folder,
  stop: trigger.stop,
});
