import { PassThrough, type Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { progressLine } from './progress.ts';
import { Terminal } from './terminal.ts';

const ERASE = '\r\u001B[2K';

const streams = (isTTY: boolean, columns = 80): { stdout: Writable; stderr: Writable; shown: () => string } => {
  const all: string[] = [];
  const stream = (): Writable => {
    const through = new PassThrough();
    through.write = (text: string): boolean => {
      all.push(text);
      return true;
    };
    return Object.assign(through, { isTTY, columns });
  };
  return { stdout: stream(), stderr: stream(), shown: () => all.join('') };
};

describe('a terminal', () => {
  test('keeps the status in its last line, below what is printed', () => {
    const { shown, ...both } = streams(true);
    const terminal = new Terminal(both);
    terminal.status('one');
    void terminal.print('output');
    terminal.status('two');
    terminal.end();
    terminal.log('the end');
    expect(shown()).toBe(`${ERASE}one${ERASE}output\none${ERASE}two\nthe end\n`);
  });

  test('cuts a status that would wrap', () => {
    const { shown, ...both } = streams(true, 10);
    new Terminal(both).status('0123456789abc');
    expect(shown()).toBe(`${ERASE}012345678`);
  });

  test('where there is none, each status is a line', () => {
    const { shown, ...both } = streams(false);
    const terminal = new Terminal(both);
    terminal.status('one');
    void terminal.print('output');
    terminal.status('two');
    terminal.end();
    expect(shown()).toBe('one\noutput\ntwo\n');
  });
});

describe('progress', () => {
  const base = {
    status: 'RUNNING',
    recordsIn: 500,
    recordsOut: 20,
    lateRecordsDropped: 0,
    restarts: 0,
    checkpoint: undefined,
    failedCheckpoints: 0,
  };

  test('has records in and out with rates, the last checkpoint, restarts', () => {
    const checkpoint = { id: 4, ageMs: 640, sizeBytes: 1_300, durationMs: 3 };
    const counts = { restarts: 2, lateRecordsDropped: 1_234, failedCheckpoints: 1 };
    const now = { ...base, recordsIn: 12_500, recordsOut: 30, checkpoint, ...counts };
    expect(progressLine(now, base, 2_000)).toBe(
      'RUNNING  in 12,500 (6,000/s)  out 30 (5/s)  checkpoint 4 (0.6 s ago, 1.3 KiB, 3 ms)  restarts 2  numLateRecordsDropped 1,234  failed checkpoints 1',
    );
  });

  test('says so before the first checkpoint', () => {
    expect(progressLine(base, undefined, 1_000)).toBe(
      'RUNNING  in 500 (500/s)  out 20 (20/s)  no checkpoint yet  restarts 0',
    );
  });
});
