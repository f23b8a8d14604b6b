import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { job } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { inSteps, paced } from '../../golden/jobs/paced.ts';

/**
 * Running counts of 97 keys, all-to-all between subtasks 4 by 4. Goes six steps, at least one checkpoint between two of
 * them; after the third it waits for the file `go` in its folder. Arguments: folder, checkpoint folder, records.
 */
export default job('counts', (env, [folder = '', checkpoints = '', records = '']) => {
  env.setParallelism(4);
  const numbers = Array.from({ length: Number(records) }, (_, index) => index);
  env
    .from(
      paced(inSteps(numbers, 6), {
        checkpoints,
        ready: (step) => step !== 2 || existsSync(join(folder, 'go')),
      }),
    )
    .rebalance()
    .map((number) => ({ key: number % 97, note: `number ${number}` }))
    .keyBy('key')
    .count()
    .map(({ key, count }) => `${key}\t${count}`)
    .to(fileSink({ path: join(folder, 'out') }));
});
