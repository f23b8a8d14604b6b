import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RotatingFile, type RotatingFileOptions } from './rotating-file.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-rotating-'));
  path = join(folder, 'logs', 'a.log');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const open = (changes: Partial<RotatingFileOptions> = {}): RotatingFile =>
  new RotatingFile({
    path,
    maxBytes: 40,
    maxFiles: 2,
    lostNotice: (count, reason) => `${count} lost: ${reason}`,
    ...changes,
  });

const text = (suffix = ''): string => readFileSync(`${path}${suffix}`, 'utf8');

describe('a file of lines', () => {
  test('has each line when the call returns, and goes on where an earlier process left it', () => {
    const first = open();
    first.write('one');
    expect(text()).toBe('one\n');
    first.close();
    open().write('two');
    expect(text()).toBe('one\ntwo\n');
  });

  test('is put aside before it gets too large; the oldest go', () => {
    const file = open();
    for (let index = 0; index < 10; index++) {
      file.write(`line ${index} of fifteen`);
    }
    expect(readdirSync(join(folder, 'logs')).sort()).toEqual(['a.log', 'a.log.1', 'a.log.2']);
    expect([text('.2'), text('.1'), text()]).toEqual([
      'line 4 of fifteen\nline 5 of fifteen\n',
      'line 6 of fifteen\nline 7 of fifteen\n',
      'line 8 of fifteen\nline 9 of fifteen\n',
    ]);
  });

  test('is begun anew where no old one is kept', () => {
    const file = open({ maxFiles: 0 });
    for (let index = 0; index < 5; index++) {
      file.write(`line ${index} of fifteen`);
    }
    expect(readdirSync(join(folder, 'logs'))).toEqual(['a.log']);
    expect(text()).toBe('line 4 of fifteen\n');
  });

  test('takes a line that is longer than a file may be', () => {
    const file = open();
    file.write('x'.repeat(100));
    file.write('short');
    expect([text('.1').length, text()]).toEqual([101, 'short\n']);
  });

  test('that two processes write to loses no line when one puts it aside', () => {
    const [first, second] = [open({ maxFiles: 20 }), open({ maxFiles: 20 })];
    for (let index = 0; index < 20; index++) {
      (index % 3 === 0 ? first : second).write(`line ${index}`);
    }
    const all = readdirSync(join(folder, 'logs')).flatMap((name) =>
      readFileSync(join(folder, 'logs', name), 'utf8')
        .trim()
        .split('\n'),
    );
    expect(all.sort()).toEqual(Array.from({ length: 20 }, (_, index) => `line ${index}`).sort());
  });
});

describe('what cannot be written', () => {
  test('is not thrown; how much is missing is said when there is room again', () => {
    // Whatever is written to this device, there is no space left.
    path = join(folder, 'a.log');
    symlinkSync('/dev/full', path);
    const file = open();
    file.write('one');
    file.write('two');
    unlinkSync(path);
    file.write('three');
    expect(text()).toMatch(/^2 lost: ENOSPC.*\nthree\n$/);
  });

  test('because the folder is no folder is not thrown either', () => {
    writeFileSync(join(folder, 'logs'), 'in the way');
    const file = open();
    file.write('one');
    expect(existsSync(path)).toBe(false);
    unlinkSync(join(folder, 'logs'));
    file.write('two');
    expect(text()).toMatch(/^1 lost: .*\ntwo\n$/);
  });
});
