import type { JobId } from '../../src/foundation/common/ids.ts';
import type { JobSubmission } from '../../src/runtime/jobmanager/dispatcher/cluster-gateway.ts';
import { testGraph } from '../../src/runtime/jobmanager/test-support/test-graph.ts';

/** Every n-th of the leader's changes of the disk; 1: each. */
export const STRIDE = Number(process.env['WRITE_STRIDE'] ?? 7);
export const JOB = 'a'.repeat(32) as JobId;
export const SUBTASKS = 4;

export interface CountedSplits {
  readonly splits: number;
  /** Of each split. */
  readonly records: number;
  /** `by-index`: all splits are given out at first; `pull`: one after the other. */
  readonly assignment: 'by-index' | 'pull';
}

/** A job of two sources and two sinks, between which the records of all splits are divided by their key. */
export const submissionOf = (
  { splits: count, records, assignment }: CountedSplits,
  jobId: JobId,
  configuration: Readonly<Record<string, string>>,
): JobSubmission => {
  const splits = Array.from({ length: count }, (_, index) => ({ id: `s/${index}`, next: 0, count: records }));
  const source = { enumerator: 'static-splits', config: { splits, assignment }, bounded: true };
  return {
    jobId,
    graph: testGraph(
      [
        { name: 'source', parallelism: 2, source },
        { name: 'sink', parallelism: 2 },
      ],
      [['source', 'sink', 'hash']],
      { intervalMs: 25, timeoutMs: 600_000, tolerableFailures: 1_000, numRetained: 2 },
    ),
    bundle: Buffer.from('export default 1'),
    args: [],
    env: {},
    configuration,
  };
};

/** All that it writes, sorted. */
export const outputOf = ({ splits, records }: Pick<CountedSplits, 'splits' | 'records'>): readonly string[] =>
  Array.from({ length: splits }, (_, split) =>
    Array.from({ length: records }, (_one, record) => `s/${split}:${record}`),
  )
    .flat()
    .sort();
