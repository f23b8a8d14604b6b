import { job } from 'millrace';
import { sequence } from 'millrace/connectors/generator';

/** Two vertices, each subtask of the first with a channel to each of the second. Arguments: parallelism, records or nothing. */
export default job('many subtasks', (env, [parallelism = '50', last = '']) => {
  const subtasks = Number(parallelism);
  env.setParallelism(subtasks);
  env
    .from(sequence({ ...(last === '' ? {} : { to: Number(last) - 1 }), splits: subtasks }))
    .map((n) => ({ key: `key ${n % 10_000}`, one: 1 }))
    .keyBy('key')
    .sum('one')
    .blackhole();
});
