import { present } from '../../../foundation/common/assert.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type { VertexId } from '../../../foundation/common/ids.ts';
import type { JobEdge, JobGraph, JobVertex } from '../../../pipeline/graph/job-graph.ts';
import { consumersOf, producersOf, type SubtaskRange } from './channel-ranges.ts';

/** One subtask of one vertex. */
export interface Subtask {
  /** Its place in `ExecutionGraph.subtasks`: vertices in topological order, then subtasks. */
  readonly index: number;
  readonly vertex: JobVertex;
  readonly subtask: number;
  /** Its place in `ExecutionGraph.regions`. */
  readonly region: number;
}

/** An edge with the places of its ends. */
export interface Exchange {
  readonly edge: JobEdge;
  readonly from: JobVertex;
  readonly to: JobVertex;
}

/** For people: `map -> sink (2/4)`. */
export const subtaskName = (subtask: { readonly vertex: JobVertex; readonly subtask: number }): string =>
  `${subtask.vertex.name} (${subtask.subtask + 1}/${subtask.vertex.parallelism})`;

/**
 * The job graph with its vertices expanded to subtasks. It never changes; what runs where is the executions' business.
 * A *region* is a set of subtasks connected over channels: they fail and restart together.
 */
export class ExecutionGraph {
  readonly graph: JobGraph;
  readonly subtasks: readonly Subtask[];
  /** Subtask indices by region. */
  readonly regions: readonly (readonly number[])[];
  readonly #firstIndex = new Map<VertexId, number>();
  readonly #inputs = new Map<VertexId, Exchange[]>();
  readonly #outputs = new Map<VertexId, Exchange[]>();

  constructor(graph: JobGraph) {
    this.graph = graph;
    const vertices = topological(graph);
    let next = 0;
    for (const vertex of vertices) {
      this.#firstIndex.set(vertex.id, next);
      this.#inputs.set(vertex.id, []);
      this.#outputs.set(vertex.id, []);
      next += vertex.parallelism;
    }
    const byId = new Map(vertices.map((vertex) => [vertex.id, vertex]));
    for (const edge of graph.edges) {
      const exchange = {
        edge,
        from: present(byId.get(edge.from), `producer of edge ${edge.index}`),
        to: present(byId.get(edge.to), `consumer of edge ${edge.index}`),
      };
      requireForwardFits(exchange);
      this.#outputs.get(edge.from)?.push(exchange);
      this.#inputs.get(edge.to)?.push(exchange);
    }
    const regionOf = this.#connect(vertices, next);
    const regions: number[][] = [];
    const subtasks: Subtask[] = [];
    for (const vertex of vertices) {
      for (let subtask = 0; subtask < vertex.parallelism; subtask++) {
        const index = subtasks.length;
        const region = present(regionOf[index], 'region');
        (regions[region] ??= []).push(index);
        subtasks.push({ index, vertex, subtask, region });
      }
    }
    this.subtasks = subtasks;
    this.regions = regions;
  }

  subtask(index: number): Subtask {
    return present(this.subtasks[index], `subtask ${index}`);
  }

  indexOf(vertex: VertexId, subtask: number): number {
    return present(this.#firstIndex.get(vertex), `vertex ${vertex}`) + subtask;
  }

  inputsOf(vertex: VertexId): readonly Exchange[] {
    return present(this.#inputs.get(vertex), `vertex ${vertex}`);
  }

  outputsOf(vertex: VertexId): readonly Exchange[] {
    return present(this.#outputs.get(vertex), `vertex ${vertex}`);
  }

  /** Subtasks of `exchange.from` that a subtask of `exchange.to` reads from. */
  producers(exchange: Exchange, consumer: number): SubtaskRange {
    const { edge, from, to } = exchange;
    return producersOf(edge.partitioning, consumer, from.parallelism, to.parallelism);
  }

  /** Subtasks of `exchange.to` that a subtask of `exchange.from` writes to. */
  consumers(exchange: Exchange, producer: number): SubtaskRange {
    const { edge, from, to } = exchange;
    return consumersOf(edge.partitioning, producer, from.parallelism, to.parallelism);
  }

  /** Whether some producer of the subtask fulfils the condition. */
  someProducer(index: number, condition: (producerIndex: number) => boolean): boolean {
    const { vertex, subtask } = this.subtask(index);
    for (const exchange of this.inputsOf(vertex.id)) {
      const { first, last } = this.producers(exchange, subtask);
      for (let producer = first; producer <= last; producer++) {
        if (condition(this.indexOf(exchange.from.id, producer))) {
          return true;
        }
      }
    }
    return false;
  }

  /** The region of each subtask, numbered in order of first appearance. */
  #connect(vertices: readonly JobVertex[], count: number): number[] {
    const sets = new DisjointSets(count);
    for (const vertex of vertices) {
      for (const exchange of this.inputsOf(vertex.id)) {
        const from = this.indexOf(exchange.from.id, 0);
        const to = this.indexOf(vertex.id, 0);
        for (let consumer = 0; consumer < vertex.parallelism; consumer++) {
          const { first, last } = this.producers(exchange, consumer);
          // All-to-all: once the first consumer has joined all producers, one link joins each further consumer.
          const needed = consumer > 0 && first === 0 && last === exchange.from.parallelism - 1 ? first : last;
          for (let producer = first; producer <= needed; producer++) {
            sets.union(from + producer, to + consumer);
          }
        }
      }
    }
    const numbers = new Map<number, number>();
    return Array.from({ length: count }, (_, index) => {
      const root = sets.find(index);
      const number = numbers.get(root) ?? numbers.size;
      numbers.set(root, number);
      return number;
    });
  }
}

const requireForwardFits = ({ edge, from, to }: Exchange): void => {
  if (edge.partitioning === 'forward' && from.parallelism !== to.parallelism) {
    throw new MillraceError(
      'BAD_JOB',
      `"${from.name}" (parallelism ${from.parallelism}) cannot forward to "${to.name}" (parallelism ${to.parallelism}): ` +
        'give both the same parallelism or use rebalance() or rescale()',
    );
  }
};

const topological = (graph: JobGraph): JobVertex[] => {
  const producers = new Map(graph.vertices.map((vertex) => [vertex.id, new Set<VertexId>()]));
  for (const edge of graph.edges) {
    present(producers.get(edge.to), `consumer of edge ${edge.index}`).add(edge.from);
  }
  const placed = new Set<VertexId>();
  const order: JobVertex[] = [];
  while (order.length < graph.vertices.length) {
    const ready = graph.vertices.filter(
      (vertex) => !placed.has(vertex.id) && [...(producers.get(vertex.id) ?? [])].every((from) => placed.has(from)),
    );
    if (ready.length === 0) {
      throw new MillraceError('BAD_JOB', `the graph of job "${graph.name}" has a cycle`);
    }
    for (const vertex of ready) {
      placed.add(vertex.id);
      order.push(vertex);
    }
  }
  return order;
};

class DisjointSets {
  readonly #parent: number[];

  constructor(count: number) {
    this.#parent = Array.from({ length: count }, (_, index) => index);
  }

  find(index: number): number {
    let root = index;
    while (this.#parent[root] !== root) {
      root = present(this.#parent[root], 'parent');
    }
    for (let at = index; at !== root;) {
      const next = present(this.#parent[at], 'parent');
      this.#parent[at] = root;
      at = next;
    }
    return root;
  }

  /** The smaller index becomes the root. */
  union(a: number, b: number): void {
    const [rootA, rootB] = [this.find(a), this.find(b)];
    this.#parent[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
  }
}
