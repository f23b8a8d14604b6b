import { appendFileSync } from 'node:fs';
import { job, type Collector, type KeyedProcessContext, type RichKeyedProcessFunction } from 'millrace';
import { sequence } from 'millrace/connectors/generator';

/** Counts by key; each start of a task leaves a line in a file. */
class Counting implements RichKeyedProcessFunction<number, number, number> {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  open(): void {
    appendFileSync(
      `${this.#folder}/opens.log`,
      `${Number(process.hrtime.bigint()) / 1e6} ${process.pid} other/counting\n`,
    );
  }

  process(_: number, context: KeyedProcessContext<number>, out: Collector<number>): void {
    const state = context.state.value<number>('count');
    const count = (state.value() ?? 0) + 1;
    state.update(count);
    out.collect(count);
  }
}

/**
 * What runs beside the probe of `benchmarks/failover.ts`: a source, an exchange, a count by key. Arguments: folder for its output,
 * parallelism, records per second, milliseconds between checkpoints.
 */
export default job('other', (env, [folder = '.', parallelism = '1', rate = '10', intervalMs = '1000']) => {
  env.enableCheckpointing({ interval: Number(intervalMs), mode: 'exactly-once' });
  env.setParallelism(Number(parallelism));
  env
    .from(sequence({ rate: Number(rate), splits: Number(parallelism) }))
    .uid('numbers')
    .keyBy((value) => value % 100)
    .process(new Counting(folder))
    .uid('counting')
    .blackhole()
    .uid('nothing');
});
