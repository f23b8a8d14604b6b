import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { KINDS, type Kind, type Line } from './rounds.ts';
import { minutesText } from './schedule.ts';
import type { FailoverStore } from './store.ts';
import { summaryOf } from './summary.ts';

const COLUMNS = [
  'kind',
  'round',
  'stretch',
  'load',
  'waitedForCore',
  'waitedForDisk',
  'grantedMs',
  'takeoverMs',
  'leaderRanMs',
  'leaderWaitedMs',
  'beyondMs',
  'emitGapMs',
  'commitGapMs',
  'restarts',
  'leaderMb',
  'leaderChanges',
] as const satisfies readonly (keyof Line)[];

/** What was measured so far: in the CSV file after each round, in the summary in the end. */
export class Results {
  readonly #csv: string;
  readonly #counts: Readonly<Record<Kind, number>>;
  readonly #lines: Line[];
  readonly #goesOn: boolean;
  readonly #store: FailoverStore;

  /** `goesOn`: what the file has from before counts too. */
  constructor(csv: string, counts: Readonly<Record<Kind, number>>, goesOn: boolean, store: FailoverStore) {
    this.#store = store;
    this.#csv = csv;
    this.#counts = counts;
    this.#lines = goesOn && existsSync(csv) ? readLines(csv) : [];
    this.#goesOn = this.#lines.length > 0;
    mkdirSync(dirname(csv), { recursive: true });
    writeFileSync(csv, textOf([HEADING, ...this.#lines.map(rowOf)]));
  }

  timesOf(kind: Kind): number {
    return this.#lines.filter((line) => line.kind === kind && line.stretch === 'failure').length;
  }

  add(lines: readonly Line[], time: string): void {
    this.#lines.push(...lines);
    appendFileSync(this.#csv, textOf(lines.map(rowOf)));
    const [quiet, failure] = lines as readonly [Line, Line];
    const seen = [
      said('takeover', failure.takeoverMs),
      said('first record beyond', failure.beyondMs),
      said('emit gap', failure.emitGapMs, said(' (quiet', quiet.emitGapMs, ')')),
      said('commit gap', failure.commitGapMs),
      failure.restarts === undefined ? '' : `${failure.restarts} restarts`,
      `load ${failure.load}`,
    ].filter((part) => part !== '');
    const { kind, round } = failure;
    process.stdout.write(`[${time}] ${kind} ${round}/${this.#counts[kind]}: ${seen.join(', ')}\n`);
  }

  /** Prints the figures and writes them beside the CSV file. */
  finish(tookMs: number): void {
    const machine =
      `Node ${process.versions.node}, ${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}, ` +
      `${new Date().toISOString().slice(0, 10)}, ${this.#goesOn ? 'in several sittings' : `${minutesText(tookMs)} minutes`}.`;
    const missing = KINDS.filter((kind) => this.timesOf(kind) < this.#counts[kind]);
    const rest = missing.map((kind) => `${kind} ${this.timesOf(kind)} of ${this.#counts[kind]} times`);
    const incomplete = rest.length === 0 ? '' : `\nNot all of it was measured: ${rest.join(', ')}.\n`;
    const summary = `${summaryOf(this.#lines, machine, this.#store)}${incomplete}`;
    const path = `${this.#csv.replace(/\.csv$/, '')}.md`;
    writeFileSync(path, `# Failover\n\n${summary}`);
    process.stdout.write(`\n${summary}\nRaw times are in ${this.#csv}, this in ${path}\n`);
  }
}

const said = (what: string, ms: number | undefined, after = ''): string =>
  ms === undefined ? '' : `${what} ${ms.toFixed(0)} ms${after}`;

const HEADING = COLUMNS.join(',');
const WORDS: ReadonlySet<string> = new Set(['kind', 'stretch']);

const rowOf = (line: Line): string => COLUMNS.map((column) => cell(line[column])).join(',');

const textOf = (rows: readonly string[]): string => rows.map((row) => `${row}\n`).join('');

/** Throws where the file has other columns. */
const readLines = (csv: string): Line[] => {
  const [heading, ...rows] = readFileSync(csv, 'utf8').trimEnd().split('\n');
  if (heading !== HEADING) {
    throw new Error(`${csv} is of another version of this benchmark: give another file with --csv`);
  }
  return rows.map((row) => {
    const cells = row.split(',');
    const entries = COLUMNS.map((column, index) => [column, valueOf(column, cells[index] ?? '')]);
    return Object.fromEntries(entries) as Line;
  });
};

const valueOf = (column: string, text: string): string | number | undefined =>
  WORDS.has(column) ? text : text === '' ? undefined : Number(text);

const cell = (value: Line[keyof Line]): string => {
  if (typeof value !== 'number') {
    return value ?? '';
  }
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1);
};
