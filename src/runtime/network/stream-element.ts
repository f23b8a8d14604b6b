/** What travels in a channel, in order. */
export interface Batch {
  readonly values: readonly unknown[];
  /** `undefined`: no record has a timestamp. */
  readonly timestamps: ArrayLike<number> | undefined;
  readonly count: number;
}

export type StreamEvent =
  | BarrierEvent
  | { readonly kind: 'cancel-barrier'; readonly checkpointId: number }
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'idle'; readonly idle: boolean }
  /** No record comes any more, barriers still may (R11). */
  | { readonly kind: 'end-of-data' }
  /** Nothing comes any more. */
  | { readonly kind: 'end-of-partition' };

/** Whether `next` makes `last` needless when nothing is between them: the newest watermark and the newest idleness count. */
export const supersedes = (next: StreamEvent, last: object | undefined): boolean =>
  last !== undefined &&
  'kind' in last &&
  last.kind === next.kind &&
  (next.kind === 'watermark' || next.kind === 'idle');

/** A barrier carries its trigger, so that a task needs no word from the JobManager to take part. */
export interface BarrierEvent {
  readonly kind: 'barrier';
  readonly checkpointId: number;
  readonly timestampMs: number;
  readonly base: number | undefined;
  readonly checkpoint: 'checkpoint' | 'savepoint';
  readonly folder: string;
  readonly stop: 'no' | 'suspend' | 'drain';
}
