import { appendFileSync } from 'node:fs';
import { job, type DataStream, type RichMapFunction } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { sequence } from 'millrace/connectors/generator';
import { hurriedNumbers } from './hurried-numbers.ts';

/** Each start leaves a line with its process in `<name>.opens`. */
class Opening implements RichMapFunction<number, number> {
  readonly #file: string;

  constructor(folder: string, name: string) {
    this.#file = `${folder}/${name}.opens`;
  }

  open(): void {
    appendFileSync(this.#file, `${process.pid}\n`);
  }

  map(value: number): number {
    return value;
  }
}

/**
 * What ends early beside what goes on, each in a slot of its own: `apart` in a region of its own, `part` in one region with
 * `main`, which goes on until there is a file `hurry`. Arguments: the folder, how many numbers `main` has.
 */
export default job('finishing', (env, [folder = '.', count = '1000']) => {
  env.enableCheckpointing({ interval: '250ms', mode: 'exactly-once' });
  env.setParallelism(1);
  const few = (name: string): DataStream<number> =>
    env
      .from(sequence({ to: 99 }))
      .uid(`${name} source`)
      .slotSharingGroup(name)
      .map(new Opening(folder, name))
      .uid(name);
  const write = (lines: DataStream<string>, name: string): void => {
    lines.to(fileSink({ path: `${folder}/${name}.out` })).uid(`${name} out`);
  };
  write(
    few('apart').map((value) => `${value}`),
    'apart',
  );
  const part = few('part').map((value) => `part ${value}`);
  const main = env
    .from(hurriedNumbers({ folder, count: Number(count), everyMs: 10, splits: 1 }))
    .uid('main source')
    .map(new Opening(folder, 'main'))
    .uid('main');
  write(main.map((value) => `main ${value}`).union(part), 'main');
});
