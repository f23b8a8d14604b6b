import { createHash } from 'node:crypto';
import { MillraceError } from '../../foundation/common/errors.ts';
import { present } from '../../foundation/common/assert.ts';
import type { OperatorId, VertexId } from '../../foundation/common/ids.ts';
import type { CheckpointingPlan, JobEdge, JobGraph, JobOperator, JobVertex } from './job-graph.ts';
import { assignOperatorIds } from './operator-ids.ts';
import { requireParallelismFits } from './require-parallelism-fits.ts';
import type { Partitioning, StreamEdge, StreamGraph, StreamNode } from './stream-graph.ts';

export interface TranslationOptions {
  readonly defaultParallelism: number;
  /** By operator id: over what the job says. */
  readonly parallelism?: ReadonlyMap<string, number>;
  readonly defaultMaxParallelism: number;
  readonly chaining: boolean;
  readonly checkpointing: CheckpointingPlan | undefined;
  readonly settings: Readonly<Record<string, string>>;
}

/** The job graph and, in this process, the functions behind it. */
export interface Translation {
  readonly jobGraph: JobGraph;
  readonly nodeOf: ReadonlyMap<OperatorId, StreamNode>;
  /** By `JobEdge.index`. */
  readonly partitionings: readonly Partitioning[];
  /** Chained successors by operator id, in the order they were drawn. */
  readonly chained: ReadonlyMap<OperatorId, readonly ChainedEdge[]>;
}

export interface ChainedEdge {
  readonly to: OperatorId;
  readonly sideOutput: string | undefined;
}

interface ResolvedNode {
  readonly node: StreamNode;
  readonly id: OperatorId;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly slotSharingGroup: string;
}

interface ResolvedEdge {
  readonly from: ResolvedNode;
  readonly to: ResolvedNode;
  readonly edge: StreamEdge;
  readonly partitioning: Partitioning;
  readonly chained: boolean;
}

/**
 * Chains operators into vertices and gives everything its stable id. Deterministic: every process that runs the same
 * builder with the same arguments and options gets an equal job graph, which `fingerprint` proves.
 *
 * @throws BAD_JOB for a graph that cannot run, naming the operator.
 */
export const translate = (graph: StreamGraph, options: TranslationOptions): Translation => {
  checkShape(graph);
  const ids = assignOperatorIds(graph);
  const resolved = resolveNodes(graph, ids, options);
  const edges = resolveEdges(graph, resolved, options);
  const incoming = new Map<ResolvedNode, ResolvedEdge>();
  const chained = new Map<OperatorId, ChainedEdge[]>();
  for (const edge of edges.filter((candidate) => candidate.chained)) {
    incoming.set(edge.to, edge);
    const list = chained.get(edge.from.id) ?? [];
    list.push({ to: edge.to.id, sideOutput: edge.edge.sideOutput });
    chained.set(edge.from.id, list);
  }
  const headOf = (node: ResolvedNode): ResolvedNode => {
    let head = node;
    for (let edge = incoming.get(head); edge !== undefined; edge = incoming.get(head)) {
      head = edge.from;
    }
    return head;
  };
  const vertices = makeVertices([...resolved.values()], headOf);
  const exchanges = edges.filter((edge) => !edge.chained);
  const jobEdges = exchanges.map((edge, index): JobEdge => ({
    index,
    from: headOf(edge.from).id as string as VertexId,
    fromOperator: edge.from.id,
    ...(edge.edge.sideOutput === undefined ? {} : { sideOutput: edge.edge.sideOutput }),
    to: headOf(edge.to).id as string as VertexId,
    toOperator: edge.to.id,
    partitioning: edge.partitioning.kind,
  }));
  const body = { vertices, edges: jobEdges, checkpointing: options.checkpointing };
  return {
    jobGraph: {
      name: graph.name,
      fingerprint: createHash('sha256').update(JSON.stringify(body)).digest('hex'),
      ...body,
      settings: options.settings,
    },
    nodeOf: new Map([...resolved.values()].map((each) => [each.id, each.node])),
    partitionings: exchanges.map((edge) => edge.partitioning),
    chained,
  };
};

const checkShape = (graph: StreamGraph): void => {
  if (graph.nodes.length === 0) {
    throw new MillraceError(
      'BAD_JOB',
      `job '${graph.name}' is empty: its builder drew no source and no sink; start with env.from(...) and end with a sink`,
    );
  }
  if (!graph.nodes.some((node) => node.kind === 'sink')) {
    throw new MillraceError(
      'BAD_JOB',
      `job '${graph.name}' has no sink, so nothing would come out; end a stream with .to(sink), .print() or .blackhole()`,
    );
  }
};

