import { job } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { generate } from 'millrace/connectors/generator';

/** Keyed sums and windows over one ordered source, so that each subtask of the sink writes the same bytes in every run. */
export default job('kill-points', (env, [folder = './out', count = '8000']) => {
  env.setParallelism(2);
  env.enableCheckpointing({ interval: '60ms' });
  env
    .from(
      generate({
        seed: 11,
        count: Number(count),
        rate: 10_000,
        splits: 1,
        create: (index, random) => ({ k: `key-${random.int(40)}`, v: index }),
      }),
    )
    .keyBy('k')
    .sum('v')
    .uid('sums')
    .map(({ k, v }) => `${k} ${v}`)
    .to(fileSink({ path: folder, format: 'text' }));
});
