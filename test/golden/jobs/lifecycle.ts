import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  job,
  type RichMapFunction,
  type RuntimeContext,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  WatermarkStrategy,
} from 'millrace';
import { existsSync } from 'node:fs';
import { valve, type ValveRecord } from './valve.ts';

/** A source that ends beside one that does not. */
const boundedBeside = (env: StreamExecutionEnvironment, folder: string): void => {
  const ending = env.fromElements('p', 'q', 'r').uid('ending');
  env
    .from(valve(folder, 'records'))
    .uid('records')
    .map(({ index }) => String(index))
    .union(ending)
    .keyBy((value) => value)
    .count()
    .uid('counts')
    .map(({ key, count }) => `${key} ${count}`)
    .collect('rows');
};

/** Windows of ten records in event time. */
const windows = (env: StreamExecutionEnvironment, folder: string): void => {
  env
    .from(valve(folder, 'records'))
    .assignTimestampsAndWatermarks(WatermarkStrategy.forMonotonousTimestamps(), ({ index }) => index)
    .windowAll(TumblingEventTimeWindows.of(10))
    .process(({ start }, records) => [`${start}: ${records.map(({ index }) => index).join(' ')}`])
    .collect('rows');
};

/** Writes a line each time that it takes part in a checkpoint. */
class Snapshots implements RichMapFunction<ValveRecord, string> {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  open(_context: RuntimeContext): void {}

  snapshot(checkpointId: number): void {
    appendFileSync(this.#file, `${checkpointId}\n`);
  }

  map({ index }: ValveRecord): string {
    return `fast ${index}`;
  }
}

/**
 * Two inputs of one operator, one of which a gate holds up: its barrier comes behind the record at the gate, long after
 * the other's.
 */
const gated = (env: StreamExecutionEnvironment, folder: string): void => {
  const fast = env.from(valve(folder, 'records')).map(new Snapshots(join(folder, 'snapshots')));
  const slow = env
    .from(valve(folder, 'slow'))
    .map(({ index }) => `slow ${index}`)
    .asyncMap(
      async (value) => {
        while (existsSync(join(folder, 'gate'))) {
          await sleep(2);
        }
        return value;
      },
      { capacity: 1 },
    )
    .startNewChain();
  const counted = fast
    .union(slow)
    .keyBy((value) => value)
    .count()
    .map(({ key, count }) => `${key} ${count}`);
  // Says at once what it has seen, and hands out what counts.
  counted.print();
  counted.collect('rows');
};

const KINDS = { 'bounded beside': boundedBeside, windows, gated };

/** Arguments: the folder of the valves, and which job it is. */
export default job('lifecycle', (env, [folder = '', kind = '']) => {
  KINDS[kind as keyof typeof KINDS](env, folder);
});
