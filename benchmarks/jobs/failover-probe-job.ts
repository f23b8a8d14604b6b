import { appendFileSync, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { job, type Collector, type KeyedProcessContext, type RichKeyedProcessFunction } from 'millrace';
import { sink, source, type Prepared } from 'millrace/connectors/custom';

/** All processes of a machine share it. */
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

interface Probe {
  readonly split: number;
  readonly index: number;
}

interface Kept {
  readonly count: number;
  readonly padding: string;
}

const PADDING = 'x'.repeat(500);
const PAUSE_MS = 2;
const SPLITS = ['0', '1'];

/** Appends pairs of doubles, written at once: what a process that is killed had stamped stays. */
class Stamps {
  readonly #file: number;
  readonly #pair = new Float64Array(2);

  constructor(folder: string, name: string, subtask: number, generation: string) {
    this.#file = openSync(`${folder}/${name}-${subtask}-${generation}-${process.pid}.bin`, 'a');
  }

  write(value: number): void {
    this.#pair[0] = nowMs();
    this.#pair[1] = value;
    writeSync(this.#file, this.#pair);
  }
}

const opened = (folder: string, what: string): void =>
  appendFileSync(`${folder}/opens.log`, `${nowMs()} ${process.pid} ${what}\n`);

/** A record for each key first, then at random keys. */
class Keeping implements RichKeyedProcessFunction<number, Probe, Probe> {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  open(): void {
    opened(this.#folder, 'probe/keeping');
  }

  process(probe: Probe, context: KeyedProcessContext<number>, out: Collector<Probe>): void {
    const state = context.state.value<Kept>('kept');
    const { count, padding } = state.value() ?? { count: 0, padding: PADDING };
    state.update({ count: count + 1, padding });
    out.collect(probe);
  }
}

/**
 * The probe of `benchmarks/failover.ts`. Its source has two splits of a steady rate, which can give twice that rate, no more, when
 * the job lags behind. Each of two subtasks keeps state by key and stamps what it writes, in a sink that commits nothing and in one
 * that commits. Arguments: folder for the stamps, records per second and split, keys, when it starts (as `nowMs`).
 */
export default job('probe', (env, [folder = '.', rate = '1000', keyCount = '20000', start = '0']) => {
  const perMs = Number(rate) / 1_000;
  const keys = Number(keyCount);
  env.enableCheckpointing({ interval: '1s', mode: 'exactly-once' });
  env.setParallelism(2);
  const kept = env
    .from(
      source({
        name: 'paced',
        splits: SPLITS,
        read: async function* (position: number = 0, { split, signal }) {
          opened(folder, `probe/source ${split}`);
          const filling = keys / SPLITS.length;
          let lookedMs = nowMs();
          for (let next = position; !signal.aborted;) {
            const now = nowMs();
            const due = filling + Math.floor((now - Number(start)) * perMs);
            const until = next < filling ? filling : Math.min(due, next + Math.ceil((now - lookedMs) * 2 * perMs));
            lookedMs = now;
            for (; next < until; next++) {
              yield [{ split: Number(split), index: next }, next + 1];
            }
            await sleep(PAUSE_MS);
          }
        },
      }),
    )
    .uid('source')
    .keyBy(({ split, index }) => ((index * 7_919) % (keys / SPLITS.length)) * SPLITS.length + split)
    .process(new Keeping(folder))
    .uid('keeping');
  kept
    .to(
      sink({
        name: 'emitting',
        create: ({ subtask, generation }) => {
          opened(folder, `probe/emitting ${subtask}`);
          const stamps = new Stamps(folder, 'emit', subtask, generation);
          // One number says split and index.
          return { write: ({ split, index }: Probe) => stamps.write(index * SPLITS.length + split) };
        },
      }),
    )
    .uid('emitting');
  kept
    .to(
      sink({
        name: 'committing',
        create: ({ subtask, generation }) => {
          opened(folder, `probe/committing ${subtask}`);
          const stamps = new Stamps(folder, 'commit', subtask, generation);
          let count = 0;
          return {
            write: () => {
              count++;
            },
            prepare: () => {
              const prepared = count;
              count = 0;
              return prepared === 0 ? undefined : prepared;
            },
            commit: ({ value }: Prepared<number>) => stamps.write(value),
            abort: () => {},
          };
        },
      }),
    )
    .uid('committing');
});
