import { job } from 'millrace';
import { generate } from 'millrace/connectors/generator';
import { smallRecord } from './records.ts';

/** Filter, map, running sum by key in one chain. Arguments: records before the clock starts, records measured. */
export default job('chain', (env, [warmUp = '5000000', measured = '20000000']) => {
  const first = Number(warmUp);
  const last = first + Number(measured) - 1;
  const marks = globalThis as { chainMarks?: number[] };
  env.setParallelism(1);
  env
    .from(
      generate({
        seed: 1,
        count: last + 1,
        create: (index) => {
          if (index === first || index === last) {
            (marks.chainMarks ??= []).push(performance.now());
          }
          return smallRecord(index);
        },
      }),
    )
    .filter((record) => record.v !== 7)
    .map((record) => ({ k: record.k, v: record.v * 2 }))
    .keyBy('k')
    .sum('v')
    .blackhole();
});
