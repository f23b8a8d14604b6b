import { expect, test } from 'vitest';
import { runChild, type ChildOptions } from './child.ts';

const run = (code: string, options: Partial<ChildOptions> = {}) =>
  runChild(['-e', code], {
    cwd: process.cwd(),
    interrupted: new AbortController().signal,
    limitMs: 60_000,
    heed: () => {},
    ...options,
  });

test('hears what the program says, and how it ends', async () => {
  const lines: string[] = [];
  const end = await run('console.log("one"); console.error("two"); process.exitCode = 3', {
    heed: (line) => lines.push(line),
  });
  expect(lines.toSorted()).toEqual(['one', 'two']);
  expect(end).toMatchObject({ code: 3, signal: null, tookTooLong: false });
});

/** Starts another process, which keeps the output open as long as it lives, and stays. */
const PARENT = `
  require('node:child_process').spawn(process.execPath, ['-e', 'console.log("here"); setInterval(() => {}, 1000)'], { stdio: 'inherit' });
  setInterval(() => {}, 1000);`;

test('an interruption ends it with all that it started', async () => {
  const interrupted = new AbortController();
  const { signal, tookTooLong, lastLines } = await run(PARENT, {
    interrupted: interrupted.signal,
    heed: () => interrupted.abort(),
  });
  expect({ signal, tookTooLong, lastLines }).toEqual({ signal: 'SIGTERM', tookTooLong: false, lastLines: ['here'] });
});

test('what hangs is ended, and said to have hung', async () => {
  expect(await run('setInterval(() => {}, 1000)', { limitMs: 300 })).toMatchObject({ code: null, tookTooLong: true });
});
