import { createHash } from 'node:crypto';
import type { JobId, OperatorId, VertexId } from '../../foundation/common/ids.ts';
import type { Random } from '../../foundation/common/random.ts';
import type { JobGraph, JobVertex } from '../../pipeline/graph/job-graph.ts';
import type { SourcePlan } from '../../pipeline/graph/stream-graph.ts';
import type { JobSubmission } from '../../runtime/jobmanager/dispatcher/cluster-gateway.ts';

const vertex = (name: string, parallelism: number, source?: SourcePlan): JobVertex => ({
  id: name as VertexId,
  name,
  parallelism,
  maxParallelism: 128,
  slotSharingGroup: 'default',
  operators: [
    { id: name as OperatorId, name, kind: name, stateful: true, ...(source === undefined ? {} : { source }) },
  ],
});

const SPLITS = ['one', 'two', 'three', 'four'].map((id) => ({ id }));

const GRAPH: Omit<JobGraph, 'fingerprint'> = {
  name: 'rehearsal',
  vertices: [
    vertex('source', 2, {
      enumerator: 'static-splits',
      config: { splits: SPLITS, assignment: 'pull' },
      bounded: false,
    }),
    vertex('sink', 2),
  ],
  edges: [
    {
      index: 0,
      from: 'source' as VertexId,
      fromOperator: 'source' as OperatorId,
      to: 'sink' as VertexId,
      toOperator: 'sink' as OperatorId,
      partitioning: 'hash',
    },
  ],
  checkpointing: {
    intervalMs: 50,
    mode: 'exactly-once',
    timeoutMs: 60_000,
    minPauseMs: 0,
    tolerableFailures: 0,
    numRetained: 2,
    retention: 'NO_EXTERNALIZED_CHECKPOINTS',
    incremental: true,
    inlineThresholdBytes: 20_480,
  },
  settings: {},
};

/** A keyed job with checkpoints, as it would be submitted. */
export const rehearsedJob = (random: Random): JobSubmission => ({
  jobId: random.hex(32) as JobId,
  graph: { ...GRAPH, fingerprint: createHash('sha256').update(JSON.stringify(GRAPH)).digest('hex') },
  bundle: new Uint8Array(),
  args: [],
  env: {},
  configuration: {},
});
