import { describe, expect, it } from 'vitest';
import { OperatorHarness } from '../../testing/operator-harness.ts';
import {
  OutputTag,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
  type DataStream,
  type SingleOutputStreamOperator,
} from '../api/index.ts';
import { restoredRuns, type Step } from './test-support/restored-runs.ts';

interface Click {
  readonly user: string;
  readonly n: number;
}

const click = (user: string, n = 1): Click => ({ user, n });
const at =
  <Out>(time: number, user: string, n = 1): Step<Click, Out> =>
  (harness) =>
    harness.process(click(user, n), time);
const watermark =
  <Out>(time: number): Step<Click, Out> =>
  (harness) =>
    harness.watermark(time);

const exact = async <Out>(
  draw: (input: DataStream<Click>) => SingleOutputStreamOperator<Out>,
  steps: readonly Step<Click, Out>[],
): Promise<readonly unknown[]> => {
  const { whole, restored } = await restoredRuns(draw, steps);
  for (const [cut, events] of restored.entries()) {
    expect(events, `restored after step ${cut}`).toEqual(whole);
  }
  return whole.map((event) => (event.kind === 'record' ? event.value : event));
};

const tenMs = TumblingEventTimeWindows.of(10);

describe('tumbling event-time windows', () => {
  it('fire in order of time, then the watermark goes on', async () => {
    const events = await exact(
      (input) => input.keyBy('user').window(tenMs).sum('n'),
      [
        at(1, 'a'),
        at(12, 'a', 5),
        at(9, 'b', 2),
        at(3, 'a', 10),
        watermark(8),
        watermark(9),
        at(19, 'a', 1),
        at(25, 'b'),
        watermark(40),
      ],
    );
    expect(events).toEqual([
      { kind: 'watermark', watermark: 8 },
      click('a', 11),
      click('b', 2),
      { kind: 'watermark', watermark: 9 },
      click('a', 6),
      click('b', 1),
      { kind: 'watermark', watermark: 40 },
    ]);
  });

  it('results carry the last millisecond of the window', async () => {
    const harness = await OperatorHarness.open((input: DataStream<Click>) => input.keyBy('user').window(tenMs).count());
    harness.process(click('a'), -3);
    harness.process(click('a'), 0);
    await harness.endInput();
    expect(harness.events).toEqual([
      { kind: 'record', value: { key: 'a', window: { start: -10, end: 0 }, count: 1 }, timestamp: -1 },
      { kind: 'record', value: { key: 'a', window: { start: 0, end: 10 }, count: 1 }, timestamp: 9 },
      { kind: 'watermark', watermark: Infinity },
    ]);
  });

  it('windows with an offset', async () => {
    const harness = await OperatorHarness.open((input: DataStream<Click>) =>
      input
        .windowAll(TumblingEventTimeWindows.of('10ms', '3ms'))
        .process(({ start, end }, elements) => [`${start}-${end}: ${elements.length}`]),
    );
    for (const time of [2, 3, 12, 13]) {
      harness.process(click('a'), time);
    }
    await harness.endInput();
    expect(harness.values).toEqual(['-7-3: 1', '3-13: 2', '13-23: 1']);
  });

  it('drops late records and counts them', async () => {
    const warnings: string[] = [];
    const nothing = (): void => {};
    const harness = await OperatorHarness.open(
      (input: DataStream<Click>) => input.keyBy('user').window(tenMs).sum('n').name('clicks'),
      { logger: { debug: nothing, info: nothing, error: nothing, warn: (message) => void warnings.push(message) } },
    );
    harness.process(click('a'), 5);
    harness.watermark(9);
    harness.process(click('a'), 6);
    harness.process(click('b'), 6);
    harness.process(click('b'), 11);
    await harness.endInput();
    expect(harness.values).toEqual([click('a'), click('b')]);
    expect(harness.counters).toEqual({ numLateRecordsDropped: 2 });
    expect(warnings).toEqual([expect.stringContaining("'clicks' drops records that come after their window")]);
  });

  it('remembers after a restore that a window is over', async () => {
    const draw = (input: DataStream<Click>) => input.keyBy('user').window(tenMs).sum('n');
    const before = await OperatorHarness.open(draw);
    before.process(click('a'), 5);
    before.watermark(15);
    const after = await OperatorHarness.open(draw, { restore: [await before.snapshot()] });
    after.watermark(3);
    after.process(click('a'), 7);
    await after.endInput();
    expect(after.events).toEqual([{ kind: 'watermark', watermark: Infinity }]);
    expect(after.counters).toEqual({ numLateRecordsDropped: 1 });
  });

  it('takes new input after a savepoint that drained the old one', async () => {
    const draw = (input: DataStream<Click>) => input.keyBy('user').window(tenMs).sum('n');
    const before = await OperatorHarness.open(draw);
    before.process(click('a'), 5);
    await before.endInput();
    const after = await OperatorHarness.open(draw, { restore: [await before.snapshot()] });
    after.process(click('a'), 17);
    await after.endInput();
    expect(after.values).toEqual([click('a')]);
  });

  it('fires again within the allowed lateness, with all records; later ones go to the side output', async () => {
    const late = new OutputTag<Click>('late');
    const draw = (input: DataStream<Click>) =>
      input.keyBy('user').window(tenMs).allowedLateness(20).sideOutputLateData(late).sum('n');
    const steps = [
      at<Click>(5, 'a', 1),
      watermark<Click>(9),
      at<Click>(6, 'a', 10),
      at<Click>(7, 'b', 3),
      watermark<Click>(28),
      at<Click>(8, 'a', 100),
      at<Click>(22, 'a', 7),
      watermark<Click>(29),
      at<Click>(8, 'a', 1000),
      watermark<Click>(60),
    ];
    expect(await exact(draw, steps)).toEqual([
      click('a', 1),
      { kind: 'watermark', watermark: 9 },
      click('a', 11),
      click('b', 3),
      { kind: 'watermark', watermark: 28 },
      click('a', 111),
      click('a', 7),
      { kind: 'watermark', watermark: 29 },
      { kind: 'watermark', watermark: 60 },
    ]);
    const harness = await OperatorHarness.open(draw);
    for (const step of steps) {
      await step(harness);
    }
    expect(harness.sideValues(late)).toEqual([click('a', 1000)]);
    expect(harness.counters).toEqual({ numLateRecordsDropped: 0 });
  });

  it('removes the state of windows that are over', async () => {
    const draw = (input: DataStream<Click>) =>
      input
        .keyBy('user')
        .window(tenMs)
        .allowedLateness(10)
        .process((key, window, elements) => [{ key, window, n: elements.length }]);
    const before = await OperatorHarness.open(draw);
    for (let n = 0; n < 500; n++) {
      before.process(click(`user ${n % 7}`), n);
    }
    before.watermark(1000);
    const snapshot = await before.snapshot();
    const fresh = await (await OperatorHarness.open(draw)).snapshot();
    const sizeOf = ({ storage }: typeof snapshot): number =>
      [...storage.files.values()].reduce((sum, bytes) => sum + bytes.length, 0);
    expect(sizeOf(snapshot)).toBeLessThan(sizeOf(fresh) + 200);
    expect(before.values.reduce((sum, { n }) => sum + n, 0)).toBe(500);
  });

  it('refuses records without a timestamp', async () => {
    const harness = await OperatorHarness.open((input: DataStream<Click>) => input.windowAll(tenMs).sum('n'));
    expect(() => harness.process(click('a'))).toThrow(
      /without a timestamp reached the event-time window of operator 'timeWindowAll'/,
    );
  });
});

