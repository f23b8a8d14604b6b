import { readFileSync } from 'node:fs';
import { job } from 'millrace';
import { generate } from 'millrace/connectors/generator';

/** How long this thread has been ready to run and had no core, in ms; 0 where the system does not tell. */
const waitedForCoreMs = (): number => {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
};
const LOOK_MS = 2;

/**
 * Changes 1 M keys uniformly and prints, each time a window of time has passed, records, the longest time between two
 * records in it, and the longest without what the thread waited for a core: `records longest-gap-ms longest-own-gap-ms`.
 * Arguments: keys, records per second (0: as fast as it goes), window in ms.
 */
export default job('pause', (env, [keyCount = '1000000', rate = '0', windowMs = '250']) => {
  const keys = Number(keyCount);
  let last = 0;
  let windowEnd = 0;
  let longest = 0;
  let longestOwn = 0;
  let waited = 0;
  let nextLook = 0;
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
      const gap = now - last;
      longest = Math.max(longest, gap);
      last = now;
      if (gap > LOOK_MS || now >= nextLook) {
        const before = waited;
        waited = waitedForCoreMs();
        longestOwn = Math.max(longestOwn, gap - (waited - before));
        nextLook = now + LOOK_MS;
      }
      records++;
      if (now >= windowEnd) {
        out.collect(`${records} ${longest.toFixed(3)} ${longestOwn.toFixed(3)}`);
        windowEnd = now + Number(windowMs);
        longest = 0;
        longestOwn = 0;
        records = 0;
      }
    })
    .print();
});
