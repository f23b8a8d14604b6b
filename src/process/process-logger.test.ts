import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MillraceError } from '../foundation/common/errors.ts';
import { Configuration } from '../foundation/config/configuration.ts';
import { openProcessOutput, processLogger, type ProcessLoggerOptions } from './process-logger.ts';

const logged = (changes: Partial<ProcessLoggerOptions> = {}) => {
  const lines: string[] = [];
  const logger = processLogger({
    level: 'info',
    format: 'pretty',
    process: 'taskmanager-1',
    secrets: [],
    write: (line) => lines.push(line),
    ...changes,
  });
  return { lines, logger };
};

const TIME = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}`;

describe('a line for people', () => {
  test('has time, level and message, and what else is known', () => {
    const { lines, logger } = logged();
    logger.info('Triggering checkpoint 7 %s', { size: 3, nothing: undefined });
    logger.warn('careful');
    expect(lines).toEqual([
      expect.stringMatching(new RegExp(`^${TIME} INFO  Triggering checkpoint 7 %s \\{"size":3\\}$`)),
      expect.stringMatching(new RegExp(`^${TIME} WARN  careful$`)),
    ]);
  });

  test('says an error once, without its stack', () => {
    const { lines, logger } = logged();
    const error = new MillraceError('TIMEOUT', 'it took too long');
    logger.error(`The end: ${error.message}`, { error });
    logger.error('The end', { error });
    expect(lines.map((line) => line.slice(24))).toEqual([
      'ERROR The end: it took too long',
      'ERROR The end: it took too long',
    ]);
  });

  test('comes with the stacks of an error and its causes where the level is debug', () => {
    const { lines, logger } = logged({ level: 'debug' });
    logger.debug('looked');
    logger.error('The end', { error: new Error('outer', { cause: new Error('inner') }) });
    expect(lines[0]).toContain('DEBUG looked');
    expect(lines[1]).toMatch(/The end: outer\n {4}Error: outer\n {8}at .*process-logger\.test/s);
    expect(lines[1]).toMatch(/\n {4}Caused by: Error: inner\n/);
  });

  test('is none below the level, or where nothing is logged', () => {
    const quiet = logged({ level: 'warn' });
    quiet.logger.info('no');
    quiet.logger.warn('yes');
    const off = logged({ level: 'off' });
    off.logger.error('no');
    expect([quiet.lines.length, off.lines.length]).toEqual([1, 0]);
  });

  test('cannot be mistaken for several', () => {
    const { lines, logger } = logged();
    logger.info('one\n2026-01-01 00:00:00,000 ERROR not a line of ours');
    expect(lines[0]?.split('\n')[1]).toMatch(/^ {4}2026/);
  });
});

test('a JSON line has everything, with the stack', () => {
  const { lines, logger } = logged({ format: 'json' });
  logger.error('The end', { job: 'j', error: new MillraceError('TIMEOUT', 'late\nly', { retryable: true }) });
  const [line = ''] = lines;
  expect(line).not.toContain('\n');
  expect(JSON.parse(line)).toMatchObject({
    level: 'error',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    process: 'taskmanager-1',
    msg: 'The end',
    job: 'j',
    error: { name: 'MillraceError', code: 'TIMEOUT', message: 'late\nly', stack: expect.stringContaining('at ') },
  });
});

test('secrets are in no line, whoever puts them there', () => {
  for (const format of ['pretty', 'json'] as const) {
    const { lines, logger } = logged({ format, secrets: ['to"ken', 'x'] });
    logger.info('sent to"ken', { header: 'Bearer to"ken', error: new Error('refused to"ken') });
    expect(lines.join('')).not.toMatch(/to\\?"ken/);
    expect(lines.join('')).toContain('sent ******');
  }
});

describe('what a process says', () => {
  const output = (settings: Readonly<Record<string, string>>): { readonly text: () => string } => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-output-'));
    try {
      const configuration = Configuration.of({
        'env.log.dir': join(folder, 'logs'),
        'env.stdout-err.redirect-to-file': 'true',
        'security.rest.auth-token': 'do-not-show',
        ...settings,
      });
      const { logger, print, close } = openProcessOutput(configuration, 'tm/1');
      logger.info('a request with do-not-show');
      print('1> row');
      const text = readFileSync(join(folder, 'logs', 'tm_1.log'), 'utf8');
      close();
      return { text: () => text };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };

  test('is in its file, with what jobs print', () => {
    const lines = output({}).text().trim().split('\n');
    expect(lines).toEqual([expect.stringMatching(/INFO {2}a request with \*{6}$/), '1> row']);
  });

  test('is in its file as JSON too', () => {
    const lines = output({ 'env.log.format': 'json' }).text().trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { level: 'info', msg: 'a request with ******', process: 'tm/1' },
      { level: 'print', msg: '1> row', process: 'tm/1' },
    ]);
  });
});
