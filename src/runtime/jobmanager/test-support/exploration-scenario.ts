import type { Random } from '../../../foundation/common/random.ts';
import { OWN_ENUMERATOR, type EnumeratorFactory } from '../../../pipeline/connectors/source.ts';
import type { JobGraph } from '../../../pipeline/graph/job-graph.ts';
import { ownFoundSplits, ownStaticSplits } from './simulated-user-code.ts';
import { testGraph, type TestEdge, type TestVertex } from './test-graph.ts';

export interface Scenario {
  readonly graph: (parallelism: number) => JobGraph;
  readonly expected: readonly string[];
  readonly parallelism: number;
  readonly ownEnumerator: EnumeratorFactory | undefined;
}

/** Sources, tasks between, sinks, of all shapes of regions. */
export const scenarioOf = (random: Random, timeoutMs = 6_000): Scenario => {
  // Beside the JobManager, or as user code that a source brings along.
  const enumerator = (['ours', 'ours', 'static', 'found', 'found bounded'] as const)[random.int(5)]!;
  const splits = Array.from({ length: 1 + random.int(6) }, (_, index) => ({
    id: `s/${index}`,
    next: 0,
    count: 1 + random.int(40),
  }));
  // Ours beside the user's: its snapshot is there at once, and short splits are asked for until the other one's is (R4).
  const short = Array.from({ length: 60 }, (_, index) => ({ id: `t/${index}`, next: 0, count: 1 }));
  const more = enumerator === 'static' ? short : [];
  const assignment = random.int(2) === 0 ? 'pull' : 'by-index';
  const shape = random.int(4);
  const checkpointing = {
    intervalMs: 50 + random.int(400),
    timeoutMs,
    minPauseMs: random.int(2) * 50,
    tolerableFailures: random.int(3) === 0 ? 0 : 1_000,
    numRetained: 1 + random.int(2),
  };
  const source = {
    enumerator: enumerator === 'ours' ? 'static-splits' : OWN_ENUMERATOR,
    config: { splits, assignment },
    bounded: true,
  };
  const counts = new Map(splits.map(({ id, count }) => [id.slice(2), count]));
  const ownEnumerator = {
    ours: undefined,
    static: ownStaticSplits,
    found: ownFoundSplits(counts, false),
    'found bounded': ownFoundSplits(counts, true),
  }[enumerator];
  const graph = (parallelism: number): JobGraph => {
    const vertices: TestVertex[] = [
      { name: 'source', parallelism, source },
      { name: 'sink', parallelism: shape === 1 ? 1 : parallelism },
    ];
    const edges: TestEdge[] = [['source', 'sink', (['forward', 'hash', 'forward', 'rescale'] as const)[shape]!]];
    if (shape === 2) {
      vertices.splice(1, 0, { name: 'between', parallelism });
      edges.splice(0, 1, ['source', 'between', 'hash'], ['between', 'sink', 'forward']);
    }
    if (more.length > 0) {
      // Its enumerator answers apart from the other one's.
      const second = { enumerator: 'static-splits', config: { splits: more, assignment: 'pull' }, bounded: true };
      vertices.push({ name: 'source-2', parallelism, source: second }, { name: 'sink-2', parallelism });
      edges.push(['source-2', 'sink-2', 'forward']);
    }
    return testGraph(vertices, edges, checkpointing);
  };
  const expected = [...splits, ...more].flatMap(({ id, count }) =>
    Array.from({ length: count }, (_, record) => `${id}:${record}`),
  );
  return { graph, expected: expected.sort(), parallelism: 1 + random.int(3), ownEnumerator };
};
