/** How many subtasks a vertex may have. */
export interface ParallelismBounds {
  readonly lowerBound: number;
  readonly upperBound: number;
}

/** What clients ask of the parallelism of a job, the same at the REST endpoint and at the Dispatcher. */
export interface RescaleRequest {
  /** Chosen by the client, so that a repeated request is the same one; made where it is missing. */
  readonly triggerId?: string;
  /** Of the job: of operators whose code says none of their own. */
  readonly parallelism?: number;
  /** By vertex id: the upper bound, or as much as there are slots for, the lower bound at least. */
  readonly vertices: Readonly<Record<string, ParallelismBounds>>;
}

/** The parallelism of a vertex as it is. */
export interface VertexParallelism {
  readonly id: string;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
}
