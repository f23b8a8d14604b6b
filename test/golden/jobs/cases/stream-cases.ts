import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ListStateOfOperator,
  OutputTag,
  type ProcessContext,
  type RichFlatMapFunction,
  type RichMapFunction,
  type RichProcessFunction,
  type RuntimeContext,
} from 'millrace';
import type { Golden, GoldenCase } from './golden-case.ts';

const NUMBERS: readonly number[] = Array.from({ length: 240 }, (_, n) => n);
const EVEN = NUMBERS.filter((n) => n % 2 === 0);
const large = new OutputTag<number>('large');

const numbers = (golden: Golden) => golden.paced(NUMBERS);
const lines = (values: readonly number[]): string[] => values.map(String);

/** A case in which every number arrives, in any order, as often as `times` says. */
const arriving = (
  name: string,
  draw: (golden: Golden) => void,
  { covers = [`DataStream.${name}`], times = 1 }: { readonly covers?: readonly string[]; readonly times?: number } = {},
): GoldenCase => ({
  name,
  covers,
  order: 'any',
  draw,
  expected: () => lines(NUMBERS.flatMap((n) => Array.from({ length: times }, () => n))),
});

/** Numbers the records it sees, in a list of the operator. */
class Numbered implements RichMapFunction<number, string> {
  readonly #redistribution: 'split' | 'union';
  #seen = 0;
  #state!: ListStateOfOperator<number>;

  constructor(redistribution: 'split' | 'union') {
    this.#redistribution = redistribution;
  }

  open({ operatorState }: RuntimeContext): void {
    this.#state = operatorState.list<number>('seen', this.#redistribution);
    this.#seen = this.#state.get()[0] ?? 0;
  }

  snapshot(): void {
    this.#state.update([this.#seen]);
  }

  map(value: number): string {
    this.#seen++;
    return `${this.#seen} ${value}`;
  }
}

/** Emits each record with the one before it. */
class Pairs implements RichFlatMapFunction<number, string> {
  #before: number | undefined;
  #state!: ListStateOfOperator<number>;

  open({ operatorState }: RuntimeContext): void {
    this.#state = operatorState.list<number>('before');
    this.#before = this.#state.get()[0];
  }

  snapshot(): void {
    this.#state.update(this.#before === undefined ? [] : [this.#before]);
  }

  flatMap(value: number): string[] {
    const before = this.#before;
    this.#before = value;
    return before === undefined ? [] : [`${before} ${value}`];
  }
}

/** Adds up what it sees, and says so at every tenth record. */
class Tenths implements RichProcessFunction<number, string> {
  #sums!: ListStateOfOperator<readonly [count: number, sum: number]>;
  #count = 0;
  #sum = 0;

  open({ operatorState }: RuntimeContext): void {
    this.#sums = operatorState.list('sums');
    [this.#count, this.#sum] = this.#sums.get()[0] ?? [0, 0];
  }

  snapshot(): void {
    this.#sums.update([[this.#count, this.#sum]]);
  }

  process(value: number, _context: ProcessContext, out: { collect(line: string): void }): void {
    this.#count++;
    this.#sum += value;
    if (this.#count % 10 === 0) {
      out.collect(`${this.#count} ${this.#sum}`);
    }
  }
}

/** Functions, their state, and the ways of records between subtasks. */
export const STREAM_CASES: readonly GoldenCase[] = [
  {
    name: 'functions without state',
    covers: ['DataStream.map', 'DataStream.filter', 'DataStream.flatMap'],
    order: 'total',
    draw: (golden) =>
      golden.write(
        numbers(golden)
          .filter((n) => n % 2 === 0)
          .setParallelism(1)
          .flatMap((n) => [n, -n])
          .setParallelism(1)
          .map(String)
          .setParallelism(1),
      ),
    expected: () => lines(EVEN.flatMap((n) => [n, -n])),
  },
  {
    name: 'side output',
    covers: ['DataStream.process', 'SingleOutputStreamOperator.sideOutput'],
    order: 'any',
    draw: (golden) => {
      const small = numbers(golden).process<number>((n, context, out) => {
        if (n >= 200) {
          context.output(large, n);
        } else {
          out.collect(n);
        }
      });
      golden.write(small.map(String), 'small');
      golden.write(
        small.sideOutput(large).map((n) => `large ${n}`),
        'large',
      );
    },
    expected: () => NUMBERS.map((n) => (n >= 200 ? `large ${n}` : String(n))),
  },
  ...(['split', 'union'] as const).map((redistribution): GoldenCase => ({
    name: `operator state, ${redistribution}`,
    covers: [`operator state ${redistribution}`, 'DataStream.map'],
    order: 'total',
    draw: (golden) => golden.write(numbers(golden).map(new Numbered(redistribution)).setParallelism(1)),
    expected: () => NUMBERS.map((n) => `${n + 1} ${n}`),
  })),
  {
    name: 'flatMap with state',
    covers: ['operator state split', 'DataStream.flatMap'],
    order: 'total',
    draw: (golden) => golden.write(numbers(golden).flatMap(new Pairs()).setParallelism(1)),
    expected: () => NUMBERS.slice(1).map((n) => `${n - 1} ${n}`),
  },
  {
    name: 'process with state',
    covers: ['operator state split', 'DataStream.process'],
    order: 'total',
    draw: (golden) => golden.write(numbers(golden).process(new Tenths()).setParallelism(1)),
    expected: () => Array.from({ length: 24 }, (_, k) => `${(k + 1) * 10} ${((k + 1) * 10 * ((k + 1) * 10 - 1)) / 2}`),
  },
  {
    name: 'asyncMap in order',
    covers: ['DataStream.asyncMap'],
    order: 'total',
    draw: (golden) =>
      golden.write(
        numbers(golden)
          .asyncMap(async (n) => sleep(n % 7, `${n}`), { capacity: 5 })
          .setParallelism(1),
      ),
    expected: () => lines(NUMBERS),
  },
  arriving(
    'asyncMap out of order',
    (golden) =>
      golden.write(numbers(golden).asyncMap(async (n) => sleep(n % 7, `${n}`), { capacity: 5, ordered: false })),
    { covers: ['DataStream.asyncMap'] },
  ),
  arriving('union', (golden) => {
    const other = golden.paced(NUMBERS.filter((n) => n % 3 === 0)).map(String);
    const others = numbers(golden)
      .filter((n) => n % 3 !== 0)
      .map(String);
    golden.write(others.union(other));
  }),
  arriving('forward', (golden) => golden.write(numbers(golden).rebalance().map(String).forward())),
  arriving('rebalance', (golden) => golden.write(numbers(golden).rebalance().map(String).rebalance())),
  arriving('rescale', (golden) => golden.write(numbers(golden).rescale().map(String).setParallelism(4).rescale())),
  arriving('broadcast', (golden) => golden.write(numbers(golden).broadcast().map(String)), { times: 2 }),
  arriving('global', (golden) => golden.write(numbers(golden).rebalance().map(String).global())),
  arriving('partitionCustom', (golden) =>
    golden.write(
      numbers(golden)
        .partitionCustom(
          (key: number, channels) => key % channels,
          (n) => n % 5,
        )
        .map(String),
    ),
  ),
];
