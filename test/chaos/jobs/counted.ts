import { job } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { sequence } from 'millrace/connectors/generator';
import { Numbering } from './numbering.ts';

/**
 * Counts numbers by ten keys, at a pace. Arguments: the folder for its output and for `opens.log`, how many numbers, how long
 * between two of them, the parallelism, the checkpoint interval in milliseconds (`off`: none).
 */
export default job(
  'counted',
  (env, [folder = '.', count = '1000', every = '10', parallelism = '2', interval = '500']) => {
    if (interval !== 'off') {
      env.enableCheckpointing({ interval: Number(interval), mode: 'exactly-once' });
    }
    env.setParallelism(Number(parallelism));
    env
      .from(sequence({ to: Number(count) - 1, every: Number(every) }))
      .uid('numbers')
      .keyBy((value) => String(value % 10))
      .process(new Numbering(folder))
      .uid('numbering')
      .to(fileSink({ path: `${folder}/out` }))
      .uid('out');
  },
);
