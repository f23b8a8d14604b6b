import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Collector,
  job,
  type KeyedProcessContext,
  type OnTimerContext,
  OutputTag,
  type RichKeyedProcessFunction,
} from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { committedLines } from './cases/golden-case.ts';
import { paced } from './paced.ts';

export interface Alarm {
  readonly key: number;
  readonly time: number;
}

/** Times in no order; each of the numbers below `count` once. */
const shuffled = (index: number, count: number): number => (index * 7919) % count;

/** Of the clock, so that all are due soon after the first. */
const TIMERS_EACH_MS = 20;

const clock = new OutputTag<string>('clock');

/** Sets a timer of each kind for each key, at times of the key alone. */
class Alarms implements RichKeyedProcessFunction<number, Alarm, string> {
  readonly #fromMs: number;

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  process({ time }: Alarm, { timers }: KeyedProcessContext<number>): void {
    timers.registerEventTime(time);
    timers.registerProcessingTime(this.#fromMs + Math.floor(time / TIMERS_EACH_MS));
  }

  onTimer(time: number, context: OnTimerContext<number>, out: Collector<string>): void {
    if (context.timeDomain === 'event') {
      out.collect(`${time} ${context.currentKey}`);
    } else {
      context.output(clock, `${time - this.#fromMs} ${context.currentKey}`);
    }
  }
}

/**
 * Sets timers, has a checkpoint, and kills itself once; started again it waits until all timers of the clock have fired,
 * then lets event time end. Arguments: output folder, checkpoint folder, how many timers of each kind, when the first
 * timer of the clock is due.
 */
export default job('timers', (env, [folder = '', checkpoints = '', count = '', from = '']) => {
  const total = Number(count);
  const alarms = Array.from({ length: total }, (_, key): Alarm => ({ key, time: shuffled(key, total) }));
  const fired = (): number => committedLines(join(folder, 'clock')).length;
  // The first checkpoint after the alarms may have begun before the last of them; the second has them all.
  const ready = (step: number): boolean => {
    if (step === 1) {
      killOnce(join(folder, '..', 'killed'));
    }
    return step < 2 || fired() >= total;
  };
  const late = env
    .from(paced([alarms, [], []], { checkpoints, ready }))
    .keyBy('key')
    .process(new Alarms(Number(from)))
    .setParallelism(2);
  late.to(fileSink({ path: join(folder, 'event') })).setParallelism(2);
  late
    .sideOutput(clock)
    .to(fileSink({ path: join(folder, 'clock') }))
    .setParallelism(2);
});

const killOnce = (marker: string): void => {
  if (!existsSync(marker)) {
    writeFileSync(marker, '');
    process.kill(process.pid, 'SIGKILL');
  }
};
