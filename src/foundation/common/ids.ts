/** Branded identifiers: a `JobId` cannot be passed where a `VertexId` is wanted, though both are strings at run time. */
declare const brand: unique symbol;
export type Brand<T, B extends string> = T & { readonly [brand]: B };

/** 32 hex digits. */
export type JobId = Brand<string, 'JobId'>;
/** 32 hex digits: of the chain's head operator. */
export type VertexId = Brand<string, 'VertexId'>;
/** 32 hex digits: from the `uid`, else from the operator's place in the graph. */
export type OperatorId = Brand<string, 'OperatorId'>;
/** Counts from 1 within a job, never reused (I5). */
export type CheckpointId = Brand<number, 'CheckpointId'>;

/** One start of one region (R1); ordered by epoch, then number. */
export interface Generation {
  readonly epoch: number;
  readonly number: number;
}

/** One run of one subtask. */
export interface AttemptRef {
  readonly job: JobId;
  readonly graphVersion: number;
  readonly vertex: VertexId;
  readonly subtask: number;
  readonly generation: Generation;
}

/** The attempt in one string, for maps and logs. */
export type AttemptId = Brand<string, 'AttemptId'>;

export const attemptId = (ref: AttemptRef): AttemptId =>
  `${ref.job}/${ref.graphVersion}/${ref.vertex}/${ref.subtask}/${ref.generation.epoch}.${ref.generation.number}` as AttemptId;

export const compareGenerations = (a: Generation, b: Generation): number => a.epoch - b.epoch || a.number - b.number;

export const checkpointId = (value: number): CheckpointId => value as CheckpointId;
