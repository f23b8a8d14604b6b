import { job } from 'millrace';
import { sequence } from 'millrace/connectors/generator';
import { sink } from 'millrace/connectors/custom';

/**
 * A source as fast as it can be, and a sink that takes a hundred records every 10 ms: a hundred times slower at least.
 * Arguments: parallelism, number of records or nothing for no end.
 */
export default job('pressure', (env, [parallelism = '2', last = '']) => {
  const subtasks = Number(parallelism);
  env
    .from(sequence({ ...(last === '' ? {} : { to: Number(last) - 1 }), splits: subtasks, name: 'fast' }))
    .map((n) => ({ key: `key ${n % 1000}`, n, text: 'x'.repeat(100) }))
    .keyBy((record) => record.key)
    .process<{ readonly key: string; readonly n: number }>((record, context, out) => {
      const newest = context.state.value<number>('newest');
      newest.update(record.n);
      out.collect({ key: record.key, n: record.n });
    })
    .to(
      sink<{ readonly key: string; readonly n: number }>({
        name: 'slow',
        maxInFlight: 100,
        create: () => {
          let waiting: (() => void)[] = [];
          const timer = setInterval(() => {
            const taken = waiting;
            waiting = [];
            taken.forEach((take) => take());
          }, 10);
          return {
            write: () =>
              new Promise<void>((resolve) => {
                waiting.push(resolve);
              }),
            close: () => clearInterval(timer),
          };
        },
      }),
    )
    .setParallelism(subtasks);
});
