import { expect, test } from 'vitest';
import { codeOf } from '../foundation/common/errors.ts';
import { job } from '../pipeline/api/job.ts';
import { sequence } from '../pipeline/connectors/generator/sequence.ts';
import { planJob } from './plan-job.ts';
import { planRescaled } from './plan-rescaled.ts';

/** A source for one subtask, sums by key, a sum of all, and a sink with a parallelism of its own. */
const sums = job('sums', (env) => {
  env.enableCheckpointing({ interval: 1_000 });
  const summed = env
    .from(sequence({ to: 99 }))
    .keyBy((value) => value % 10)
    .sum()
    .uid('sums');
  summed.blackhole().name('out').setParallelism(2);
  summed.countWindowAll(10).sum().uid('all').blackhole().name('total');
});

const program = { args: [], env: {}, configuration: { 'parallelism.default': '1' } };

const shape = (graph: ReturnType<typeof planRescaled>['graph']): Record<string, number> =>
  Object.fromEntries(graph.vertices.map(({ name, parallelism }) => [name, parallelism]));

const idOf = (name: string): string => {
  const { vertices } = planJob(sums, program).translation.jobGraph;
  return vertices.flatMap(({ operators }) => operators).find((operator) => operator.name === name)!.id;
};

const rescaled = (
  parallelism: number | undefined,
  operators: Readonly<Record<string, number>> = {},
  from: Pick<Parameters<typeof planRescaled>[1], 'args' | 'env' | 'configuration'> = program,
) =>
  planRescaled(sums, from, {
    parallelism,
    operators: new Map(Object.entries(operators).map(([name, value]) => [idOf(name), value])),
  });

test('operators whose code says no parallelism of their own get that of the job; what is chained follows', () => {
  const before = shape(planJob(sums, program).translation.jobGraph);
  expect(Object.keys(before)[0], 'a keyed edge of one to one is chained').toMatch(/^sequence -> /);
  const after = shape(rescaled(3).graph);
  expect(after).toMatchObject({ sequence: 1, sum: 3, out: 2 });
  expect(Object.values(after).filter((parallelism) => parallelism === 1).length, 'source and window').toBe(2);
  expect(shape(rescaled(1, {}, { ...program, configuration: rescaled(3).configuration }).graph)).toEqual(before);
});

test('every process draws the same graph from the configuration', () => {
  const { graph, configuration } = rescaled(3, { out: 4 });
  const { jobGraph } = planJob(sums, { ...program, configuration }).translation;
  expect(jobGraph.fingerprint).toBe(graph.fingerprint);
  expect(jobGraph).toEqual(graph);
  expect(graph.fingerprint).not.toBe(planJob(sums, program).translation.jobGraph.fingerprint);
});

test('what was changed before stays', () => {
  const first = rescaled(undefined, { out: 4 });
  expect(shape(rescaled(2, {}, { ...program, configuration: first.configuration }).graph)).toMatchObject({
    out: 4,
    sum: 2,
  });
});

test.each([
  ['a source with work for fewer', undefined, { sequence: 2 }, "source 'sequence' has work for 1 subtask, not for 2"],
  ['beyond the key groups', 129, {}, 'but at most 128'],
])('%s is refused', (_, parallelism, operators, message) => {
  let thrown: unknown;
  try {
    rescaled(parallelism, operators);
  } catch (error) {
    thrown = error;
  }
  expect(codeOf(thrown)).toBe('BAD_JOB');
  expect((thrown as Error).message).toContain(message);
});
