import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { changesOf, SABOTAGES } from '../chaos/sabotage/sabotages.mjs';
import { applyTo } from '../code-changes.mjs';

const ROOT = join(import.meta.dirname, '../..');

/** What `npm pack` would put into the package. */
const packed = (): readonly string[] => {
  const text = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
    // What it says on stderr is part of the error.
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [{ files }] = JSON.parse(text) as [{ files: readonly { path: string }[] }];
  return files.map(({ path }) => path);
};

describe('sabotages', () => {
  test('there are ten, and each finds the code that it was written for', () => {
    expect(Object.keys(SABOTAGES).length).toBe(10);
    for (const name of [...Object.keys(SABOTAGES), 'slow']) {
      const texts = new Map<string, string>();
      for (const change of changesOf(name)) {
        const before = texts.get(change.file) ?? readFileSync(join(ROOT, 'dist', change.file), 'utf8');
        const after = applyTo(before, change);
        expect(after).not.toBe(before);
        texts.set(change.file, after);
      }
    }
  });

  test('one that finds its text no more, or has no such name, is an error', () => {
    expect(() => applyTo('a b a', { file: 'x.js', find: 'a', put: 'c' })).toThrow(/finds its text 2 times/);
    expect(() => applyTo('b', { file: 'x.js', find: 'a', put: 'c' })).toThrow(/finds its text 0 times/);
    expect(() => changesOf('nonsense')).toThrow(/allowed: no-fencing, /);
  });

  test('none is in the package that is published, nor a switch for one', () => {
    const files = packed();
    expect(files).toEqual(
      expect.arrayContaining(['drill/probe-job.ts', 'drill/verify.mjs', 'dist/process/cli-main.js']),
    );
    expect(files.filter((path) => /sabotage/i.test(path) || path.startsWith('test/'))).toEqual([]);
    const code = files.filter((path) => !path.endsWith('.md'));
    expect(code.filter((path) => /sabotage|millrace_mutant/i.test(readFileSync(join(ROOT, path), 'utf8')))).toEqual([]);
  });
});