describe('tumbling processing-time windows', () => {
  const draw = (input: DataStream<Click>) =>
    input
      .keyBy('user')
      .window(TumblingProcessingTimeWindows.of(10))
      .process((key, { start }, elements) => [`${key} ${start}: ${elements.map(({ n }) => n).join('+')}`]);
  const advance =
    <Out>(time: number): Step<Click, Out> =>
    (harness) =>
      harness.advanceTo(time);

  it('fire by the clock', async () => {
    const events = await exact(draw, [
      at(0, 'a', 1),
      advance(4),
      at(0, 'b', 2),
      at(0, 'a', 3),
      advance(9),
      advance(11),
      at(0, 'b', 4),
      advance(35),
    ]);
    expect(events).toEqual(['a 0: 1+3', 'b 0: 2', 'b 10: 4']);
  });

  it('late ones fire at once after a restore', async () => {
    const before = await OperatorHarness.open(draw);
    before.process(click('a', 1));
    before.advanceTo(7);
    const snapshot = await before.snapshot();
    before.clock.advanceTo(9);
    const after = await OperatorHarness.open(draw, { restore: [snapshot], clock: before.clock });
    before.clock.advanceTo(1000);
    expect(after.values).toEqual(['a 0: 1']);
  });

  it('what is in them goes out at the end of the input', async () => {
    const harness = await OperatorHarness.open(draw);
    harness.process(click('a', 1));
    await harness.endInput();
    expect(harness.values).toEqual(['a 0: 1']);
    await harness.close();
    harness.advanceTo(100);
    expect(harness.values).toEqual(['a 0: 1']);
  });
});
