import { job } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { sequence } from 'millrace/connectors/generator';

/** The sums of each 20 numbers. Arguments: output folder, checkpoint folder (not used), how many sums. */
export default job('sums', (env, [folder = '', , sums = '']) => {
  env
    .from(sequence({ from: 0, to: Number(sums) * 20 - 1, rate: 2000 }))
    .countWindowAll(20)
    .sum()
    .to(fileSink({ path: folder }));
});
