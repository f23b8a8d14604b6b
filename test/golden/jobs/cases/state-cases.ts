import type {
  AggregatingState,
  Collector,
  KeyedProcessContext,
  KeyedRuntimeContext,
  ListState,
  MapState,
  OnTimerContext,
  ReducingState,
  RichKeyedProcessFunction,
  ValueState,
} from 'millrace';
import type { GoldenCase } from './golden-case.ts';
import { byCustomer, OUT_OF_ORDER_MS, type Order, ORDERS, sumOf, upToEach } from './orders.ts';
import { average } from './running-cases.ts';
import { watermarks } from './watermarks.ts';

/** Uses each kind of keyed state, and clears each now and then. */
class EveryState implements RichKeyedProcessFunction<string, Order, string> {
  #value!: ValueState<{ readonly orders: number; readonly last: Date }>;
  #list!: ListState<bigint>;
  #map!: MapState<string, number>;
  #reducing!: ReducingState<number>;
  #aggregating!: AggregatingState<Order, number>;

  open({ state }: KeyedRuntimeContext): void {
    this.#value = state.value('value');
    this.#list = state.list('list');
    this.#map = state.map('map');
    this.#reducing = state.reducing('reducing', (a: number, b: number) => a + b);
    this.#aggregating = state.aggregating('aggregating', average);
  }

  process(order: Order, { currentKey }: KeyedProcessContext<string>, out: Collector<string>): void {
    const orders = (this.#value.value()?.orders ?? 0) + 1;
    this.#value.update({ orders, last: new Date(order.time) });
    if (orders % 7 === 0) {
      this.#list.clear();
      this.#reducing.clear();
      this.#map.remove(order.product);
    }
    this.#list.add(order.cents);
    this.#map.put(order.product, (this.#map.get(order.product) ?? 0) + 1);
    this.#reducing.add(order.amount);
    this.#aggregating.add(order);
    const products = [...this.#map.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
    out.collect(
      `${currentKey}\t${orders} ${this.#value.value()?.last.getTime()} ${[...this.#list.get()].join(',')} ` +
        `${products.join(' ')} ${this.#reducing.get()} ${this.#aggregating.get()}`,
    );
  }
}

const expectedStates = (): string[] =>
  upToEach().map(([order, soFar]) => {
    const sinceClear = soFar.slice(soFar.length < 7 ? 0 : Math.floor(soFar.length / 7) * 7 - 1);
    const products = new Map<string, number>();
    soFar.forEach(({ product }, index) => {
      if ((index + 1) % 7 === 0) {
        products.delete(product);
      }
      products.set(product, (products.get(product) ?? 0) + 1);
    });
    const sorted = [...products].sort(([a], [b]) => (a < b ? -1 : 1));
    return (
      `${order.customer}\t${soFar.length} ${order.time} ${sinceClear.map(({ cents }) => cents).join(',')} ` +
      `${sorted.join(' ')} ${sumOf(sinceClear)} ${Math.round(sumOf(soFar) / soFar.length)}`
    );
  });

const SLOT_MS = 2000;

/** Sums up slots of time by timers of its own; a slot with a single order is dropped by deleting its timer. */
class EventTimeSlots implements RichKeyedProcessFunction<string, Order, string> {
  #slots!: MapState<number, readonly number[]>;

  open({ state }: KeyedRuntimeContext): void {
    this.#slots = state.map('slots');
  }

  process(order: Order, { timers }: KeyedProcessContext<string>): void {
    const end = (Math.floor(order.time / SLOT_MS) + 1) * SLOT_MS;
    const ids = [...(this.#slots.get(end) ?? []), order.id];
    this.#slots.put(end, ids);
    if (ids.length % 2 === 1) {
      timers.deleteEventTime(end);
    } else {
      timers.registerEventTime(end);
    }
  }

  onTimer(time: number, { currentKey, timeDomain }: OnTimerContext<string>, out: Collector<string>): void {
    out.collect(`${currentKey}\t${timeDomain} ${time} ${this.#slots.get(time)?.join(',')}`);
    this.#slots.remove(time);
  }
}

const expectedSlots = (): string[] =>
  [...byCustomer()].flatMap(([customer, orders]) =>
    [...Map.groupBy(orders, ({ time }) => (Math.floor(time / SLOT_MS) + 1) * SLOT_MS)]
      .filter(([, slot]) => slot.length % 2 === 0)
      .sort(([a], [b]) => a - b)
      .map(([end, slot]) => `${customer}\tevent ${end} ${slot.map(({ id }) => id).join(',')}`),
  );

/** Holds each order back for a moment by the clock. */
class HeldBack implements RichKeyedProcessFunction<string, Order, string> {
  #waiting!: ListState<number>;

  open({ state }: KeyedRuntimeContext): void {
    this.#waiting = state.list('waiting');
  }

  process(order: Order, { timers, currentProcessingTime }: KeyedProcessContext<string>): void {
    this.#waiting.add(order.id);
    timers.registerProcessingTime(currentProcessingTime + 15);
  }

  onTimer(_time: number, { currentKey, timeDomain }: OnTimerContext<string>, out: Collector<string>): void {
    for (const id of this.#waiting.get()) {
      out.collect(`${currentKey}\t${timeDomain} ${id}`);
    }
    this.#waiting.clear();
  }
}

/** The general operator by key: state of every kind, timers of both. */
export const STATE_CASES: readonly GoldenCase[] = [
  {
    name: 'every kind of state',
    covers: ['KeyedStream.process', 'state value', 'state list', 'state map', 'state reducing', 'state aggregating'],
    order: 'key',
    draw: (golden) => golden.write(golden.paced(ORDERS).keyBy('customer').process(new EveryState())),
    expected: expectedStates,
  },
  {
    name: 'event time timers',
    covers: ['KeyedStream.process', 'state timers', 'state map'],
    order: 'key',
    draw: (golden) =>
      golden.write(watermarks(golden.paced(ORDERS), OUT_OF_ORDER_MS).keyBy('customer').process(new EventTimeSlots())),
    expected: expectedSlots,
  },
  {
    name: 'processing time timers',
    covers: ['KeyedStream.process', 'state timers', 'state list'],
    order: 'key',
    draw: (golden) => {
      // Timers that are not due at the end of the input do not fire, so the end waits for all.
      const allFired = (step: number): boolean => step < 5 || golden.committed().length >= ORDERS.length;
      golden.write(golden.paced(ORDERS, allFired).keyBy('customer').process(new HeldBack()));
    },
    expected: () => ORDERS.map(({ customer, id }) => `${customer}\tprocessing ${id}`),
  },
];
