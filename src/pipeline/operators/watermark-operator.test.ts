import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../testing/manual-clock.ts';
import { OperatorHarness } from '../../testing/operator-harness.ts';
import { WatermarkStrategy, type DataStream } from '../api/index.ts';

interface Event {
  readonly time: number;
}

const bounded = (input: DataStream<Event>) =>
  input.assignTimestampsAndWatermarks(
    WatermarkStrategy.forBoundedOutOfOrderness(50).withTimestampAssigner((event: Event) => event.time),
  );

describe('watermarks', () => {
  it('follow the newest record, by the interval', async () => {
    const harness = await OperatorHarness.open(bounded);
    harness.process({ time: 1000 }, 3);
    harness.process({ time: 400 });
    harness.advanceTo(199);
    harness.advanceTo(200);
    harness.advanceTo(400);
    harness.process({ time: 1001 });
    harness.watermark(5000);
    harness.advanceTo(600);
    await harness.endInput();
    expect(harness.events).toEqual([
      { kind: 'record', value: { time: 1000 }, timestamp: 1000 },
      { kind: 'record', value: { time: 400 }, timestamp: 400 },
      { kind: 'watermark', watermark: 949 },
      { kind: 'record', value: { time: 1001 }, timestamp: 1001 },
      { kind: 'watermark', watermark: 950 },
      { kind: 'watermark', watermark: Infinity },
    ]);
    await harness.close();
    harness.advanceTo(2000);
    expect(harness.events.length).toBe(6);
  });

  it('keep the timestamps of the source without an assigner', async () => {
    const harness = await OperatorHarness.open(
      (input: DataStream<number>) => input.assignTimestampsAndWatermarks(WatermarkStrategy.forMonotonousTimestamps()),
      { configuration: { 'pipeline.auto-watermark-interval': '10 ms' } },
    );
    harness.process(1, 7);
    harness.advanceTo(10);
    expect(harness.events[1]).toEqual({ kind: 'watermark', watermark: 6 });
    expect(() => harness.process(2)).toThrow(
      /'watermarks' got a record without a timestamp; give the watermark strategy/,
    );
  });

  it('are not emitted in between when the interval is 0', async () => {
    const harness = await OperatorHarness.open(bounded, { configuration: { 'pipeline.auto-watermark-interval': '0' } });
    harness.process({ time: 1000 });
    harness.advanceTo(100_000);
    await harness.endInput();
    expect(harness.events.filter(({ kind }) => kind === 'watermark')).toEqual([
      { kind: 'watermark', watermark: Infinity },
    ]);
  });

  it.each([[Number.NaN], ['1000'], [undefined], [new Date(0)]])('refuse the timestamp %s', async (time) => {
    const harness = await OperatorHarness.open(bounded);
    expect(() => harness.process({ time: time as number })).toThrow(
      /the timestamp assigner of operator 'watermarks' returned/,
    );
  });

  it('do not go back after a restore, which emits where it was', async () => {
    const before = await OperatorHarness.open(bounded);
    before.process({ time: 1000 });
    const snapshot = await before.snapshot();
    const after = await OperatorHarness.open(bounded, { restore: [snapshot] });
    expect(after.events).toEqual([{ kind: 'watermark', watermark: 949 }]);
    after.process({ time: 10 });
    after.advanceTo(1000);
    expect(after.take()).toEqual([{ time: 10 }]);
    after.process({ time: 2000 });
    after.advanceTo(1200);
    expect(after.events.at(-1)).toEqual({ kind: 'watermark', watermark: 1949 });
  });

  it('go on from the slowest subtask when the parallelism changes', async () => {
    const snapshots = await Promise.all(
      [1000, 700].map(async (time, subtask) => {
        const harness = await OperatorHarness.open(bounded, { subtask, parallelism: 2 });
        harness.process({ time });
        return harness.snapshot();
      }),
    );
    const same = await OperatorHarness.open(bounded, { restore: snapshots, subtask: 0, parallelism: 2 });
    expect(same.events).toEqual([{ kind: 'watermark', watermark: 949 }]);
    const fewer = await OperatorHarness.open(bounded, { restore: snapshots });
    expect(fewer.events).toEqual([{ kind: 'watermark', watermark: 649 }]);
  });

  it('mark a quiet stream idle until the next record', async () => {
    const harness = await OperatorHarness.open((input: DataStream<Event>) =>
      input.assignTimestampsAndWatermarks(
        WatermarkStrategy.forMonotonousTimestamps<Event>().withIdleness('1s'),
        (event) => event.time,
      ),
    );
    harness.process({ time: 5 });
    harness.advanceTo(1100);
    expect(harness.events.some(({ kind }) => kind === 'idle')).toBe(false);
    harness.advanceTo(5000);
    harness.process({ time: 6 });
    harness.idle(true);
    expect(harness.events.slice(1)).toEqual([
      { kind: 'watermark', watermark: 4 },
      { kind: 'idle', idle: true },
      { kind: 'idle', idle: false },
      { kind: 'record', value: { time: 6 }, timestamp: 6 },
      { kind: 'watermark', watermark: 5 },
      { kind: 'idle', idle: true },
    ]);
  });

  it('pass the idleness of the input on', async () => {
    const harness = await OperatorHarness.open(bounded, { clock: new ManualClock(5) });
    harness.idle(true);
    harness.idle(false);
    expect(harness.events).toEqual([
      { kind: 'idle', idle: true },
      { kind: 'idle', idle: false },
    ]);
  });
});
