import { describe, expect, it } from 'vitest';
import { keyGroupOf, subtaskOfKeyGroup } from '../../foundation/common/key-groups.ts';
import { seededRandom, type Random } from '../../foundation/common/random.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { OperatorHarness } from '../../testing/operator-harness.ts';
import { OutputTag, TumblingEventTimeWindows, type DataStream, type SingleOutputStreamOperator } from '../api/index.ts';

interface Reading {
  readonly key: string;
  readonly n: number;
}

interface Result {
  readonly key: string;
  readonly start: number;
  readonly ns: readonly number[];
}

type Draw = (input: DataStream<Reading>) => SingleOutputStreamOperator<Result>;

const LATE = new OutputTag<Reading>('late');
const MAX_PARALLELISM = 128;

/** All subtasks of one operator; records go to the subtask of their key. */
class Subtasks {
  readonly #draw: Draw;
  readonly #clock = new ManualClock();
  #harnesses: OperatorHarness<Reading, Result>[] = [];
  readonly results: string[] = [];
  readonly late: number[] = [];

  constructor(draw: Draw) {
    this.#draw = draw;
  }

  async start(parallelism: number, snapshots?: Awaited<ReturnType<OperatorHarness<Reading, Result>['snapshot']>>[]) {
    const restore = snapshots === undefined ? {} : { restore: snapshots };
    this.#harnesses = [];
    for (let subtask = 0; subtask < parallelism; subtask++) {
      const options = { subtask, parallelism, clock: this.#clock, maxParallelism: MAX_PARALLELISM, ...restore };
      this.#harnesses.push(await OperatorHarness.open<Reading, Result>(this.#draw, options));
    }
  }

  process(reading: Reading, timestamp: number): void {
    const keyGroup = keyGroupOf(reading.key, MAX_PARALLELISM);
    this.#harnesses[subtaskOfKeyGroup(keyGroup, MAX_PARALLELISM, this.#harnesses.length)]!.process(reading, timestamp);
    this.#collect();
  }

  watermark(watermark: number): void {
    for (const harness of this.#harnesses) {
      harness.watermark(watermark);
    }
    this.#collect();
  }

  /** What happens after the snapshot is lost with the old subtasks. */
  async rescale(parallelism: number): Promise<void> {
    const writes = await Promise.all(this.#harnesses.map((harness) => harness.markSnapshot()));
    const kept = { results: [...this.results], late: [...this.late] };
    this.process({ key: 'lost', n: -1 }, 1_000_000);
    this.watermark(500_000);
    const snapshots = await Promise.all(writes.map((write) => write()));
    this.results.splice(0, Infinity, ...kept.results);
    this.late.splice(0, Infinity, ...kept.late);
    await this.start(parallelism, snapshots);
  }

  #collect(): void {
    const fired: string[] = [];
    for (const harness of this.#harnesses) {
      fired.push(
        ...harness.take().map(({ key, start, ns }) => `${String(start).padStart(6, '0')} ${key} ${ns.join('+')}`),
      );
      const late = harness.sideValues(LATE).map(({ n }) => n);
      this.late.push(...late.filter((n) => !this.late.includes(n)));
    }
    this.results.push(...fired.toSorted());
  }
}

/** The same by the book, with everything in one place. */
class Model {
  readonly #size: number;
  readonly #lateness: number;
  readonly #panes = new Map<string, { key: string; start: number; ns: number[] }>();
  #watermark = -Infinity;
  readonly results: string[] = [];
  readonly late: number[] = [];

  constructor(size: number, lateness: number) {
    this.#size = size;
    this.#lateness = lateness;
  }

  process({ key, n }: Reading, timestamp: number): void {
    const start = Math.floor(timestamp / this.#size) * this.#size;
    const last = start + this.#size - 1;
    if (last + this.#lateness <= this.#watermark) {
      this.late.push(n);
      return;
    }
    const pane = this.#panes.get(`${start} ${key}`) ?? { key, start, ns: [] };
    this.#panes.set(`${start} ${key}`, pane);
    pane.ns.push(n);
    if (last <= this.#watermark) {
      this.results.push(this.#text(pane));
    }
  }

  watermark(watermark: number): void {
    const fired: string[] = [];
    for (const [name, pane] of this.#panes) {
      const last = pane.start + this.#size - 1;
      if (last > this.#watermark && last <= watermark) {
        fired.push(this.#text(pane));
      }
      if (last + this.#lateness <= watermark) {
        this.#panes.delete(name);
      }
    }
    this.#watermark = Math.max(watermark, this.#watermark);
    this.results.push(...fired.toSorted());
  }

  #text({ key, start, ns }: { readonly key: string; readonly start: number; readonly ns: readonly number[] }): string {
    return `${String(start).padStart(6, '0')} ${key} ${ns.join('+')}`;
  }
}

const SIZE = 10;

const drawings: Readonly<Record<string, (lateness: number) => Draw>> = {
  'kept records': (lateness) => (input) =>
    input
      .keyBy('key')
      .window(TumblingEventTimeWindows.of(SIZE))
      .allowedLateness(lateness)
      .sideOutputLateData(LATE)
      .process((key, { start }, elements) => [{ key, start, ns: elements.map(({ n }) => n) }]),
  'folded records': (lateness) => (input) =>
    input
      .keyBy('key')
      .window(TumblingEventTimeWindows.of(SIZE))
      .allowedLateness(lateness)
      .sideOutputLateData(LATE)
      .aggregate<readonly number[], readonly number[], Result>(
        {
          createAccumulator: () => [],
          add: ({ n }, ns) => [...ns, n],
          getResult: (ns) => ns,
        },
        (key, { start }, ns) => ({ key, start, ns }),
      ),
};

const runOne = async (random: Random, draw: Draw, lateness: number): Promise<{ subtasks: Subtasks; model: Model }> => {
  const subtasks = new Subtasks(draw);
  const model = new Model(SIZE, lateness);
  await subtasks.start(1 + random.int(3));
  let now = 0;
  for (let n = 0; n < 150; n++) {
    const choice = random.int(12);
    if (choice === 0) {
      await subtasks.rescale(1 + random.int(4));
    } else if (choice <= 2) {
      const watermark = now - random.int(20);
      subtasks.watermark(watermark);
      model.watermark(watermark);
    } else {
      now += random.int(5);
      const timestamp = Math.max(0, now - random.int(40));
      const reading = { key: `key ${random.int(6)}`, n };
      subtasks.process(reading, timestamp);
      model.process(reading, timestamp);
    }
  }
  subtasks.watermark(1_000_000_000);
  model.watermark(1_000_000_000);
  return { subtasks, model };
};

describe.each(Object.entries(drawings))('event-time windows of %s agree with a model', (_name, drawing) => {
  it.each([0, 5, 10, 20, 33])('allowed lateness %i, restored with changing parallelism', async (lateness) => {
    for (let seed = 1; seed <= 20; seed++) {
      const { subtasks, model } = await runOne(seededRandom(seed * 1000 + lateness), drawing(lateness), lateness);
      expect(subtasks.results, `seed ${seed}`).toEqual(model.results);
      expect(
        subtasks.late.toSorted((a, b) => a - b),
        `seed ${seed}`,
      ).toEqual(model.late);
    }
  });
});
