import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
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
    calm = await mkdtemp(join(folder, 'calm-'));
    const run = await startJob(join(EXAMPLES, 'demo/job.ts'), {
      args: [calm, String(SUMS)],
      configuration: { 'execution.checkpointing.dir': join(folder, 'checkpoints') },
    });
    await run.outcome;
  });

  test('finds every sum of a calm run once: 10000·k + 4950', async () => {
    const sums = (await linesBelow(join(calm, 'sums'))).map(Number);
    expect(sums).toEqual(Array.from({ length: SUMS }, (_, k) => 10_000 * k + 4_950));
    expect(verify(calm)).toMatchObject({ status: 0, stdout: expect.stringMatching(/committed +40 +committed +400/) });
    expect((await readFile(join(calm, 'starts.log'), 'utf8')).split('\n').toSorted()).toEqual([
      '',
      'keyedProcess 0',
      'keyedProcess 1',
      'map 0',
    ]);
  });

  const damages: readonly (readonly [string, (text: string) => string])[] = [
    ['a line that is gone', (text) => text.replace(/^.*\n/, '')],
    ['a line that is there twice', (text) => text.replace(/^(.*\n)/, '$1$1')],
    ['a line that is wrong', (text) => text.replace(/\d+\n/, '17\n')],
  ];

  test.each(damages.flatMap(([what, damage]) => [['sums', what, damage] as const, ['totals', what, damage] as const]))(
    'refuses, in the %s, %s',
    async (output, _what, damage) => {
      const damaged = await mkdtemp(join(folder, 'damaged-'));
      await cp(calm, damaged, { recursive: true });
      const [first = ''] = (await readdir(join(damaged, output))).filter((name) => name.startsWith('part-')).toSorted();
      const path = join(damaged, output, first);
      await writeFile(path, damage(await readFile(path, 'utf8')));
      expect(verify(damaged)).toMatchObject({ status: 1 });
    },
  );
});
