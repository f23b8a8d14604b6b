import { appendFileSync } from 'node:fs';
import type { Collector, KeyedProcessContext, RichKeyedProcessFunction, RuntimeContext } from 'millrace';

const PROGRESS_MS = 100;

/**
 * Numbers the values of each key. In its folder each start of a task leaves a line in `opens.log` (subtask, process, time), and
 * each task that gets records one in `progress.log` now and then.
 */
export class Numbering implements RichKeyedProcessFunction<string, number, string> {
  readonly #folder: string;
  #subtask = 0;
  #saidMs = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  open(context: RuntimeContext): void {
    this.#subtask = context.subtask;
    this.#append('opens.log');
  }

  process(value: number, context: KeyedProcessContext<string>, out: Collector<string>): void {
    const count = context.state.value<number>('count');
    const next = (count.value() ?? 0) + 1;
    count.update(next);
    out.collect(`${context.currentKey} ${next} ${value}`);
    if (Date.now() - this.#saidMs > PROGRESS_MS) {
      this.#append('progress.log');
    }
  }

  #append(name: string): void {
    this.#saidMs = Date.now();
    appendFileSync(`${this.#folder}/${name}`, `${this.#subtask} ${process.pid} ${this.#saidMs}\n`);
  }
}
