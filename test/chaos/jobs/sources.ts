import { appendFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { job, type DataStream, type RichMapFunction } from 'millrace';
import { source } from 'millrace/connectors/custom';
import { fileSink, textFile } from 'millrace/connectors/file';
import { sequence } from 'millrace/connectors/generator';

/** Leaves a line for each start in `opens.log`, and one for each record in a file of its pipeline, committed or not. */
class Noting implements RichMapFunction<string, string> {
  readonly #folder: string;
  readonly #name: string;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  open(): void {
    appendFileSync(`${this.#folder}/opens.log`, `0 ${process.pid} ${Date.now()}\n`);
  }

  map(line: string): string {
    appendFileSync(`${this.#folder}/${this.#name}.read`, `${line}\n`);
    return line;
  }
}

/**
 * Sources of every kind beside each other, each in a pipeline of its own: files that are there, files that arrive, splits that
 * user code finds, numbers that end, numbers without end. Arguments: the folder, how long a line of files takes.
 */
export default job('sources', (env, [folder = '.', everyMs = '20']) => {
  env.enableCheckpointing({ interval: '500ms', mode: 'exactly-once' });
  env.setParallelism(2);
  const write = (name: string, lines: DataStream<string>): void => {
    lines
      .map(new Noting(folder, name))
      .uid(name)
      .to(fileSink({ path: `${folder}/${name}.out` }))
      .uid(`${name} out`);
  };
  const slowly = (lines: DataStream<string>): DataStream<string> =>
    lines.asyncMap(
      async (line) => {
        await pause(Number(everyMs));
        return line;
      },
      { capacity: 1, timeout: '1min', ordered: true },
    );
  const found = source({
    name: 'found',
    splits: () => readdir(`${folder}/found`),
    discoverEvery: '300ms',
    read: async function* (position: number = 0, { split }) {
      for (let line = position; line < 3; line++) {
        yield [`${split} ${line}`, line + 1] as const;
      }
    },
  });
  write('files', slowly(env.from(textFile(`${folder}/files`)).uid('files source')));
  write('arriving', slowly(env.from(textFile(`${folder}/arriving`, { monitorEvery: '200ms' })).uid('arriving source')));
  write('found', env.from(found).uid('found source'));
  write(
    'few',
    env
      .from(sequence({ to: 99 }))
      .uid('few source')
      .map((value) => String(value)),
  );
  write(
    'endless',
    env
      .from(sequence({ every: 10 }))
      .uid('endless source')
      .map((value) => String(value)),
  );
});
