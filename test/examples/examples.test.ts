import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startJob } from '../../src/testing/local-job.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-examples-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The lines of all committed files. */
const linesBelow = async (path: string): Promise<string[]> => {
  const names = (await readdir(path)).filter((name) => name.startsWith('part-')).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(join(path, name), 'utf8')));
  return texts.flatMap((text) => text.split('\n').filter((line) => line !== ''));
};

describe('word count', () => {
  test('counts a book as a plain loop does', async () => {
    const book = join(EXAMPLES, 'word-count/genesis.txt');
    const output = join(folder, 'counts');
    const run = await startJob(join(EXAMPLES, 'word-count/job.ts'), {
      args: [book, output],
      configuration: { 'parallelism.default': '2', 'execution.checkpointing.dir': join(folder, 'checkpoints') },
    });
    expect(await run.outcome).toMatchObject({ status: 'FINISHED' });

    const expected = new Map<string, number>();
    for (const word of (await readFile(book, 'utf8')).toLowerCase().match(/[a-z']+/g) ?? []) {
      expected.set(word, (expected.get(word) ?? 0) + 1);
    }
    const totals = new Map<string, number>();
    for (const line of await linesBelow(output)) {
      const [word, count] = line.split(' ');
      totals.set(word!, Math.max(totals.get(word!) ?? 0, Number(count)));
    }
    expect(totals).toEqual(expected);
  });
});

describe("the demo's verifier", () => {
  const SUMS = 40;
  let calm: string;

  const verify = (path: string) =>
    spawnSync(process.execPath, [join(EXAMPLES, 'demo/verify.mjs'), path, String(SUMS)], { encoding: 'utf8' });

  beforeAll(async () => {
    calm = join(folder, 'sums');
    const run = await startJob(join(EXAMPLES, 'demo/job.ts'), {
      args: [calm, String(SUMS)],
      configuration: { 'execution.checkpointing.dir': join(folder, 'checkpoints') },
    });
    await run.outcome;
  });

  test('finds every sum of a calm run once: 10000·k + 4950', async () => {
    const sums = (await linesBelow(calm)).map(Number);
    expect(sums).toEqual(Array.from({ length: SUMS }, (_, k) => 10_000 * k + 4_950));
    expect(verify(calm)).toMatchObject({ status: 0 });
  });

  test.each([
    ['a line that is gone', (text: string) => text.replace(/^.*\n/, '')],
    ['a line that is there twice', (text: string) => text.replace(/^(.*\n)/, '$1$1')],
    ['a sum that is wrong', (text: string) => text.replace(/^\d+/, '17')],
  ])('refuses %s', async (_, damage) => {
    const damaged = join(await mkdtemp(join(folder, 'damaged-')), 'sums');
    await mkdir(damaged);
    await cp(calm, damaged, { recursive: true });
    const [first] = (await readdir(damaged)).filter((name) => name.startsWith('part-')).toSorted();
    const path = join(damaged, first!);
    await writeFile(path, damage(await readFile(path, 'utf8')));
    expect(verify(damaged)).toMatchObject({ status: 1 });
  });
});
