/**
 * Clusters in simulated time: `npm run simulate -- [--seeds N] [--first S] [--world small|medium] [--coverage]`,
 * `--seed S [--world ...] [--minimize] [--trace]`, `--mutants [name ...]`.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants/mutants.ts';
import { minimize } from './run/minimize.ts';
import { hunt } from './run/hunt.ts';
import { playAll } from './run/pool.ts';
import { Summary, WHOLE_RUN } from './run/summary.ts';
import { play, type Outcome } from './world/schedule.ts';
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
        seeds: { type: 'string', default: String(WHOLE_RUN) },
        first: { type: 'string', default: '1' },
        seed: { type: 'string' },
        minimize: { type: 'boolean', default: false },
        coverage: { type: 'boolean', default: false },
        mutants: { type: 'boolean', default: false },
        world: { type: 'string', default: 'small' },
        trace: { type: 'boolean', default: false },
      },
    });
  } catch (thrown) {
    return refuse(thrown instanceof Error ? thrown.message : String(thrown));
  }
};

const { values, positionals } = argumentsOf();

const wholeNumber = (option: string, text: string): number =>
  /^[1-9]\d{0,8}$/.test(text) ? Number(text) : refuse(`--${option} ${text}: give a whole number from 1 to 999999999`);

const worldOf = (text: string): WorldName =>
  text === 'small' || text === 'medium' ? text : refuse(`--world ${text}: there are small and medium`);

const world = worldOf(values.world);

const print = (lines: readonly string[]): void => void process.stdout.write(`${lines.join('\n')}\n`);

const WIDTH = process.stdout.isTTY ? process.stdout.columns : 160;

const tell = async (failed: Outcome, isMinimized: boolean): Promise<void> => {
  const outcome = isMinimized ? await minimize(failed) : failed;
  print([
    ...columnsOf(outcome.trace, WIDTH),
    '',
    `seed ${outcome.seed} violates ${outcome.violation?.invariant}: ${outcome.violation?.message}`,
    ...outcome.plan.map((line) => `  ${line}`),
    `again: npm run simulate -- --seed ${outcome.seed}${world === 'small' ? '' : ` --world ${world}`}${isMinimized ? ' --minimize' : ''}`,
  ]);
};

const replay = async (seed: number): Promise<number> => {
  const outcome = await play(seed, world);
  if (outcome.violation !== undefined) {
    await tell(outcome, values.minimize);
    return 1;
  }
  print(values.trace ? outcome.trace.map(lineOf) : columnsOf(outcome.trace, WIDTH));
  print(['', ...outcome.plan, `seed ${seed}: nothing is violated`]);
  return 0;
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

const mutants = async (first: number): Promise<number> => {
  const unknown = positionals.find((name) => !(name in MUTANTS));
  if (unknown !== undefined) {
    refuse(`there is no mutant ${unknown}; there are ${Object.keys(MUTANTS).join(', ')}`);
  }
  const names = positionals.length > 0 ? positionals : Object.keys(MUTANTS);
  return (await hunt(names, first, availableParallelism(), (line) => print([line]))) ? 0 : 1;
};

const main = (): Promise<number> => {
  const first = wholeNumber('first', values.first);
  if (values.mutants) {
    return mutants(first);
  }
  if (positionals.length > 0) {
    refuse(`${positionals[0]}: names belong to --mutants`);
  }
  return values.seed === undefined
    ? run(first, wholeNumber('seeds', values.seeds))
    : replay(wholeNumber('seed', values.seed));
};

process.exitCode = await main();
