import { job } from 'millrace';
import { generate } from 'millrace/connectors/generator';

/**
 * Changes 1 M keys uniformly and prints, each time a window of time has passed, records and the longest time between two
 * records in it: `records longest-gap-ms`. Arguments: keys, records per second (0: as fast as it goes), window in ms.
 */
export default job('pause', (env, [keyCount = '1000000', rate = '0', windowMs = '250']) => {
  const keys = Number(keyCount);
  let last = 0;
  let windowEnd = 0;
  let longest = 0;
  let records = 0;
  env.setParallelism(1);
  env
    .from(
      generate({
        seed: 3,
        ...(rate === '0' ? {} : { rate: Number(rate) }),
        // Every key once, then at random.
        create: (index, random) => ({ k: index < keys ? index : random.int(keys), v: index }),
      }),
    )
    .keyBy('k')
    .process<string>((record, context, out) => {
      const sum = context.state.value<number>('sum');
      sum.update((sum.value() ?? 0) + record.v);
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      records++;
      if (now >= windowEnd) {
        out.collect(`${records} ${longest.toFixed(3)}`);
        windowEnd = now + Number(windowMs);
        longest = 0;
        records = 0;
      }
    })
    .print();
});
