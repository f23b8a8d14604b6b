import { readFrom, sizeOf } from './read-from.ts';
import { outputOf } from './spawn-process.ts';

const MOST_BYTES = 2_000;

/** What processes say from now on, in their logs and beside: both files may be of earlier starts too. */
export class LastWords {
  readonly #offsets: ReadonlyMap<string, number>;

  constructor(logs: readonly string[]) {
    const files = logs.flatMap((log) => [log, outputOf(log)]);
    this.#offsets = new Map(files.map((file) => [file, sizeOf(file)]));
  }

  /** As the end of a sentence: `ended at its start; it said last (<files>):` and the text of the files. */
  of(log: string): string {
    const said = [log, outputOf(log)].flatMap((file) => {
      const text = readFrom(file, this.#offsets.get(file) ?? 0, MOST_BYTES).trim();
      return text === '' ? [] : [{ file, text }];
    });
    return said.length === 0
      ? `ended at its start and said nothing (${outputOf(log)} is empty)`
      : `ended at its start; it said last (${said.map(({ file }) => file).join(', ')}):\n${said.map(({ text }) => text).join('\n')}`;
  }
}
