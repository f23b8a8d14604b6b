import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LastWords } from './last-words.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-words-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('only files that say something of this start are named, with what they say of it', () => {
  const [log, out] = [join(folder, 'jobmanager-1.log'), join(folder, 'jobmanager-1.out')];
  writeFileSync(out, 'millrace: an earlier start\n');
  const words = new LastWords([log]);
  expect(words.of(log)).toBe(`ended at its start and said nothing (${out} is empty)`);
  appendFileSync(out, 'millrace: no port is free\n');
  expect(words.of(log)).toBe(`ended at its start; it said last (${out}):\nmillrace: no port is free`);
  writeFileSync(log, `${'x'.repeat(5_000)}the end\n`);
  expect(words.of(log)).toMatch(
    new RegExp(`said last \\(${log}, ${out}\\):\\nx{1900,2000}the end\\nmillrace: no port is free$`),
  );
});
