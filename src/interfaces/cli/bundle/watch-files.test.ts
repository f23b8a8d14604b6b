import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Clock } from '../../../foundation/common/clock.ts';
import { watchFiles } from './watch-files.ts';

let folder: string;
let stop: () => void;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-watch-'));
  writeFileSync(join(folder, 'watched.ts'), 'before');
  writeFileSync(join(folder, 'other.ts'), 'before');
});

afterEach(() => {
  stop();
  rmSync(folder, { recursive: true });
});

/** A clock whose timers run when told to; `armed` is awaited instead of time. */
const manualClock = () => {
  let pending: (() => void) | undefined;
  let notify: () => void = () => {};
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after: (_delayMs, run) => {
      pending = run;
      notify();
      return {
        cancel: () => {
          pending = undefined;
        },
      };
    },
  };
  return {
    clock,
    armed: () => new Promise<void>((resolve) => (notify = resolve)),
    fire: () => {
      const run = pending;
      pending = undefined;
      run?.();
    },
  };
};

test.each([
  ['written', () => writeFileSync(join(folder, 'watched.ts'), 'after')],
  [
    'replaced',
    () => {
      writeFileSync(join(folder, 'new.ts'), 'after');
      renameSync(join(folder, 'new.ts'), join(folder, 'watched.ts'));
    },
  ],
  ['deleted', () => rmSync(join(folder, 'watched.ts'))],
])('a file that is %s is a change, once', async (_how, change) => {
  const { clock, armed, fire } = manualClock();
  let changes = 0;
  stop = watchFiles([join(folder, 'watched.ts'), join(folder, 'missing/x.ts')], () => changes++, clock);
  const timer = armed();
  change();
  await timer;
  expect(changes).toBe(0);
  fire();
  expect(changes).toBe(1);
});

test('another file in the folder is none', async () => {
  const { clock, armed, fire } = manualClock();
  let changes = 0;
  stop = watchFiles([join(folder, 'watched.ts')], () => changes++, clock);
  let isArmed = false;
  const timer = armed().then(() => (isArmed = true));
  writeFileSync(join(folder, 'other.ts'), 'after');
  // Events come in order: when the second file's is there, the first one's has been looked at.
  const other = manualClock();
  const stopOther = watchFiles([join(folder, 'other.ts')], () => {}, other.clock);
  const seen = other.armed();
  writeFileSync(join(folder, 'other.ts'), 'again');
  await seen;
  expect(isArmed).toBe(false);
  stopOther();
  writeFileSync(join(folder, 'watched.ts'), 'after');
  await timer;
  fire();
  expect(changes).toBe(1);
});
