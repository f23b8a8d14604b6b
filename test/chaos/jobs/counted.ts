import { appendFileSync } from 'node:fs';
import { job, type Collector, type KeyedProcessContext, type RichKeyedProcessFunction } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { sequence } from 'millrace/connectors/generator';

/** Numbers the values of each key; each start of a task leaves a line in a file, with its process. */
class Numbering implements RichKeyedProcessFunction<string, number, string> {
  readonly #opens: string;

  constructor(opens: string) {
    this.#opens = opens;
  }

  open(): void {
    appendFileSync(this.#opens, `open ${Date.now()} ${process.pid}\n`);
  }

  process(value: number, context: KeyedProcessContext<string>, out: Collector<string>): void {
    const count = context.state.value<number>('count');
    const next = (count.value() ?? 0) + 1;
    count.update(next);
    out.collect(`${context.currentKey} ${next} ${value}`);
  }
}

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
      .process(new Numbering(`${folder}/opens.log`))
      .uid('numbering')
      .to(fileSink({ path: `${folder}/out` }))
      .uid('out');
  },
);
