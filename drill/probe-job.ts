import { appendFileSync, closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  job,
  type Collector,
  type KeyedProcessContext,
  type RichKeyedProcessFunction,
  type RichMapFunction,
  type RuntimeContext,
} from 'millrace';
import { sink, source } from 'millrace/connectors/custom';
import { fileSink } from 'millrace/connectors/file';

/**
 * The job that `millrace drill` watches while it kills processes. Its records are numbered in each split and counted by key, so that
 * verify.mjs can tell from the committed files alone whether one is lost, doubled or counted with the wrong state. What it leaves in
 * its folder:
 *
 *   committed/    files of the exactly-once sink: `<split> <index> <key> <number within the key> <ms when written>`
 *   emitted/      a file for each attempt of the sink that commits nothing: `<split> <index> <ms when written>`
 *   opens.log     a line for each start of a task: `<ms> <task> <subtask> <pid>`
 *   ends/<split>  how many records a split has that was told to end
 *
 * All splits end soon after a file `end` is made in the folder. Arguments: see `probeArguments`.
 */
const probeArguments = (args: readonly string[]) => {
  const [folder = '.', parallelism = '1', ratePerSecond = '100', splits = '10', recordsPerSplit = '100'] = args;
  return {
    folder,
    parallelism: Number(parallelism),
    ratePerSecond: Number(ratePerSecond),
    splits: Number(splits),
    /** The last splits, one for each reader, have no end of their own. */
    recordsPerSplit: Number(recordsPerSplit),
  };
};
type ProbeArguments = ReturnType<typeof probeArguments>;

interface Numbered {
  readonly split: string;
  readonly index: number;
}

interface Counted extends Numbered {
  readonly key: string;
  readonly count: number;
}

const KEYS = 16;
/** The side source has that many records and ends at once: a task that has finished must survive a takeover too. */
const EARLY_RECORDS = 100;

const sayOpen = (folder: string, task: string, { subtask }: RuntimeContext): void =>
  appendFileSync(join(folder, 'opens.log'), `${Date.now()} ${task} ${subtask} ${process.pid}\n`);

/** Where a split ends once the drill is over. The first answer stays: a restored reader must not end elsewhere. */
const endOf = (folder: string, split: string, index: number): number => {
  const path = join(folder, 'ends', split);
  try {
    writeFileSync(path, String(index), { flag: 'wx' });
    return index;
  } catch {
    return Number(readFileSync(path, 'utf8'));
  }
};

const paced = ({ folder, parallelism, ratePerSecond, splits, recordsPerSplit }: ProbeArguments) =>
  source({
    name: 'paced',
    splits: Array.from({ length: splits }, (_, index) => String(index)),
    bounded: true,
    maxReadAhead: 8,
    read: async function* (position: number | undefined, { split, signal }) {
      const limit = Number(split) < splits - parallelism ? recordsPerSplit : Infinity;
      let end = Infinity;
      for (let index = position ?? 0; index < Math.min(limit, end); index++) {
        if (end === Infinity && existsSync(join(folder, 'end'))) {
          end = endOf(folder, split, index);
          if (index >= end) {
            return;
          }
        }
        yield [{ split, index }, index + 1] as const;
        await sleep(1000 / ratePerSecond, undefined, { signal });
      }
    },
  });

const early = () =>
  source({
    name: 'early',
    bounded: true,
    read: async function* (position: number = 0) {
      for (let index = position; index < EARLY_RECORDS; index++) {
        yield [{ split: 'early', index }, index + 1] as const;
      }
    },
  });

/** Only says that its task was started. */
class Starting implements RichMapFunction<Numbered, Numbered> {
  readonly #folder: string;
  readonly #task: string;

  constructor(folder: string, task: string) {
    this.#folder = folder;
    this.#task = task;
  }

  open(context: RuntimeContext): void {
    sayOpen(this.#folder, this.#task, context);
  }

  map(record: Numbered): Numbered {
    return record;
  }
}

class Counting implements RichKeyedProcessFunction<string, Numbered, Counted> {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  open(context: RuntimeContext): void {
    sayOpen(this.#folder, 'counting', context);
  }

  process(record: Numbered, context: KeyedProcessContext<string>, out: Collector<Counted>): void {
    const state = context.state.value<number>('count');
    const count = (state.value() ?? 0) + 1;
    state.update(count);
    out.collect({ ...record, key: context.currentKey, count });
  }
}

/** Commits nothing: each record is there as soon as it is written. */
const emitted = ({ folder }: ProbeArguments) =>
  sink({
    name: 'emitted',
    create: ({ subtask, generation }) => {
      const file = openSync(join(folder, 'emitted', `${subtask}-${generation}-${process.pid}`), 'a');
      return {
        write: ({ split, index }: Counted) => {
          writeSync(file, `${split} ${index} ${Date.now()}\n`);
        },
        close: () => closeSync(file),
      };
    },
  });

const committed = ({ folder }: ProbeArguments) =>
  fileSink({
    path: join(folder, 'committed'),
    format: ({ split, index, key, count }: Counted) => `${split} ${index} ${key} ${count} ${Date.now()}`,
  });

export default job('millrace-drill', (env, args) => {
  const given = probeArguments(args);
  env.setParallelism(given.parallelism);
  const counted = env
    .from(paced(given))
    .uid('paced')
    .map(new Starting(given.folder, 'paced'))
    .uid('paced-starting')
    .union(env.from(early()).uid('early').map(new Starting(given.folder, 'early')).uid('early-starting'))
    .keyBy(({ index }) => String(index % KEYS))
    .process(new Counting(given.folder))
    .uid('counting');
  counted.to(committed(given)).uid('committed');
  counted.to(emitted(given)).uid('emitted');
});
