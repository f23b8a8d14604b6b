import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

const PAIR_BYTES = 16;

interface StampFile {
  readonly path: string;
  readonly series: Series;
  offset: number;
}

/** What one sink subtask stamped, by all its attempts, in the order of time. */
interface Series {
  atMs: number[];
  values: number[];
}

/** What the probe stamps in its folder. Times are of the monotonic clock of the machine. */
export class Stamps {
  readonly #folder: string;
  readonly #files = new Map<string, StampFile>();
  readonly #series = { emit: new Map<string, Series>(), commit: new Map<string, Series>() };

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads on; forgets what lies before the last stamp before `sinceMs`. */
  look(sinceMs: number): void {
    for (const name of readdirSync(this.#folder)) {
      const parts = /^(emit|commit)-(\d+)-.*\.bin$/.exec(name);
      if (parts !== null && !this.#files.has(name)) {
        const bySubtask = this.#series[parts[1] as 'emit' | 'commit'];
        const series = bySubtask.get(parts[2]!) ?? { atMs: [], values: [] };
        bySubtask.set(parts[2]!, series);
        this.#files.set(name, { path: join(this.#folder, name), series, offset: 0 });
      }
    }
    const grown = new Set<Series>();
    for (const file of this.#files.values()) {
      if (readOn(file)) {
        grown.add(file.series);
      }
    }
    for (const series of [...this.#series.emit.values(), ...this.#series.commit.values()]) {
      if (grown.has(series)) {
        sort(series);
      }
      const first = series.atMs.findIndex((atMs) => atMs >= sinceMs);
      const dropped = Math.max(0, (first === -1 ? series.atMs.length : first) - 1);
      series.atMs = series.atMs.slice(dropped);
      series.values = series.values.slice(dropped);
    }
  }

  /** When each sink subtask stamped last. */
  lastMs(kind: 'emit' | 'commit'): number {
    return Math.min(...[...this.#series[kind].values()].map(({ atMs }) => atMs.at(-1) ?? 0));
  }

  /** The longest time between two stamps of one subtask of which a part lies in the window; the worst of all subtasks. */
  gapMs(kind: 'emit' | 'commit', fromMs: number, untilMs: number): number {
    let longest = 0;
    for (const { atMs } of this.#series[kind].values()) {
      for (let index = 1; index < atMs.length; index++) {
        if (atMs[index]! > fromMs && atMs[index - 1]! < untilMs) {
          longest = Math.max(longest, atMs[index]! - atMs[index - 1]!);
        }
      }
    }
    return longest;
  }

  /**
   * From `sinceMs` until each subtask has written a record of each split beyond the last one that it wrote before. `undefined`: not yet.
   */
  beyondMs(sinceMs: number, splits: number): number | undefined {
    let longest = 0;
    for (const { atMs, values } of this.#series.emit.values()) {
      for (let split = 0; split < splits; split++) {
        let last = -1;
        let beyondMs: number | undefined;
        for (const [index, value] of values.entries()) {
          if (value % splits === split && atMs[index]! <= sinceMs) {
            last = Math.max(last, value);
          } else if (value % splits === split && value > last) {
            beyondMs = atMs[index]! - sinceMs;
            break;
          }
        }
        if (beyondMs === undefined) {
          return undefined;
        }
        longest = Math.max(longest, beyondMs);
      }
    }
    return longest;
  }
}

export interface Opened {
  readonly atMs: number;
  readonly pid: number;
  readonly what: string;
}

/** Each start of a part of a task, as the tasks themselves wrote it down. */
export const readOpened = (folder: string): readonly Opened[] =>
  readFileSync(join(folder, 'opens.log'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [atMs, pid, ...what] = line.split(' ');
      return { atMs: Number(atMs), pid: Number(pid), what: what.join(' ') };
    });

const chunk = Buffer.alloc(4_096 * PAIR_BYTES);

const readOn = (file: StampFile): boolean => {
  if (statSync(file.path).size === file.offset) {
    return false;
  }
  const descriptor = openSync(file.path, 'r');
  try {
    let hasGrown = false;
    for (;;) {
      const bytes = readSync(descriptor, chunk, 0, chunk.length, file.offset);
      const pairs = Math.floor(bytes / PAIR_BYTES);
      if (pairs === 0) {
        return hasGrown;
      }
      hasGrown = true;
      file.offset += pairs * PAIR_BYTES;
      for (let pair = 0; pair < pairs; pair++) {
        file.series.atMs.push(chunk.readDoubleLE(pair * PAIR_BYTES));
        file.series.values.push(chunk.readDoubleLE(pair * PAIR_BYTES + 8));
      }
    }
  } finally {
    closeSync(descriptor);
  }
};

const sort = (series: Series): void => {
  const { atMs, values } = series;
  if (atMs.every((at, index) => index === 0 || atMs[index - 1]! <= at)) {
    return;
  }
  const order = atMs.map((_, index) => index).toSorted((one, other) => atMs[one]! - atMs[other]!);
  series.atMs = order.map((index) => atMs[index]!);
  series.values = order.map((index) => values[index]!);
};
