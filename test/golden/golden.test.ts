import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Kill } from './command-line.ts';
import { GOLDEN_CASES } from './jobs/cases/all-cases.ts';
import { committedLines, dataFolder, type GoldenCase } from './jobs/cases/golden-case.ts';
import { runKilledJob } from './killed-job.ts';
import { limiter } from './limiter.ts';

/** Cases that run beside each other in one process: less to start. */
const CASES_AT_ONCE = 10;
const PROCESSES_AT_ONCE = 3;

/** In the middle of each case, as a step of its source needs a checkpoint. */
const KILLS: readonly Kill[] = [
  { kind: 'call', call: 'link', path: '/_metadata$', nth: 3, when: 'after' },
  { kind: 'call', call: 'link', path: '/_metadata$', nth: 2, when: 'before' },
];

const groups = Array.from({ length: Math.ceil(GOLDEN_CASES.length / CASES_AT_ONCE) }, (_, group) =>
  GOLDEN_CASES.slice(group * CASES_AT_ONCE, (group + 1) * CASES_AT_ONCE),
);

describe('golden jobs', () => {
  const inTurn = limiter(PROCESSES_AT_ONCE);
  let root: string;
  const runs = new Map<string, Promise<string>>();

  /** Runs the group of a case, once for all its cases; resolves to the output folder. */
  const run = async (golden: GoldenCase, kills: readonly Kill[]): Promise<string> => {
    const cases = groups.find((group) => group.includes(golden))!;
    const id = `${groups.indexOf(cases)} ${kills.length}`;
    const started =
      runs.get(id) ??
      inTurn(async () => {
        const folder = mkdtempSync(join(root, 'run-'));
        for (const { prepare } of cases) {
          prepare?.(dataFolder(join(folder, 'out')));
        }
        const result = await runKilledJob(
          {
            file: join(import.meta.dirname, 'jobs/golden.ts'),
            folder,
            args: cases.map(({ name }) => name),
            configuration: { 'execution.checkpointing.interval': '20ms', 'restart-strategy.type': 'none' },
          },
          kills,
        );
        expect(result.kills).toBe(kills.length);
        return join(folder, 'out');
      });
    runs.set(id, started);
    return started;
  };

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'millrace-golden-'));
  });

  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });

  describe.each(GOLDEN_CASES.map((golden) => [golden.name, golden] as const))('%s', (_name, golden) => {
    const timeout = 240_000;

    test.concurrent('writes what is expected', { timeout }, async () => {
      expect(inOrder(golden, linesOf(golden, await run(golden, [])))).toEqual(inOrder(golden, golden.expected()));
    });

    test.concurrent('writes the same after kill -9 in the middle', { timeout }, async () => {
      expect(inOrder(golden, linesOf(golden, await run(golden, KILLS)))).toEqual(inOrder(golden, golden.expected()));
    });
  });
});

const linesOf = ({ name, normalize = (lines) => lines }: GoldenCase, out: string): readonly string[] =>
  normalize(committedLines(join(out, name)));

/** Lines, brought into the order that the case promises. */
const inOrder = ({ order }: GoldenCase, lines: readonly string[]): unknown => {
  switch (order) {
    case 'total':
      return lines;
    case 'key':
      return new Map(
        [...Map.groupBy(lines, (line) => line.slice(0, line.indexOf('\t')))].sort(([a], [b]) => (a < b ? -1 : 1)),
      );
    case 'any':
      return [...lines].sort();
  }
};
