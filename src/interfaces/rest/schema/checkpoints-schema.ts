import { z } from 'zod';

const count = z.int().nonnegative();

export const checkpointSchema = z.object({
  id: count,
  status: z.enum(['IN_PROGRESS', 'COMPLETED', 'FAILED']),
  is_savepoint: z.boolean(),
  trigger_timestamp: z.number(),
  latest_ack_timestamp: z.number(),
  checkpointed_size: count,
  state_size: count,
  end_to_end_duration: z.number(),
  checkpoint_type: z.enum(['CHECKPOINT', 'SAVEPOINT']),
  external_path: z.exactOptional(z.string()),
  discarded: z.exactOptional(z.boolean()),
  failure_timestamp: z.exactOptional(z.number()),
  failure_message: z.exactOptional(z.string()),
});
export type CheckpointBody = z.infer<typeof checkpointSchema>;

const restored = z.object({
  id: count,
  restore_timestamp: z.number(),
  is_savepoint: z.boolean(),
  external_path: z.exactOptional(z.string()),
});

/** `GET /jobs/:jobid/checkpoints`. */
export const checkpointsSchema = z.object({
  counts: z.object({ restored: count, total: count, in_progress: count, completed: count, failed: count }),
  latest: z.object({
    completed: z.union([checkpointSchema, z.null()]),
    savepoint: z.union([checkpointSchema, z.null()]),
    failed: z.union([checkpointSchema, z.null()]),
    restored: z.union([restored, z.null()]),
  }),
  /** The newest first. */
  history: z.array(checkpointSchema),
});
export type CheckpointsBody = z.infer<typeof checkpointsSchema>;
