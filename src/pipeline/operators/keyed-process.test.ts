import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../foundation/common/random.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { OperatorHarness } from '../../testing/operator-harness.ts';
import {
  OutputTag,
  type Collector,
  type DataStream,
  type KeyedProcessContext,
  type KeyedRuntimeContext,
  type ListState,
  type MapState,
  type OnTimerContext,
  type ReducingState,
  type RichKeyedProcessFunction,
  type ValueState,
} from '../api/index.ts';
import { restoredRuns } from './test-support/restored-runs.ts';

interface Visit {
  readonly user: string;
  readonly page: string;
}

const pages = ['home', 'shop', 'home', 'cart', 'shop', 'home'];
const visits: readonly Visit[] = pages.flatMap((page, index) => [
  { user: 'ann', page },
  { user: `guest ${index % 2}`, page: `${page}/${index}` },
]);

/** Uses each kind of state. */
class Statistics implements RichKeyedProcessFunction<string, Visit, string> {
  #last!: ValueState<string>;
  #all!: ListState<string>;
  #byPage!: MapState<string, number>;
  #longest!: ReducingState<number>;

  open({ state }: KeyedRuntimeContext): void {
    this.#last = state.value('last');
    this.#all = state.list('all');
    this.#byPage = state.map('by-page');
    this.#longest = state.reducing('longest', Math.max);
  }

  process({ page }: Visit, ctx: KeyedProcessContext<string>, out: Collector<string>): void {
    const previous = this.#last.value() ?? '-';
    this.#last.update(page);
    this.#all.add(page);
    this.#byPage.put(page, (this.#byPage.get(page) ?? 0) + 1);
    this.#longest.add(page.length);
    const mean = ctx.state.aggregating<string, number[], number>('mean', {
      createAccumulator: () => [],
      add: (text, lengths) => [...lengths, text.length],
      getResult: (lengths) => lengths.reduce((a, b) => a + b, 0) / lengths.length,
    });
    mean.add(page);
    const parts = [previous, this.#all.get().length, [...this.#byPage.keys()].length, this.#longest.get(), mean.get()];
    out.collect(`${ctx.currentKey}: ${parts.join(' ')}`);
  }
}

describe('keyed process functions', () => {
  it('keep every kind of state by key, over a restore anywhere', async () => {
    const { whole, restored } = await restoredRuns(
      (input: DataStream<Visit>) => input.keyBy('user').process(new Statistics()),
      visits.map((visit) => (harness) => harness.process(visit)),
    );
    for (const [cut, events] of restored.entries()) {
      expect(events, `restored after ${cut} records`).toEqual(whole);
    }
    expect(whole.at(-2)).toEqual({ kind: 'record', value: 'ann: shop 6 3 4 4' });
  });

  it('give each subtask an object of its own when the builder makes it', async () => {
    const draw = (input: DataStream<Visit>) => input.keyBy('user').process(new Statistics());
    await OperatorHarness.open(draw);
    await OperatorHarness.open(draw);
  });

  it('see timestamp, watermark and clock, and emit to side outputs', async () => {
    const tag = new OutputTag<string>('side');
    const harness = await OperatorHarness.open(
      (input: DataStream<Visit>) =>
        input.keyBy('user').process<unknown>((visit, ctx, out) => {
          out.collect([ctx.currentKey, ctx.timestamp, ctx.currentWatermark, ctx.currentProcessingTime]);
          ctx.output(tag, visit.page);
        }),
      { clock: new ManualClock(77) },
    );
    harness.process(visits[0]!);
    harness.watermark(5);
    harness.process(visits[1]!, 9);
    expect(harness.values).toEqual([
      ['ann', undefined, -Infinity, 77],
      ['guest 0', 9, 5, 77],
    ]);
    expect(harness.sideValues(tag)).toEqual(['home', 'home/0']);
  });
});

interface Alarm {
  readonly key: string;
  readonly event?: number;
  readonly processing?: number;
  readonly cancel?: number;
}

class Alarms implements RichKeyedProcessFunction<string, Alarm, string> {
  process({ event, processing, cancel }: Alarm, { timers }: KeyedProcessContext<string>): void {
    if (event !== undefined) {
      timers.registerEventTime(event);
    }
    if (processing !== undefined) {
      timers.registerProcessingTime(processing);
    }
    if (cancel !== undefined) {
      timers.deleteEventTime(cancel);
      timers.deleteProcessingTime(cancel);
    }
  }

