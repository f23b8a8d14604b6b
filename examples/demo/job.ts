import { appendFileSync } from 'node:fs';
import {
  job,
  type Collector,
  type KeyedProcessContext,
  type RichKeyedProcessFunction,
  type RichMapFunction,
  type RuntimeContext,
} from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { sequence } from 'millrace/connectors/generator';

/** Leaves a line whenever a task starts, so that anybody can count how often tasks were started. */
class Witnessed {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  open({ operatorName, subtask }: RuntimeContext): void {
    appendFileSync(`${this.#folder}/starts.log`, `${operatorName} ${subtask}\n`);
  }
}

class Passing extends Witnessed implements RichMapFunction<number, number> {
  map(sum: number): number {
    return sum;
  }
}

/** How many numbers each key has had and their total, told with every tenth. */
class Totals extends Witnessed implements RichKeyedProcessFunction<string, number, string> {
  process(value: number, context: KeyedProcessContext<string>, out: Collector<string>): void {
    const state = context.state.value<{ readonly count: number; readonly total: number }>('sofar');
    const before = state.value() ?? { count: 0, total: 0 };
    const { count, total } = { count: before.count + 1, total: before.total + value };
    state.update({ count, total });
    if (count % 10 === 0) {
      out.collect(`${context.currentKey} ${count} ${total}`);
    }
  }
}

/**
 * The sums of each hundred numbers, five a second: the k-th (from 0) is 10000·k + 4950. Beside them the numbers are totalled by
 * their last digit, in two subtasks. Arguments: output folder, how many sums.
 */
export default job('ha-demo', (env, [folder = '.', sums = '200']) => {
  env.enableCheckpointing({ interval: '500ms', mode: 'exactly-once' });
  const numbers = env.from(sequence({ from: 0, to: Number(sums) * 100 - 1, every: '2ms' })).uid('numbers');

  const hundreds = numbers.countWindowAll(100).sum().uid('hundreds').map(new Passing(folder));
  hundreds.to(fileSink({ path: `${folder}/sums`, format: 'text' })).uid('sums');
  hundreds.print('sum');

  numbers
    .keyBy((value) => String(value % 10))
    .process(new Totals(folder))
    .uid('by-digit')
    .setParallelism(2)
    .to(fileSink({ path: `${folder}/totals`, format: 'text' }))
    .uid('totals')
    .setParallelism(2);
});
