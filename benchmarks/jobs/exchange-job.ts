import { job } from 'millrace';
import { generate } from 'millrace/connectors/generator';
import { smallRecord, wideRecord } from './records.ts';

/** Keyed count over an all-to-all exchange, 2 to 2. Arguments: `small` or `wide`, records. */
export default job('exchange', (env, [kind = 'small', count = '1000000000']) => {
  env.setParallelism(2);
  env.enableCheckpointing({ interval: '1s', mode: 'exactly-once' });
  const source = { seed: 1, count: Number(count), splits: 2 };
  if (kind === 'small') {
    env
      .from(generate({ ...source, create: smallRecord }))
      .keyBy('k')
      .count()
      .blackhole();
  } else {
    env
      .from(generate({ ...source, create: wideRecord }))
      .keyBy('auction')
      .count()
      .blackhole();
  }
});
