import type { CheckpointId } from '../../../foundation/common/ids.ts';
import type { CheckpointMetadata } from '../../checkpoint/metadata.ts';
import type { Instant } from '../instant.ts';
import { stateBytesOf } from './metadata-assembly.ts';
import type { PendingCheckpoint } from './pending-checkpoint.ts';

/** A checkpoint whose pointer is in the store (I4), or a plain savepoint, which has none (R8). */
export interface CompletedCheckpoint {
  readonly checkpointId: CheckpointId;
  readonly kind: 'checkpoint' | 'savepoint';
  readonly metadataPath: string;
  /** The folder that relative paths in the metadata start from. */
  readonly baseFolder: string;
  readonly metadata: CheckpointMetadata;
  /** All state it refers to, metadata not counted. */
  readonly stateBytes: number;
  /** What was written for it. */
  readonly writtenBytes: number;
  readonly durationMs: number;
}

export const completedCheckpoint = (
  pending: PendingCheckpoint,
  metadata: CheckpointMetadata,
  metadataPath: string,
  now: Instant,
): CompletedCheckpoint => ({
  checkpointId: pending.id,
  kind: pending.trigger.kind,
  metadataPath,
  baseFolder: pending.trigger.folder,
  metadata,
  stateBytes: stateBytesOf(metadata),
  writtenBytes: pending.writtenBytes,
  durationMs: Math.round(now.monotonicMs - pending.triggeredAt.monotonicMs),
});
