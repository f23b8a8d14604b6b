import type { RescaleTargets } from '../dispatcher/job-starter.ts';
import type { OperatorId, VertexId } from '../../../foundation/common/ids.ts';
import type { CheckpointingPlan, JobEdge, JobGraph, JobVertex } from '../../../pipeline/graph/job-graph.ts';
import type { SourcePlan } from '../../../pipeline/graph/stream-graph.ts';

export interface TestVertex {
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism?: number;
  readonly group?: string;
  readonly source?: SourcePlan;
  readonly uid?: string;
}

export type TestEdge = readonly [from: string, to: string, partitioning: JobEdge['partitioning']];

export const vertexIdOf = (name: string): VertexId => `v-${name}` as VertexId;
export const operatorIdOf = (name: string): OperatorId => `o-${name}` as OperatorId;

/** A graph with one operator in each vertex; those without outputs are sinks. */
export const testGraph = (
  vertices: readonly TestVertex[],
  edges: readonly TestEdge[] = [],
  checkpointing?: Partial<CheckpointingPlan>,
): JobGraph => ({
  name: 'test-job',
  fingerprint: 'f00d',
  settings: {},
  vertices: vertices.map(({ name, parallelism, maxParallelism, group, source, uid }): JobVertex => ({
    id: vertexIdOf(name),
    name,
    parallelism,
    maxParallelism: maxParallelism ?? 128,
    slotSharingGroup: group ?? 'default',
    operators: [
      {
        id: operatorIdOf(name),
        name,
        kind: 'test',
        stateful: true,
        ...(edges.some(([from]) => from === name) ? {} : { sink: { bearsRepeats: false } }),
        ...(uid === undefined ? {} : { uid }),
        ...(source === undefined ? {} : { source }),
      },
    ],
  })),
  edges: edges.map(([from, to, partitioning], index) => ({
    index,
    from: vertexIdOf(from),
    fromOperator: operatorIdOf(from),
    to: vertexIdOf(to),
    toOperator: operatorIdOf(to),
    partitioning,
  })),
  checkpointing:
    checkpointing === undefined
      ? undefined
      : {
          intervalMs: 1_000,
          mode: 'exactly-once',
          timeoutMs: 10_000,
          minPauseMs: 0,
          tolerableFailures: 0,
          numRetained: 1,
          retention: 'NO_EXTERNALIZED_CHECKPOINTS',
          incremental: true,
          inlineThresholdBytes: 0,
          ...checkpointing,
        },
});

/** As the builder would draw it again. */
export const rescaledGraph = (graph: JobGraph, { parallelism, operators }: RescaleTargets): JobGraph => ({
  ...graph,
  fingerprint: `${graph.fingerprint}'`,
  vertices: graph.vertices.map((vertex) => ({
    ...vertex,
    parallelism: vertex.operators.reduce(
      (drawn, { id }) => operators.get(id) ?? drawn,
      parallelism ?? vertex.parallelism,
    ),
  })),
});
