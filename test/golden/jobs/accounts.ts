import { job, type KeyedProcessContext, type KeyedRuntimeContext, type RichKeyedProcessFunction } from 'millrace';
import type { Collector, ListState, MapState, ReducingState, ValueState } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { type Booking, bookings, type Statement } from './bookings.ts';
import { inSteps, paced } from './paced.ts';

class Ledger implements RichKeyedProcessFunction<number, Booking, Statement> {
  #bookings!: ValueState<number>;
  #latest!: ListState<number>;
  #byKind!: MapState<string, number>;
  #balance!: ReducingState<number>;

  open({ state }: KeyedRuntimeContext): void {
    this.#bookings = state.value<number>('bookings');
    this.#latest = state.list<number>('latest');
    this.#byKind = state.map<string, number>('by kind');
    this.#balance = state.reducing<number>('balance', (a, b) => a + b);
  }

  process(booking: Booking, { currentKey }: KeyedProcessContext<number>, out: Collector<Statement>): void {
    const count = (this.#bookings.value() ?? 0) + 1;
    this.#bookings.update(count);
    this.#latest.update([...this.#latest.get(), booking.id].slice(-3));
    this.#byKind.put(booking.kind, (this.#byKind.get(booking.kind) ?? 0) + booking.amount);
    this.#balance.add(booking.amount);
    out.collect({
      account: currentKey,
      bookings: count,
      balance: this.#balance.get() ?? 0,
      latest: [...this.#latest.get()],
      kinds: [...this.#byKind.entries()].sort(([a], [b]) => (a < b ? -1 : 1)),
    });
  }
}

/** Keeps accounts in state of every kind, in two subtasks; files go on over checkpoints. Arguments: output folder,
 * checkpoint folder, how many bookings. */
export default job('accounts', (env, [folder = '', checkpoints = '', count = '']) => {
  env
    .from(paced(inSteps(bookings(Number(count)), 6), { checkpoints }))
    .keyBy('account')
    .process(new Ledger())
    .setParallelism(2)
    .to(fileSink({ path: folder, format: 'json', rolling: { onCheckpoint: false, maxSize: '3kb' }, suffix: '.jsonl' }))
    .setParallelism(2);
});
