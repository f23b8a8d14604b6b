import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataStream, SingleOutputStreamOperator, StreamExecutionEnvironment } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { inSteps, paced } from '../paced.ts';

/** Each source of a golden job goes this many steps, at least one checkpoint between two of them. */
export const STEPS = 6;

/**
 * In what order a case writes: `total` is one order; `key`: the lines of a key are in order, which is what stands before
 * the first tab; `any`: no order.
 */
export type LineOrder = 'total' | 'key' | 'any';

/** A small job with a known result. */
export interface GoldenCase {
  readonly name: string;
  /** What it shows to survive: `Class.method`, or the name of a source, a sink, a kind of state. */
  readonly covers: readonly string[];
  readonly order: LineOrder;
  /** Puts files there that the job reads, before it runs. */
  readonly prepare?: (data: string) => void;
  readonly draw: (golden: Golden) => void;
  /** The lines that it writes, computed without Millrace. */
  readonly expected: () => readonly string[];
  /** For what is not the same in each run: makes what is out of the lines that were written. */
  readonly normalize?: (lines: readonly string[]) => readonly string[];
}

/** The folder of files to read, for an output folder. */
export const dataFolder = (root: string): string => `${root}-data`;

/** What a case draws with. */
export class Golden {
  readonly env: StreamExecutionEnvironment;
  /** Where the case writes. */
  readonly folder: string;
  /** Where `prepare` put files. */
  readonly data: string;
  readonly #checkpoints: string;
  readonly #name: string;
  readonly #writers: number;

  constructor(
    env: StreamExecutionEnvironment,
    { name, order }: GoldenCase,
    { root, checkpoints }: { readonly root: string; readonly checkpoints: string },
  ) {
    this.env = env;
    this.#name = name;
    this.#writers = order === 'total' ? 1 : 2;
    this.folder = join(root, name);
    this.data = dataFolder(root);
    this.#checkpoints = checkpoints;
  }

  /** A stream of the items, in order, in `STEPS` steps; `ready` as for `paced`. */
  paced<T>(items: readonly T[], ready?: (step: number) => boolean): SingleOutputStreamOperator<T> {
    return this.pacedSteps(inSteps(items, STEPS), ready);
  }

  /** A stream of the items of the given steps. */
  pacedSteps<T>(steps: readonly (readonly T[])[], ready?: (step: number) => boolean): SingleOutputStreamOperator<T> {
    return this.env.from(
      paced(steps, { checkpoints: this.#checkpoints, name: this.#name, ...(ready === undefined ? {} : { ready }) }),
    );
  }

  /** Ends a stream in the files of the case. */
  write(stream: DataStream<string>, part = ''): void {
    stream.to(fileSink({ path: join(this.folder, part) })).setParallelism(this.#writers);
  }

  /** The committed lines so far, for `ready`. */
  committed(part = ''): readonly string[] {
    return committedLines(join(this.folder, part));
  }
}

/** The lines of the visible files in and below a folder, file by file. */
export const committedLines = (folder: string): string[] => {
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  return entries
    .filter(({ name }) => !name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? committedLines(path) : readFileSync(path, 'utf8').split('\n').slice(0, -1);
    });
};
