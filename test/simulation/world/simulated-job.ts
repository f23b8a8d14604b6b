import { job, type Collector, type JobDefinition, type KeyedProcessContext } from '../../../src/pipeline/api/index.ts';
import { sequence } from '../../../src/pipeline/connectors/generator/index.ts';
import { pulledNumbers } from './pulled-numbers.ts';
import { CHECKPOINT_TIMEOUT_MS, type Size } from './sizes.ts';
import { logSink, type TransactionLog } from './transaction-log.ts';
import { windowedJob, windowedOutputOf } from './windowed-job.ts';

export interface SimulatedJobOptions {
  readonly size: Size;
  readonly log: TransactionLog;
  /** Records in a second. */
  readonly rate: number;
  /** Called by the code of the job, which does there what it is to do wrong. */
  readonly trap: () => void;
  /** A record came to a sink. */
  readonly arrived: () => void;
}

/** The job of a schedule, as users write one. */
export const simulatedJob = (options: SimulatedJobOptions): JobDefinition =>
  options.size.kind === 'windowed'
    ? windowedJob(options)
    : options.size.kind === 'broken'
      ? brokenJob(options)
      : countedJob(options);

/**
 * What a job has to write. `areTimersInTime`: nothing stops or bends the time of its tasks, so that those timers fire for certain that are
 * due long before the input ends.
 */
export const requiredOutputOf = ({ kind, name, records }: Size, areTimersInTime: boolean): readonly string[] => {
  if (kind === 'broken') {
    return [];
  }
  if (kind === 'windowed') {
    return windowedOutputOf(name, records);
  }
  const certain = areTimersInTime ? Math.floor(CERTAIN * records) : 0;
  return [
    ...outputOf(records, (key, place) => recordOf(name, key, place)),
    ...outputOf(certain, (key, place) => timerOf(name, key, place)),
  ];
};

/** What it may write: that, and what later timers give. */
export const allOutputOf = ({ kind, name, records }: Size): readonly string[] =>
  kind === 'windowed'
    ? windowedOutputOf(name, records)
    : [
        ...outputOf(records, (key, place) => recordOf(name, key, place)),
        ...outputOf(records, (key, place) => timerOf(name, key, place)),
      ];

const KEYS = 5;
const TIMER_DELAY_MS = 700;

/** `counted k3 #7 = 33`: the seventh number of key 3. */
const recordOf = (name: string, key: number, place: number): string =>
  `${name} k${key} #${place} = ${key + KEYS * (place - 1)}`;

/** What the timer of a record gives; timers that are not due when the input ends never are. */
const timerOf = (name: string, key: number, place: number): string => `${recordOf(name, key, place)}, later`;

/** Timers of this part of the records are due long before the input ends. */
const CERTAIN = 0.7;

const outputOf = (records: number, textOf: (key: number, place: number) => string): readonly string[] =>
  Array.from({ length: records }, (_, number) => textOf(number % KEYS, Math.floor(number / KEYS) + 1));

/**
 * A source of splits, a count by key with a timer for each record, a two-phase sink: three vertices. Each number gives one record with
 * its place among those of its key, and another one when its timer fires; state, timers, positions and output have to fit together.
 */
const countedJob = ({ size, log, rate, trap, arrived }: SimulatedJobOptions): JobDefinition =>
  job(size.name, (env) => {
    const { name, kind, parallelism, splits, records, intervalMs } = size;
    env.enableCheckpointing({ interval: intervalMs, mode: 'exactly-once', timeout: CHECKPOINT_TIMEOUT_MS });
    env.setParallelism(parallelism);
    env
      .from(kind === 'pulled' ? pulledNumbers({ records, splits, rate }) : sequence({ splits, rate, to: records - 1 }))
      .uid('numbers')
      .setParallelism(parallelism)
      .keyBy((value) => value % KEYS)
      .process({
        process: (_value: number, context: KeyedProcessContext<number>, out: Collector<string>) => {
          trap();
          const counted = context.state.value<number>('counted');
          const due = context.state.map<number, number[]>('due');
          const count = (counted.value() ?? 0) + 1;
          counted.update(count);
          const atMs = Math.ceil(context.currentProcessingTime + TIMER_DELAY_MS);
          due.put(atMs, [...(due.get(atMs) ?? []), count]);
          out.collect(recordOf(name, context.currentKey, count));
          context.timers.registerProcessingTime(atMs);
        },
        onTimer: (atMs: number, context: KeyedProcessContext<number>, out: Collector<string>) => {
          trap();
          const due = context.state.map<number, number[]>('due');
          (due.get(atMs) ?? []).forEach((place) => out.collect(timerOf(name, context.currentKey, place)));
          due.remove(atMs);
        },
      })
      .uid('counting')
      .rebalance()
      .to(logSink(log, arrived))
      .uid('log');
  });

/** Its submission says how often it starts again; then it has failed for good. */
const brokenJob = ({ size, log, rate, arrived }: SimulatedJobOptions): JobDefinition =>
  job(size.name, (env) => {
    const { name, records, intervalMs } = size;
    env.enableCheckpointing({ interval: intervalMs, mode: 'exactly-once', timeout: CHECKPOINT_TIMEOUT_MS });
    env
      .from(sequence({ rate, to: records - 1 }))
      .uid('numbers')
      .map((): string => {
        throw new Error(`${name} has a fault`);
      })
      .uid('fault')
      .to(logSink(log, arrived))
      .uid('log');
  });
