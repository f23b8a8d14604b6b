import { FAULTS } from '../world/faults.ts';
import { POINTS } from '../world/points.ts';
import { RARE_STATES, type RareState } from '../world/rare-states.ts';
import type { Outcome } from '../world/outcome.ts';

const MEASURES = {
  'seconds of its time': { of: ({ virtualMs }: Outcome) => virtualMs / 1_000, atLeast: 60 },
  'completed checkpoints': { of: ({ checkpoints }: Outcome) => checkpoints, atLeast: 3 },
  faults: { of: ({ faults }: Outcome) => faults, atLeast: 2 },
  'delivered messages': { of: ({ messages }: Outcome) => messages, atLeast: 200 },
  // The first leader is one of them.
  leaders: { of: ({ leaderChanges }: Outcome) => leaderChanges, atLeast: 2 },
} as const;
type Measure = keyof typeof MEASURES;

/** In so many schedules each cell of the table is to be hit `CELL_HITS` times, and each rare state once. */
export const WHOLE_RUN = 10_000;
const CELL_HITS = 20;
/** A run of fewer schedules does not have to come to each rare state. */
export const RARE_FROM = 1_000;
const WHERE = [...POINTS, 'any time'] as const;

/** Of `simulate --json`. */
export interface SummaryData {
  readonly schedules: number;
  /** Those that were long and eventful enough. */
  readonly counted: number;
  readonly distributions: readonly {
    readonly name: string;
    readonly countsFrom: number;
    readonly min: number;
    readonly p5: number;
    readonly p50: number;
    readonly p95: number;
    readonly max: number;
    /** How many schedules lie in each of as many equal parts of the range from `min` to `max`; of a few whole numbers, how many have each. */
    readonly bins: readonly number[];
  }[];
  readonly rareStates: readonly { readonly name: string; readonly times: number }[];
  /** Rare states that it had to come to, and did not. */
  readonly missed: readonly string[];
  readonly points: readonly string[];
  /** `hits`: one for each of `points`. */
  readonly faults: readonly { readonly name: string; readonly hits: readonly number[] }[];
  /** Cells of that table that were hit too seldom. */
  readonly thin: readonly string[];
  readonly violations: readonly {
    readonly seed: number;
    readonly invariant: string;
    readonly message: string;
    readonly plan: readonly string[];
  }[];
}

/** What many schedules came to. */
export class Summary {
  readonly #values: Record<Measure, number[]>;
  readonly #struck = new Map<string, number>();
  readonly #rare = new Map<RareState, number>();
  readonly #violations: Outcome[] = [];
  #count = 0;
  #counting = 0;

  constructor() {
    this.#values = Object.fromEntries(measures.map((name) => [name, [] as number[]])) as Record<Measure, number[]>;
  }

  get count(): number {
    return this.#count;
  }

  /** Schedules that violated something. */
  get violations(): readonly Outcome[] {
    return this.#violations;
  }

  add(outcome: Outcome): void {
    this.#count++;
    if (outcome.violation !== undefined) {
      this.#violations.push(outcome);
    }
    let counts = true;
    for (const name of measures) {
      const value = MEASURES[name].of(outcome);
      this.#values[name].push(value);
      counts &&= value >= MEASURES[name].atLeast;
    }
    this.#counting += counts ? 1 : 0;
    outcome.struck.forEach((times, cell) => this.#struck.set(cell, (this.#struck.get(cell) ?? 0) + times));
    outcome.rare.forEach((times, state) => this.#rare.set(state, (this.#rare.get(state) ?? 0) + times));
  }

  /** Rare states that it had to come to, and did not. */
  get missed(): readonly RareState[] {
    return this.#count < RARE_FROM ? [] : RARE_STATES.filter((state) => !this.#rare.has(state));
  }

  /** Cells of the table that were hit less often than so many schedules should. */
  get thin(): readonly string[] {
    const wanted = Math.floor((CELL_HITS * this.#count) / WHOLE_RUN);
    return FAULTS.flatMap((fault) => WHERE.map((point) => `${fault} @ ${point}`)).filter(
      (cell) => (this.#struck.get(cell) ?? 0) < wanted,
    );
  }

  /** All of it as data: what `lines` and `coverage` say in words. */
  data(): SummaryData {
    return {
      schedules: this.#count,
      counted: this.#counting,
      distributions: measures.map((name) => {
        const sorted = this.#values[name].toSorted((one, other) => one - other);
        const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? 0;
        const [min, max] = [at(0), at(1)];
        return {
          name,
          countsFrom: MEASURES[name].atLeast,
          ...{ min, p5: at(0.05), p50: at(0.5), p95: at(0.95), max },
          bins: binned(sorted, min, max),
        };
      }),
      rareStates: RARE_STATES.map((name) => ({ name, times: this.#rare.get(name) ?? 0 })),
      missed: this.missed,
      points: WHERE,
      faults: FAULTS.map((name) => ({
        name,
        hits: WHERE.map((point) => this.#struck.get(`${name} @ ${point}`) ?? 0),
      })),
      thin: this.thin,
      violations: this.#violations.map(({ seed, violation, plan }) => ({ seed, ...violation!, plan })),
    };
  }

  /** How the schedules were distributed, and what they came to. */
  lines(): readonly string[] {
    const heads = ['', 'min', 'p5', 'p50', 'p95', 'max', 'counts from'];
    const rows = measures.map((name) => {
      const sorted = this.#values[name].sort((one, other) => one - other);
      const at = (part: number): string => rounded(sorted[Math.floor(part * (sorted.length - 1))] ?? 0);
      return [name, at(0), at(0.05), at(0.5), at(0.95), at(1), String(MEASURES[name].atLeast)];
    });
    return [
      ...table([heads, ...rows]),
      `${this.#counting} of ${this.#count} schedules count`,
      '',
      ...table([['rare states', 'times'], ...RARE_STATES.map((state) => [state, String(this.#rare.get(state) ?? 0)])]),
    ];
  }

  /** How often each fault struck at each point. */
  coverage(): readonly string[] {
    // Beside those of every world what only some have.
    const others = [...this.#struck.keys()].map((cell) => cell.slice(0, cell.lastIndexOf(' @ ')));
    const rows = [...new Set<string>([...FAULTS, ...others])].map((fault) => [
      fault,
      ...WHERE.map((point) => String(this.#struck.get(`${fault} @ ${point}`) ?? 0)),
    ]);
    return [
      ...table([['fault @', ...WHERE.map((_, index) => `(${index + 1})`)], ...rows]),
      ...WHERE.map((point, index) => `(${index + 1}) ${point}`),
    ];
  }
}

const measures = Object.keys(MEASURES) as Measure[];

const BINS = 24;

const binned = (values: readonly number[], min: number, max: number): readonly number[] => {
  if (max - min < BINS && values.every(Number.isInteger)) {
    return Array.from({ length: max - min + 1 }, (_, index) => values.filter((value) => value === min + index).length);
  }
  const bins = new Array<number>(BINS).fill(0);
  for (const value of values) {
    const place = max === min ? 0 : Math.min(BINS - 1, Math.floor(((value - min) / (max - min)) * BINS));
    bins[place]! += 1;
  }
  return bins;
};

const rounded = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(1));

const table = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
};
