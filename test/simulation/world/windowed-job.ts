import {
  job,
  TumblingEventTimeWindows,
  WatermarkStrategy,
  type JobDefinition,
} from '../../../src/pipeline/api/index.ts';
import { sequence } from '../../../src/pipeline/connectors/generator/index.ts';
import type { SimulatedJobOptions } from './simulated-job.ts';
import { CHECKPOINT_TIMEOUT_MS } from './sizes.ts';
import { logSink } from './transaction-log.ts';

const KEYS = 2;
const START_MS = 1_600_000_000_000;
/** Of event time, between two numbers. */
const STEP_MS = 500;
const WINDOW_MS = 2_000;
/** One number of so many says that it is `LATE_STEPS` older than it is: its window has fired long ago, it counts nowhere. */
const LATE = 3;
const LATE_STEPS = 20;
/** Several times between two numbers. */
const WATERMARK_INTERVAL_MS = 250;

const isLate = (number: number): boolean => number % LATE === LATE - 1;

const timeOf = (number: number): number => START_MS + (isLate(number) ? number - LATE_STEPS : number) * STEP_MS;

const windowOf = (number: number): number => Math.floor(timeOf(number) / WINDOW_MS) * WINDOW_MS;

const recordOf = (name: string, key: number, windowMs: number, sum: number): string =>
  `${name} k${key} from ${windowMs - START_MS} = ${sum}`;

/** What it has to write, which is all that it may. */
export const windowedOutputOf = (name: string, records: number): readonly string[] => {
  const sums = new Map<string, { readonly key: number; readonly windowMs: number; readonly sum: number }>();
  for (let number = 0; number < records; number++) {
    if (!isLate(number)) {
      const [key, windowMs] = [number % KEYS, windowOf(number)];
      const id = `${key} ${windowMs}`;
      sums.set(id, { key, windowMs, sum: number + (sums.get(id)?.sum ?? 0) });
    }
  }
  return [...sums.values()].map(({ key, windowMs, sum }) => recordOf(name, key, windowMs, sum));
};

/** Sums by key in windows of event time. A watermark that goes back lets late numbers in, and fires windows that have fired. */
export const windowedJob = ({ size, log, rate, arrived }: SimulatedJobOptions): JobDefinition =>
  job(size.name, (env) => {
    const { name, parallelism, splits, records, intervalMs } = size;
    env.enableCheckpointing({ interval: intervalMs, mode: 'exactly-once', timeout: CHECKPOINT_TIMEOUT_MS });
    env.configure('pipeline.auto-watermark-interval', `${WATERMARK_INTERVAL_MS} ms`);
    env.setParallelism(parallelism);
    env
      .from(sequence({ splits, rate, to: records - 1 }))
      .uid('numbers')
      .assignTimestampsAndWatermarks(
        WatermarkStrategy.forMonotonousTimestamps<number>().withTimestampAssigner((number: number) => timeOf(number)),
      )
      .uid('times')
      .keyBy((number) => number % KEYS)
      .window(TumblingEventTimeWindows.of(WINDOW_MS))
      .reduce(
        (one, other) => one + other,
        (key, window, sum) => recordOf(name, key, window.start, sum),
      )
      .uid('sums')
      .to(logSink(log, arrived))
      .uid('log');
  });