  onTimer(time: number, ctx: OnTimerContext<string>, out: Collector<string>): void {
    out.collect(`${ctx.timeDomain} ${time} ${ctx.currentKey}`);
  }
}

const alarms = (input: DataStream<Alarm>) => input.keyBy('key').process(new Alarms());

describe('timers', () => {
  it('fire in order of time, before the watermark that brings them, once each', async () => {
    const { whole, restored } = await restoredRuns(alarms, [
      (harness) => harness.process({ key: 'a', event: 20, processing: 15 }),
      (harness) => harness.process({ key: 'b', event: 10, processing: 15 }),
      (harness) => harness.process({ key: 'a', event: 10 }),
      (harness) => harness.process({ key: 'a', event: 10 }),
      (harness) => harness.process({ key: 'c', event: 12, processing: 5 }),
      (harness) => harness.process({ key: 'c', cancel: 12 }),
      (harness) => harness.watermark(9),
      (harness) => harness.advanceTo(14),
      (harness) => harness.watermark(25),
      (harness) => harness.process({ key: 'late', event: 1, processing: 1 }),
      (harness) => harness.advanceTo(20),
      (harness) => harness.watermark(26),
    ]);
    for (const [cut, events] of restored.entries()) {
      expect(events, `restored after step ${cut}`).toEqual(whole);
    }
    expect(whole).toEqual([
      { kind: 'watermark', watermark: 9 },
      { kind: 'record', value: 'processing 5 c' },
      { kind: 'record', value: 'event 10 b', timestamp: 10 },
      { kind: 'record', value: 'event 10 a', timestamp: 10 },
      { kind: 'record', value: 'event 20 a', timestamp: 20 },
      { kind: 'watermark', watermark: 25 },
      { kind: 'record', value: 'processing 1 late' },
      { kind: 'record', value: 'processing 15 a' },
      { kind: 'record', value: 'processing 15 b' },
      { kind: 'record', value: 'event 1 late', timestamp: 1 },
      { kind: 'watermark', watermark: 26 },
    ]);
  });

  it('10,000 of both kinds survive a restore and fire once each, in order of time', async () => {
    const seed = 20_261_121;
    const random = seededRandom(seed);
    const before = await OperatorHarness.open(alarms);
    const times = Array.from({ length: 10_000 }, () => 1 + random.int(1_000_000));
    for (const [index, time] of times.entries()) {
      before.process({ key: `key ${index}`, event: time, processing: time });
    }
    const snapshot = await before.snapshot();
    const expected = times.toSorted((a, b) => a - b);

    // Half of the processing-time timers are late at once, the others come with the clock.
    const clock = new ManualClock(500_000);
    const after = await OperatorHarness.open(alarms, { restore: [snapshot], clock });
    clock.advanceTo(500_000);
    const late = after.take().length;
    expect(late).toBe(times.filter((time) => time <= 500_000).length);
    clock.advanceTo(400_000);
    clock.advanceTo(2_000_000);
    expect(after.values.length + late).toBe(10_000);

    const whole = await OperatorHarness.open(alarms, { restore: [snapshot], clock: new ManualClock(3_000_000) });
    whole.clock.advanceTo(3_000_001);
    const timesOf = (values: readonly string[]): number[] => values.map((text) => Number(text.split(' ')[1]));
    expect(timesOf(whole.take()), `seed ${seed}`).toEqual(expected);
    whole.watermark(300_000);
    whole.watermark(2_000_000);
    const fired = whole.take();
    expect(timesOf(fired)).toEqual(expected);
    expect(new Set(fired.map((text) => text.split(' key ')[1])).size).toBe(10_000);
    await whole.endInput();
    whole.clock.advanceTo(4_000_000);
    expect(whole.values).toEqual([]);
  });

  it('belong to their key group after a change of the parallelism', async () => {
    const before = await OperatorHarness.open(alarms);
    for (let n = 0; n < 300; n++) {
      before.process({ key: `key ${n}`, event: n });
    }
    const snapshot = await before.snapshot();
    const fired: string[] = [];
    for (let subtask = 0; subtask < 3; subtask++) {
      const after = await OperatorHarness.open(alarms, { restore: [snapshot], subtask, parallelism: 3 });
      after.watermark(1000);
      expect(after.values.length).toBeGreaterThan(50);
      fired.push(...after.values);
    }
    expect(fired.length).toBe(300);
    expect(new Set(fired).size).toBe(300);
  });

  it('may follow from each other, but not for ever once the input has ended', async () => {
    class Heartbeat extends Alarms {
      override onTimer(time: number, ctx: OnTimerContext<string>, out: Collector<string>): void {
        super.onTimer(time, ctx, out);
        ctx.timers.registerEventTime(time + 10);
      }
    }
    const harness = await OperatorHarness.open((input: DataStream<Alarm>) =>
      input.keyBy('key').process(new Heartbeat()),
    );
    harness.process({ key: 'a', event: 10 });
    harness.watermark(35);
    expect(harness.values).toEqual(['event 10 a', 'event 20 a', 'event 30 a']);
    expect(() => harness.watermark(Infinity)).toThrow(
      /timers of operator 'keyedProcess' register new ones without end/,
    );
  });

  it('need a function with onTimer, and a time', async () => {
    const plain = await OperatorHarness.open((input: DataStream<Alarm>) =>
      input.keyBy('key').process<never>((_alarm, ctx) => ctx.timers.registerEventTime(1)),
    );
    expect(() => plain.process({ key: 'a' })).toThrow(/has no onTimer/);
    const harness = await OperatorHarness.open(alarms);
    expect(() => harness.process({ key: 'a', event: Number.NaN })).toThrow(/registers a timer at NaN/);
  });
});

describe('process functions without a key', () => {
  it('emit any number of records', async () => {
    const odd = new OutputTag<number>('odd');
    const harness = await OperatorHarness.open((input: DataStream<number>) =>
      input.process<number>((n, ctx, out) => {
        if (n % 2 === 1) {
          ctx.output(odd, n);
          return;
        }
        out.collect(n);
        out.collect(-n);
      }),
    );
    harness.processAll([1, 2, 3]);
    expect(harness.values).toEqual([2, -2]);
    expect(harness.sideValues(odd)).toEqual([1, 3]);
  });

  it('keep lists of operator state', async () => {
    const draw = (input: DataStream<number>) => {
      let seen: number[] = [];
      let save: (values: number[]) => void;
      return input.process<number>({
        open: ({ operatorState }) => {
          const list = operatorState.list<number>('seen');
          seen = [...list.get()];
          save = (values) => list.update(values);
        },
        process: (n, _ctx, out) => {
          seen.push(n);
          out.collect(seen.length);
        },
        snapshot: () => save(seen),
      });
    };
    const { whole, restored } = await restoredRuns(
      draw,
      [5, 6, 7].map((n) => (harness) => harness.process(n)),
    );
    expect(restored).toEqual([whole, whole, whole, whole]);
  });
});
