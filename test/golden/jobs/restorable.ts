import {
  type Collector,
  type DataStream,
  job,
  type ListStateOfOperator,
  type ProcessContext,
  type RichProcessFunction,
  type RuntimeContext,
} from 'millrace';
import { valve, type ValveRecord } from './valve.ts';

/** Holds records back, in state of the operator, until it is told to let go. */
class Holding implements RichProcessFunction<ValveRecord | 'let go', string> {
  #held: string[] = [];
  #state!: ListStateOfOperator<string>;

  open({ operatorState }: RuntimeContext): void {
    this.#state = operatorState.list<string>('held');
    this.#held = [...this.#state.get()];
  }

  snapshot(): void {
    this.#state.update(this.#held);
  }

  process(value: ValveRecord | 'let go', _context: ProcessContext, out: Collector<string>): void {
    if (value === 'let go') {
      this.#held.splice(0).forEach((each) => out.collect(each));
    } else {
      this.#held.push(`${value.split} ${value.index}`);
    }
  }
}

/** Numbers the records of a key, beside the operator that counts them. */
const extra = (stream: DataStream<ValveRecord>): void => {
  stream
    .keyBy(({ index }) => index % 10)
    .count()
    .uid('extra')
    .collect('extra');
};

/**
 * State of every kind: splits of a source, keyed, of an operator. Arguments: the folder of the valves, then `extra` for one
 * operator more, `without counts` for one less.
 */
export default job('restorable', (env, [folder = '', ...flags]) => {
  const records = env.from(valve(folder, 'records', ['a', 'b', 'c', 'd'])).uid('records');
  const letGo = env
    .from(valve(folder, 'let-go'))
    .uid('let go')
    .map((): 'let go' => 'let go')
    .setParallelism(1);
  records.union(letGo.broadcast()).process(new Holding()).uid('held').collect('held');
  if (!flags.includes('without counts')) {
    records
      .keyBy(({ index }) => index % 10)
      .count()
      .uid('counts')
      .collect('counts');
  }
  if (flags.includes('extra')) {
    extra(records);
  }
});
