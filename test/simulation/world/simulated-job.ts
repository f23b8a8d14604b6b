import { job, type Collector, type JobDefinition, type KeyedProcessContext } from '../../../src/pipeline/api/index.ts';
import { sequence } from '../../../src/pipeline/connectors/generator/index.ts';
import { logSink, type TransactionLog } from './transaction-log.ts';

/** What user code of a job asks its world: where it is, and whether it is to throw there. */
export type UserCodeTrap = (place: 'process' | 'timer') => void;

export interface SimulatedJobOptions {
  readonly name: string;
  readonly log: TransactionLog;
  readonly parallelism: number;
  readonly splits: number;
  /** `undefined`: it has no end. */
  readonly records: number | undefined;
  readonly rate: number;
  readonly intervalMs: number;
  readonly trap: UserCodeTrap;
}

const KEYS = 5;
const TIMER_DELAY_MS = 700;
const TIMEOUT_MS = 60_000;

/** `counted k3 #7 = 33`: the seventh number of key 3. */
const recordOf = (name: string, key: number, place: number): string =>
  `${name} k${key} #${place} = ${key + KEYS * (place - 1)}`;

/** What the timer of a record gives; timers that are not due when the input ends never are. */
const timerOf = (name: string, key: number, place: number): string => `${recordOf(name, key, place)}, later`;

/** Timers of this part of the records are due long before the input ends. */
const CERTAIN = 0.7;

/** What a job of so many records has to write. */
export const requiredOutputOf = (name: string, records: number): readonly string[] => [
  ...outputOf(records, (key, place) => recordOf(name, key, place)),
  ...outputOf(Math.floor(CERTAIN * records), (key, place) => timerOf(name, key, place)),
];

/** What it may write: that, and what later timers give. */
export const allOutputOf = (name: string, records: number): readonly string[] => [
  ...outputOf(records, (key, place) => recordOf(name, key, place)),
  ...outputOf(records, (key, place) => timerOf(name, key, place)),
];

const outputOf = (records: number, textOf: (key: number, place: number) => string): readonly string[] =>
  Array.from({ length: records }, (_, number) => textOf(number % KEYS, Math.floor(number / KEYS) + 1));

/**
 * A source of splits, a count by key with a timer for each record, a two-phase sink: three vertices. Each number gives one record with
 * its place among those of its key, and another one when its timer fires; state, timers, positions and output have to fit together.
 */
export const simulatedJob = (options: SimulatedJobOptions): JobDefinition =>
  job(options.name, (env) => {
    const { log, parallelism, splits, records, rate, intervalMs, trap } = options;
    env.enableCheckpointing({ interval: intervalMs, mode: 'exactly-once', timeout: TIMEOUT_MS });
    env.setParallelism(parallelism);
    env
      .from(sequence({ splits, rate, ...(records === undefined ? {} : { to: records - 1 }) }))
      .uid('numbers')
      .setParallelism(parallelism)
      .keyBy((value) => value % KEYS)
      .process({
        process: (_value: number, context: KeyedProcessContext<number>, out: Collector<string>) => {
          trap('process');
          const counted = context.state.value<number>('counted');
          const due = context.state.map<number, number[]>('due');
          const count = (counted.value() ?? 0) + 1;
          counted.update(count);
          const atMs = Math.ceil(context.currentProcessingTime + TIMER_DELAY_MS);
          due.put(atMs, [...(due.get(atMs) ?? []), count]);
          out.collect(recordOf(options.name, context.currentKey, count));
          context.timers.registerProcessingTime(atMs);
        },
        onTimer: (atMs: number, context: KeyedProcessContext<number>, out: Collector<string>) => {
          trap('timer');
          const due = context.state.map<number, number[]>('due');
          (due.get(atMs) ?? []).forEach((place) => out.collect(timerOf(options.name, context.currentKey, place)));
          due.remove(atMs);
        },
      })
      .uid('counting')
      .rebalance()
      .to(logSink(log))
      .uid('log');
  });
