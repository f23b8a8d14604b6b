import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { applyTo } from '../code-changes.mjs';
import { MUTANTS } from './mutants/mutants.ts';
import { minimize } from './run/minimize.ts';
import { Summary } from './run/summary.ts';
import { play } from './world/schedule.ts';
import { columnsOf, lineOf } from './world/trace.ts';

/** As many as fit into seconds; each is a minute of the small world's time. `npm run simulate` plays more of them. */
const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1);

const ROOT = join(import.meta.dirname, '../..');

test('three JobManagers and two TaskManagers, as they are shipped, under faults that a seed draws: what must hold does', async () => {
  const summary = new Summary();
  for (const seed of SEEDS) {
    const outcome = await play(seed);
    summary.add(outcome);
    if (outcome.violation !== undefined) {
      const { plan, trace, violation } = await minimize(outcome);
      throw new Error(
        [
          `seed ${seed} (npm run simulate -- --seed ${seed})`,
          ...plan,
          ...columnsOf(trace, 160),
          violation?.message,
        ].join('\n'),
      );
    }
  }
  expect(summary.violations).toEqual([]);
});

/** Whatever Node it is: a seed that somebody reports is the same schedule for whoever looks into it. */
const NODES = [process.execPath, join(ROOT, 'test/oldest-node/node_modules/.bin/node')];

test('a seed gives the same schedule again, here, in another process and with the oldest Node', async () => {
  const [one, other] = [await play(7), await play(7)];
  expect(one.trace).toEqual(other.trace);
  expect([one.events, one.messages]).toEqual([other.events, other.messages]);
  const versions = new Set<string>();
  for (const node of NODES) {
    const run = async (...args: readonly string[]): Promise<string> =>
      (await promisify(execFile)(node, [...args], { maxBuffer: 100_000_000 })).stdout;
    versions.add((await run('--version')).split('.')[0] ?? '');
    const lines = (await run(join(import.meta.dirname, 'simulate.ts'), '--seed', '7', '--trace')).split('\n');
    expect(lines.slice(0, one.trace.length)).toEqual(one.trace.map(lineOf));
    expect(lines).toContain(`${one.events} events, ${one.messages} messages`);
  }
  expect(versions.size).toBe(2);
});

test('each mutant finds the code that it was written for', () => {
  for (const { changes } of Object.values(MUTANTS)) {
    const texts = new Map<string, string>();
    for (const change of changes) {
      const before = texts.get(change.file) ?? readFileSync(join(ROOT, 'src', change.file), 'utf8');
      const after = applyTo(before, change);
      expect(after).not.toBe(before);
      texts.set(change.file, after);
    }
  }
});
