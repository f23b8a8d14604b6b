import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { job, type Collector, type KeyedProcessContext, type RichKeyedProcessFunction } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { sequence } from 'millrace/connectors/generator';

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

/** Arguments: the folder for its output, how many numbers, how long between two of them, the parallelism, bytes for each key. */
export default job(
  'padded',
  (env, [folder = '.', count = '1000', every = '10', parallelism = '2', bytes = '30000']) => {
    env.enableCheckpointing({ interval: '300ms', mode: 'exactly-once' });
    env.setParallelism(Number(parallelism));
    env
      .from(sequence({ to: Number(count) - 1, every: Number(every) }))
      .uid('numbers')
      .keyBy((value) => String(value % 10))
      .process(new PaddedNumbering(folder, Number(bytes)))
      .uid('numbering')
      .to(fileSink({ path: `${folder}/out` }))
      .uid('out');
  },
);
