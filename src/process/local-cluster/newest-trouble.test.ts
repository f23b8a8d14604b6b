import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newestTrouble } from './newest-trouble.ts';

let log: string;
beforeEach(() => {
  log = join(mkdtempSync(join(tmpdir(), 'millrace-trouble-')), 'jobmanager-1.log');
});
afterEach(() => rm(join(log, '..'), { recursive: true }));

const AT = '2026-01-01 00:00:00,000';
const FULL = 'the HA store at /ha does not work: no space left on the device';

const write = (...lines: readonly string[]): void => writeFileSync(log, lines.map((line) => `${line}\n`).join(''));

test('the newest warning or error is told, one about the HA store before others', () => {
  write(`${AT} WARN  one`, `${AT} ERROR two`, '    more of it', `${AT} INFO  three`);
  expect(newestTrouble(log)).toEqual({ at: AT, text: 'two' });
  write(`${AT} WARN  old: ${FULL}`, `${AT} WARN  No checkpoint id: ${FULL}`, `${AT} WARN  No connection`);
  expect(newestTrouble(log)).toEqual({ at: AT, text: `No checkpoint id: ${FULL}` });
});

test('JSON is read too', () => {
  const json = { level: 'warn', time: '2026-01-01T00:00:00.000Z', process: 'jobmanager-1', msg: FULL };
  write(JSON.stringify(json), JSON.stringify({ ...json, level: 'info', msg: 'fine' }), '{not json');
  expect(newestTrouble(log)).toEqual({ at: json.time, text: FULL });
});

test('nothing is told of an earlier start, of a log without warnings, and of none', () => {
  const started = 'JobManager 127.0.0.1:1 (instance abc, HA: embedded) has started';
  write(`${AT} WARN  ${FULL}`, `${AT} INFO  ${started}`, `${AT} INFO  New leader elected`);
  expect(newestTrouble(log)).toBeUndefined();
  expect(newestTrouble(`${log}.missing`)).toBeUndefined();
});
