import { execSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { job, type Collector, type KeyedProcessContext, type RichKeyedProcessFunction } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { source } from 'millrace/connectors/custom';

/**
 * Numbers the values of each key, beside so much state that it goes into files. Each start leaves a line with its process in
 * `opens.log`; whoever finds the file `exit`, `loop` or `call` removes it, and ends its thread, or blocks it for ever.
 */
class PaddedNumbering implements RichKeyedProcessFunction<string, number, string> {
  readonly #folder: string;
  readonly #paddingBytes: number;

  constructor(folder: string, paddingBytes: number) {
    this.#folder = folder;
    this.#paddingBytes = paddingBytes;
  }

  open(): void {
    appendFileSync(`${this.#folder}/opens.log`, `open ${process.pid}\n`);
  }

  process(value: number, context: KeyedProcessContext<string>, out: Collector<string>): void {
    const count = context.state.value<number>('count');
    const padding = context.state.value<string>('padding');
    if (padding.value() === undefined) {
      padding.update(context.currentKey.repeat(this.#paddingBytes));
    }
    const next = (count.value() ?? 0) + 1;
    count.update(next);
    for (const [name, happen] of Object.entries(HAPPENINGS)) {
      const file = `${this.#folder}/${name}`;
      if (existsSync(file)) {
        rmSync(file);
        happen(this.#folder);
      }
    }
    out.collect(`${context.currentKey} ${next} ${value}`);
  }
}

const HAPPENINGS: Readonly<Record<string, (folder: string) => void>> = {
  exit: () => process.exit(1),
  loop: () => {
    for (;;) {
      Math.random();
    }
  },
  // The shell ends with the test, which deletes the folder.
  call: (folder) => execSync('while [ -e opens.log ]; do sleep 0.1; done', { cwd: folder }),
};

/** Numbers, one after the other, until there is a file `end` in the folder; how many they are stands in `total` then. */
const numbersUntilEnd = (folder: string, everyMs: number) =>
  source({
    name: 'numbers',
    bounded: true,
    maxReadAhead: 1,
    read: async function* (position: number = 0) {
      const total = `${folder}/total`;
      for (let next = position; ; next++) {
        if (existsSync(`${folder}/end`) && !existsSync(total)) {
          writeFileSync(total, String(next));
        }
        if (existsSync(total) && next >= Number(readFileSync(total, 'utf8'))) {
          return;
        }
        await sleep(everyMs);
        yield [next, next + 1] as const;
      }
    },
  });

/** Arguments: the folder for its output, how long between two numbers, the parallelism, bytes for each key. */
export default job('padded', (env, [folder = '.', every = '10', parallelism = '2', bytes = '30000']) => {
  env.enableCheckpointing({ interval: '300ms', mode: 'exactly-once' });
  env.setParallelism(Number(parallelism));
  env
    .from(numbersUntilEnd(folder, Number(every)))
    .uid('numbers')
    .keyBy((value) => String(value % 10))
    .process(new PaddedNumbering(folder, Number(bytes)))
    .uid('numbering')
    .to(fileSink({ path: `${folder}/out` }))
    .uid('out');
});
