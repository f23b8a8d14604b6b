import { job } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { sequence } from 'millrace/connectors/generator';

/** The sums of each hundred numbers: the k-th (from 0) is 10000·k + 4950. Arguments: output folder, how many sums. */
export default job('ha-demo', (env, [folder = './sums', sums = '200']) => {
  env.enableCheckpointing({ interval: '1s', mode: 'exactly-once' });
  const totals = env
    .from(sequence({ from: 0, to: Number(sums) * 100 - 1, every: '1ms' }))
    .name('numbers')
    .countWindowAll(100)
    .sum()
    .uid('sums');
  totals.to(fileSink({ path: folder, format: 'text' })).name('files');
  totals.print();
});