const resolveNodes = (
  graph: StreamGraph,
  ids: ReadonlyMap<StreamNode, OperatorId>,
  options: TranslationOptions,
): Map<StreamNode, ResolvedNode> => {
  const resolved = new Map<StreamNode, ResolvedNode>();
  for (const node of graph.nodes) {
    const id = present(ids.get(node), 'operator id');
    const override = options.parallelism?.get(id);
    if (override !== undefined) {
      requireParallelismFits(node, override);
    }
    const parallelism = override ?? node.fixedParallelism ?? node.parallelism ?? options.defaultParallelism;
    const maxParallelism = node.maxParallelism ?? Math.max(options.defaultMaxParallelism, 1);
    if (parallelism > maxParallelism) {
      throw new MillraceError(
        'BAD_JOB',
        `operator '${node.name}' has parallelism ${parallelism}, but at most ${maxParallelism} (its max parallelism, the ` +
          'number of key groups); raise it with setMaxParallelism or pipeline.max-parallelism before the first run',
      );
    }
    const inherited = new Set(node.inputs.map((edge) => present(resolved.get(edge.from), 'input').slotSharingGroup));
    const slotSharingGroup = node.slotSharingGroup ?? (inherited.size === 1 ? [...inherited][0]! : 'default');
    resolved.set(node, {
      node,
      id,
      parallelism,
      maxParallelism,
      slotSharingGroup,
    });
  }
  return resolved;
};

const resolveEdges = (
  graph: StreamGraph,
  resolved: ReadonlyMap<StreamNode, ResolvedNode>,
  options: TranslationOptions,
): ResolvedEdge[] =>
  graph.nodes.flatMap((node) =>
    node.inputs.map((edge) => {
      const from = present(resolved.get(edge.from), 'producer');
      const to = present(resolved.get(node), 'consumer');
      const partitioning = resolvePartitioning(edge.partitioning, from, to);
      return { from, to, edge, partitioning, chained: options.chaining && canChain(partitioning, from, to) };
    }),
  );

const resolvePartitioning = (
  partitioning: Partitioning | undefined,
  from: ResolvedNode,
  to: ResolvedNode,
): Partitioning => {
  if (partitioning === undefined) {
    return { kind: from.parallelism === to.parallelism ? 'forward' : 'rebalance' };
  }
  if (partitioning.kind === 'forward' && from.parallelism !== to.parallelism) {
    throw new MillraceError(
      'BAD_JOB',
      `'${from.node.name}' (parallelism ${from.parallelism}) cannot forward to '${to.node.name}' (parallelism ` +
        `${to.parallelism}); use rebalance() or rescale(), or give both the same parallelism`,
    );
  }
  const single = from.parallelism === 1 && to.parallelism === 1;
  // One producer and one consumer: every record goes the same way, so nothing has to be exchanged. An explicit
  // rebalance stays an exchange, it is how users break a chain.
  return single && (partitioning.kind === 'hash' || partitioning.kind === 'global')
    ? { kind: 'forward' }
    : partitioning;
};

const canChain = (partitioning: Partitioning, from: ResolvedNode, to: ResolvedNode): boolean =>
  partitioning.kind === 'forward' &&
  to.node.inputs.length === 1 &&
  from.parallelism === to.parallelism &&
  from.maxParallelism === to.maxParallelism &&
  from.slotSharingGroup === to.slotSharingGroup &&
  from.node.chaining.after &&
  to.node.chaining.before;

const makeVertices = (nodes: readonly ResolvedNode[], headOf: (node: ResolvedNode) => ResolvedNode): JobVertex[] => {
  const members = new Map<ResolvedNode, ResolvedNode[]>();
  for (const node of nodes) {
    const head = headOf(node);
    members.set(head, [...(members.get(head) ?? []), node]);
  }
  return [...members].map(([head, chain]) => ({
    id: head.id as string as VertexId,
    name: chain.map((member) => member.node.name).join(' -> '),
    parallelism: head.parallelism,
    maxParallelism: head.maxParallelism,
    slotSharingGroup: head.slotSharingGroup,
    operators: chain.map(({ id, node }): JobOperator => ({
      id,
      ...(node.uid === undefined ? {} : { uid: node.uid }),
      name: node.name,
      kind: node.operator,
      stateful: node.stateful,
      ...(node.source === undefined ? {} : { source: node.source }),
      ...(node.sink === undefined ? {} : { sink: node.sink }),
    })),
  }));
};
