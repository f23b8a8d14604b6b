import type { OperatorId, VertexId } from '../../foundation/common/ids.ts';
import type { Partitioning, SinkPlan, SourcePlan } from './stream-graph.ts';

/** What is deployed: plain data, the same in every process that runs the same builder with the same arguments. */
export interface JobGraph {
  readonly name: string;
  /** SHA-256 of everything below, in hex. */
  readonly fingerprint: string;
  readonly vertices: readonly JobVertex[];
  readonly edges: readonly JobEdge[];
  readonly checkpointing: CheckpointingPlan | undefined;
  /** What the builder set in code, by configuration key. */
  readonly settings: Readonly<Record<string, string>>;
}

/** A chain of operators that runs as one task; in topological order, the head first. */
export interface JobVertex {
  readonly id: VertexId;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly slotSharingGroup: string;
  readonly operators: readonly JobOperator[];
}

export interface JobOperator {
  readonly id: OperatorId;
  readonly uid?: string;
  readonly name: string;
  /** As `StreamNode.operator`. */
  readonly kind: string;
  readonly stateful: boolean;
  readonly source?: SourcePlan;
  readonly sink?: SinkPlan;
}

/** An exchange between two vertices. */
export interface JobEdge {
  /** Its place in `JobGraph.edges`. */
  readonly index: number;
  readonly from: VertexId;
  readonly fromOperator: OperatorId;
  readonly sideOutput?: string;
  readonly to: VertexId;
  readonly toOperator: OperatorId;
  readonly partitioning: Partitioning['kind'];
}

/** What `env.enableCheckpointing` and the configuration say; all times in milliseconds. */
export interface CheckpointingPlan {
  readonly intervalMs: number;
  readonly mode: 'exactly-once' | 'at-least-once';
  readonly timeoutMs: number;
  readonly minPauseMs: number;
  readonly tolerableFailures: number;
  readonly numRetained: number;
  readonly retention: 'DELETE_ON_CANCELLATION' | 'RETAIN_ON_CANCELLATION' | 'NO_EXTERNALIZED_CHECKPOINTS';
  readonly incremental: boolean;
  readonly inlineThresholdBytes: number;
}
