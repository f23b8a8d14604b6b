import { OutputTag, TumblingEventTimeWindows, WatermarkStrategy } from 'millrace';
import type { Golden, GoldenCase } from './golden-case.ts';
import { ORDERS, OUT_OF_ORDER_MS } from './orders.ts';
import { watermarks } from './watermarks.ts';

interface Tick {
  readonly key: string;
  readonly time: number;
}

const tick = (time: number): Tick => ({ key: 'k', time });
const late = new OutputTag<Tick>('late');

/**
 * Windows of 1 s that take records up to 2 s late. Whether a record is late depends on the watermark only, which has passed
 * what the output shows.
 */
const TICKS: readonly (readonly Tick[])[] = [
  [tick(100), tick(900), tick(1500)], // fires [0, 1000)
  [tick(500)], // fires it again
  [tick(5000)], // fires [1000, 2000), and what comes for [0, 1000) from now on is too late
  [tick(200), tick(300)],
  [tick(4100)], // [4000, 5000) was never there, and still takes records
  [tick(5500)], // fires with the end
];
const SEEN: readonly { readonly part: string; readonly line: string }[] = [
  { part: 'windows', line: '0 2' },
  { part: 'windows', line: '0 3' },
  { part: 'windows', line: '1000 1' },
  { part: 'late', line: '300' },
  { part: 'windows', line: '4000 1' },
];
const WINDOWS = ['0 2', '0 3', '1000 1', '4000 1', '5000 2'];
const LATE = ['200', '300'];

const seen =
  (golden: Golden) =>
  (step: number): boolean => {
    const wanted = SEEN[step];
    return wanted === undefined || golden.committed(wanted.part).includes(wanted.line);
  };

export const EVENT_TIME_CASES: readonly GoldenCase[] = [
  {
    name: 'late records by key',
    covers: [
      'EventTimeWindowedStream.allowedLateness',
      'EventTimeWindowedStream.sideOutputLateData',
      'SingleOutputStreamOperator.sideOutput',
      'WatermarkStrategy.forMonotonousTimestamps',
    ],
    order: 'any',
    draw: (golden) => {
      const windows = watermarks(golden.pacedSteps(TICKS, seen(golden)), 0)
        .keyBy('key')
        .window(TumblingEventTimeWindows.of('1s'))
        .allowedLateness('2s')
        .sideOutputLateData(late)
        .count();
      golden.write(
        windows.map(({ window, count }) => `${window.start} ${count}`),
        'windows',
      );
      golden.write(
        windows.sideOutput(late).map(({ time }) => String(time)),
        'late',
      );
    },
    expected: () => [...WINDOWS, ...LATE],
  },
  {
    name: 'late records of the whole stream',
    covers: ['EventTimeAllWindowedStream.allowedLateness', 'EventTimeAllWindowedStream.sideOutputLateData'],
    order: 'any',
    draw: (golden) => {
      const windows = watermarks(golden.pacedSteps(TICKS, seen(golden)), 0)
        .windowAll(TumblingEventTimeWindows.of('1s'))
        .allowedLateness('2s')
        .sideOutputLateData(late)
        .process(({ start }, ticks) => [`${start} ${ticks.length}`]);
      golden.write(windows, 'windows');
      golden.write(
        windows.sideOutput(late).map(({ time }) => String(time)),
        'late',
      );
    },
    expected: () => [...WINDOWS, ...LATE],
  },
  {
    name: 'a stream that is idle',
    covers: [
      'WatermarkStrategy.withIdleness',
      'WatermarkStrategy.withTimestampAssigner',
      'DataStream.assignTimestampsAndWatermarks',
      'DataStream.union',
    ],
    order: 'total',
    draw: (golden) => {
      // Says nothing until windows of the other stream have fired, which they could not if it held back the watermark.
      const silent = golden
        .pacedSteps<{ readonly id: number; readonly time: number }>(
          [[], [{ id: -1, time: 1_060_000 }]],
          (step) => step > 0 || golden.committed().length > 2,
        )
        .assignTimestampsAndWatermarks(
          WatermarkStrategy.forMonotonousTimestamps()
            .withTimestampAssigner(({ time }: { readonly time: number }) => time)
            .withIdleness('30ms'),
        )
        .setParallelism(1);
      golden.write(
        watermarks(golden.paced(ORDERS), OUT_OF_ORDER_MS)
          .union(silent)
          .windowAll(TumblingEventTimeWindows.of('3s'))
          .process(({ start }, records) => [`${start} ${records.map(({ id }) => id).join(',')}`]),
      );
    },
    expected: () =>
      [...Map.groupBy([...ORDERS, { id: -1, time: 1_060_000 }], ({ time }) => Math.floor(time / 3000) * 3000)].map(
        ([start, records]) => `${start} ${records.map(({ id }) => id).join(',')}`,
      ),
  },
];
