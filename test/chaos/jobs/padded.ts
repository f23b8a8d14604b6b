import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { job, type Collector, type KeyedProcessContext, type RichKeyedProcessFunction } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { source } from 'millrace/connectors/custom';

/**
 * Numbers the values of each key, beside so much state that it goes into files. Each start leaves a line with its process in
 * `opens.log`; whoever finds the file `die` removes it and ends its thread.
 */
class PaddedNumbering implements RichKeyedProcessFunction<string, number, string> {
  readonly #folder: string;
  readonly #paddingBytes: number;

  constructor(folder: string, paddingBytes: number) {
    this.#folder = folder;
    this.#paddingBytes = paddingBytes;
  }

  open(): void {
    appendFileSync(`${this.#folder}/opens.log`, `open ${process.pid}\n`);
  }

  process(value: number, context: KeyedProcessContext<string>, out: Collector<string>): void {
    const count = context.state.value<number>('count');
    const padding = context.state.value<string>('padding');
    if (padding.value() === undefined) {
      padding.update(context.currentKey.repeat(this.#paddingBytes));
    }
    const next = (count.value() ?? 0) + 1;
    count.update(next);
    const die = `${this.#folder}/die`;
    if (existsSync(die)) {
      rmSync(die);
      process.exit(1);
    }
    out.collect(`${context.currentKey} ${next} ${value}`);
  }
}

/** Numbers, one after the other, until there is a file `end` in the folder; how many they are stands in `total` then. */
const numbersUntilEnd = (folder: string, everyMs: number) =>
  source({
    name: 'numbers',
    bounded: true,
    maxReadAhead: 1,
    read: async function* (position: number = 0) {
      const total = `${folder}/total`;
      for (let next = position; ; next++) {
        if (existsSync(`${folder}/end`) && !existsSync(total)) {
          writeFileSync(total, String(next));
        }
        if (existsSync(total) && next >= Number(readFileSync(total, 'utf8'))) {
          return;
        }
        await sleep(everyMs);
        yield [next, next + 1] as const;
      }
    },
  });

/** Arguments: the folder for its output, how long between two numbers, the parallelism, bytes for each key. */
export default job('padded', (env, [folder = '.', every = '10', parallelism = '2', bytes = '30000']) => {
  env.enableCheckpointing({ interval: '300ms', mode: 'exactly-once' });
  env.setParallelism(Number(parallelism));
  env
    .from(numbersUntilEnd(folder, Number(every)))
    .uid('numbers')
    .keyBy((value) => String(value % 10))
    .process(new PaddedNumbering(folder, Number(bytes)))
    .uid('numbering')
    .to(fileSink({ path: `${folder}/out` }))
    .uid('out');
});
