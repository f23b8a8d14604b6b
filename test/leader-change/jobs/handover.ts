import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { job } from 'millrace';
import { source } from 'millrace/connectors/custom';
import { fileSink } from 'millrace/connectors/file';

const present = async (file: string): Promise<void> => {
  while (!existsSync(file)) {
    await sleep(2);
  }
};

/**
 * Running counts of 17 keys. After each third of the records the source waits for a file, `go-1` and `go-2`, in the job's
 * folder; each start of a task leaves a line in `opens`, `dirty` where the thread ran another job before. Arguments: folder,
 * records.
 */
export default job('handover', (env, [folder = '', records = '']) => {
  env.setParallelism(2);
  const count = Number(records);
  const opened = (what: string): void => appendFileSync(join(folder, 'opens'), `${what}\n`);
  const numbers = source({
    name: 'numbers',
    bounded: true,
    maxReadAhead: 1,
    read: async function* (position: number = 0) {
      opened('source');
      for (let next = position; next < count; next++) {
        yield [next, next + 1] as const;
        const third = (next + 1) / (count / 3);
        if (third === 1 || third === 2) {
          await present(join(folder, `go-${third}`));
        }
      }
    },
  });
  const counts = env
    .from(numbers)
    .rebalance()
    .map({
      open: ({ subtask }) => {
        const before: unknown = Reflect.get(globalThis, 'handoverFolder');
        Reflect.set(globalThis, 'handoverFolder', folder);
        opened(before === undefined || before === folder ? `map ${subtask}` : 'dirty');
      },
      map: (number: number) => number % 17,
    })
    .keyBy((key) => key)
    .count();
  counts.map(({ key, count: seen }) => `${key}\t${seen}`).to(fileSink({ path: join(folder, 'out') }));
  counts.map(({ key }) => `key ${key}`).print();
});
