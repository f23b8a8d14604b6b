/**
 * Clusters in simulated time: `npm run simulate -- [--seeds N] [--first S] [--world small|medium|older-store] [--store embedded|zookeeper] [--coverage]`,
 * `--seed S [--world ...] [--store ...] [--minimize] [--trace]`, `--mutants [--seeds N] [--first S] [name ...]`. `--json FILE`: what is
 * printed of many schedules or of mutants, as data too.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants/mutants.ts';
import { minimize } from './run/minimize.ts';
import { hunt, HUNTED_SCHEDULES } from './run/hunt.ts';
import { playAll } from './run/pool.ts';
import { Summary, WHOLE_RUN } from './run/summary.ts';
import type { Outcome } from './world/outcome.ts';
import { play } from './world/schedule.ts';
import type { WorldName } from './world/sizes.ts';
import { columnsOf, lineOf } from './world/trace.ts';

const refuse = (message: string): never => {
  process.stderr.write(`simulate: ${message}\n`);
  process.exit(2);
};

const argumentsOf = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        seeds: { type: 'string' },
        first: { type: 'string', default: '1' },
        seed: { type: 'string' },
        minimize: { type: 'boolean', default: false },
        coverage: { type: 'boolean', default: false },
        mutants: { type: 'boolean', default: false },
        world: { type: 'string', default: 'small' },
        store: { type: 'string', default: 'embedded' },
        trace: { type: 'boolean', default: false },
        json: { type: 'string' },
      },
    });
  } catch (thrown) {
    return refuse(thrown instanceof Error ? thrown.message : String(thrown));
  }
};

const { values, positionals } = argumentsOf();

const wholeNumber = (option: string, text: string): number =>
  /^[1-9]\d{0,8}$/.test(text) ? Number(text) : refuse(`--${option} ${text}: give a whole number from 1 to 999999999`);

const worldOf = (size: string, store: string): WorldName => {
  if (size === 'older-store') {
    return store === 'embedded' ? 'older store' : refuse('--world older-store has the embedded store');
  }
  if (size !== 'small' && size !== 'medium') {
    return refuse(`--world ${size}: there are small, medium and older-store`);
  }
  switch (store) {
    case 'embedded':
      return size;
    case 'zookeeper':
      return `${size} on ZooKeeper`;
    default:
      return refuse(`--store ${store}: there are embedded and zookeeper`);
  }
};

const world = worldOf(values.world, values.store);

const print = (lines: readonly string[]): void => void process.stdout.write(`${lines.join('\n')}\n`);

const WIDTH = process.stdout.isTTY ? process.stdout.columns : 160;

const tell = async (failed: Outcome, isMinimized: boolean): Promise<void> => {
  const outcome = isMinimized ? await minimize(failed) : failed;
  print([
    ...columnsOf(outcome.trace, WIDTH),
    '',
    `seed ${outcome.seed} violates ${outcome.violation?.invariant}: ${outcome.violation?.message}`,
    ...outcome.plan.map((line) => `  ${line}`),
    `again: npm run simulate -- --seed ${outcome.seed}${values.world === 'small' ? '' : ` --world ${values.world}`}${values.store === 'embedded' ? '' : ` --store ${values.store}`}${isMinimized ? ' --minimize' : ''}`,
  ]);
};

const replay = async (seed: number): Promise<number> => {
  const outcome = await play(seed, world);
  if (outcome.violation !== undefined) {
    await tell(outcome, values.minimize);
    return 1;
  }
  print(values.trace ? outcome.trace.map(lineOf) : columnsOf(outcome.trace, WIDTH));
  print([
    '',
    ...outcome.plan,
    `${outcome.events} events, ${outcome.messages} messages`,
    `seed ${seed}: nothing is violated`,
  ]);
  return 0;
};

const writeData = (data: object): void => {
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify(data)}\n`);
  }
};

const PROGRESS_MS = 10_000;
const VIOLATIONS_MAX = 5;

const run = async (first: number, count: number): Promise<number> => {
  const processes = availableParallelism();
  const summary = new Summary();
  const beganMs = performance.now();
  let toldMs = beganMs;
  print([`schedules of the ${world} world, ${count} seeds from ${first}, ${processes} at a time`]);
  await playAll(
    Array.from({ length: count }, (_, index) => first + index),
    {
      processes,
      world,
      heed: (outcome) => {
        summary.add(outcome);
        if (performance.now() - toldMs > PROGRESS_MS) {
          toldMs = performance.now();
          print([`${summary.count} of ${count}, ${summary.violations.length} violations`]);
        }
        return summary.violations.length < VIOLATIONS_MAX;
      },
    },
  );
  const minutes = (performance.now() - beganMs) / 60_000;
  writeData({ ...summary.data(), world, first, processes, minutes });
  print(['', ...summary.lines()]);
  if (values.coverage) {
    print(['', ...summary.coverage(), `cells that were hit too seldom: ${summary.thin.join(', ') || 'none'}`]);
  }
  print(['', `${(summary.count / minutes).toFixed(0)} schedules a minute, ${summary.violations.length} violations`]);
  const [failed] = summary.violations;
  if (failed !== undefined) {
    await tell(failed, failed.violation?.invariant !== 'no answer');
    print(
      summary.violations.map(({ seed, violation }) => `seed ${seed}: ${violation?.invariant}: ${violation?.message}`),
    );
  }
  if (summary.missed.length > 0) {
    print([`never seen, so never tried: ${summary.missed.join(', ')}`]);
  }
  const isThin = values.coverage && summary.thin.length > 0;
  return failed !== undefined || summary.missed.length > 0 || isThin ? 1 : 0;
};

const mutants = async (first: number, count: number): Promise<number> => {
  const unknown = positionals.find((name) => !(name in MUTANTS));
  if (unknown !== undefined) {
    refuse(`there is no mutant ${unknown}; there are ${Object.keys(MUTANTS).join(', ')}`);
  }
  const names = positionals.length > 0 ? positionals : Object.keys(MUTANTS);
  const hunted = await hunt(names, { first, count, processes: availableParallelism() }, (line) => print([line]));
  writeData({ mutants: hunted, first });
  return hunted.every(({ isCaught }) => isCaught) ? 0 : 1;
};

const main = (): Promise<number> => {
  const first = wholeNumber('first', values.first);
  const count = (most: number): number => (values.seeds === undefined ? most : wholeNumber('seeds', values.seeds));
  if (values.mutants) {
    return mutants(first, count(HUNTED_SCHEDULES));
  }
  if (positionals.length > 0) {
    refuse(`${positionals[0]}: names belong to --mutants`);
  }
  return values.seed === undefined ? run(first, count(WHOLE_RUN)) : replay(wholeNumber('seed', values.seed));
};

process.exitCode = await main();
