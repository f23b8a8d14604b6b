import { appendFileSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NewWarnings } from './new-warnings.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-warnings-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('what processes wait for is told once, plain or as JSON, and nothing of an earlier start', () => {
  const plain = join(folder, 'jobmanager-1.log');
  const json = join(folder, 'jobmanager-2.log');
  appendFileSync(plain, '2026-01-01 00:00:00,000 WARN  Waiting for the HA store: of an earlier start\n');
  const warnings = new NewWarnings([plain, json]);
  expect(warnings.lines()).toEqual([]);
  appendFileSync(plain, '2026-01-01 00:00:01,000 INFO  Something\n2026-01-01 00:00:01,000 WARN  Waiting for the HA st');
  expect(warnings.lines()).toEqual([]);
  appendFileSync(plain, 'ore: it is "empty"\n');
  expect(warnings.lines()).toEqual(['Waiting for the HA store: it is "empty"']);
  appendFileSync(json, `${JSON.stringify({ level: 'warn', msg: 'Waiting for the HA store: it is "empty"' })}\n`);
  appendFileSync(
    json,
    `${JSON.stringify({ level: 'warn', msg: 'Waiting for the HA store: it is away' })}\n{not json\n`,
  );
  expect(warnings.lines()).toEqual(['Waiting for the HA store: it is away']);
  expect(warnings.lines()).toEqual([]);
});
