import { job } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { hurriedNumbers } from './hurried-numbers.ts';
import { Numbering } from './numbering.ts';

/**
 * Three vertices of one parallelism: numbers, counted by key, written to files. Arguments: the folder for its output, how many
 * numbers, how long between two of one subtask, the parallelism, how many keys (a multiple of it), the checkpoint
 * interval (`off`: none).
 */
export default job(
  'spread',
  (env, [folder = '.', count = '1000', every = '10', parallelism = '2', keys = '10', interval = '500']) => {
    if (interval !== 'off') {
      env.enableCheckpointing({ interval: Number(interval), mode: 'exactly-once' });
    }
    env.setParallelism(Number(parallelism));
    env
      .from(hurriedNumbers({ folder, count: Number(count), everyMs: Number(every), splits: Number(parallelism) }))
      .uid('numbers')
      .keyBy((value) => String(value % Number(keys)))
      .process(new Numbering(folder))
      .uid('numbering')
      .rebalance()
      .to(fileSink({ path: `${folder}/out` }))
      .uid('out');
  },
);
