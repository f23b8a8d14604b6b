import type { JobSubmission } from '../cluster-gateway.ts';
import type { PlanBody } from '../schema/jobs-schema.ts';

/** A job graph as Flink shows plans: the vertices, each with what it reads. */
export const presentPlan = (jobId: string, graph: JobSubmission['graph']): PlanBody => ({
  jid: jobId,
  name: graph.name,
  type: 'STREAMING',
  nodes: graph.vertices.map(({ id, name, parallelism }) => ({
    id,
    parallelism,
    operator: '',
    operator_strategy: '',
    description: name,
    inputs: graph.edges
      .filter(({ to }) => to === id)
      .map(({ from, partitioning }, num) => ({
        num,
        id: from,
        ship_strategy: partitioning.toUpperCase(),
        exchange: 'pipelined_bounded',
      })),
    optimizer_properties: {},
  })),
});
