import { describe, expect, test } from 'vitest';
import { formatFrame, userFrames } from './user-frames.ts';

const stack = `TypeError: boom
    at parse (/home/me/job/src/parse.ts:12:5)
    at Array.map (<anonymous>)
    at <anonymous> (/home/me/job/src/call.ts:4:4)
    at async read (file:///home/me/job/with%20space/read.ts:3:1)
    at file:///home/me/job/top.ts:1:2
    at Object.<anonymous> (/home/me/job/node_modules/pkg/index.js:7:9)
    at push (/home/me/job/node_modules/millrace/dist/runtime/task.js:1:1)
    at helper (/var/jobs/job-0123456789ab.mjs:4:4)
    at ModuleJob.run (node:internal/modules/esm/module_job:343:25)
    at async node:internal/modules/esm/loader:1:1`;

const installed = '/home/me/job/node_modules/millrace/';

describe('userFrames', () => {
  test('keeps the files of the user', () => {
    expect(userFrames(stack, installed)).toEqual([
      { functionName: 'parse', file: '/home/me/job/src/parse.ts', line: 12, column: 5 },
      { functionName: '', file: '/home/me/job/src/call.ts', line: 4, column: 4 },
      { functionName: 'async read', file: '/home/me/job/with space/read.ts', line: 3, column: 1 },
      { functionName: '', file: '/home/me/job/top.ts', line: 1, column: 2 },
    ]);
  });

  test('takes packages where nothing else is left', () => {
    const rest = stack.split('\n').slice(6).join('\n');
    expect(userFrames(rest, installed).map(({ file }) => file)).toEqual(['/home/me/job/node_modules/pkg/index.js']);
    expect(userFrames('Error: nothing', installed)).toEqual([]);
    // Installed beside Millrace, not below it.
    const caller = 'E\n    at async Command.parseAsync (/home/me/job/node_modules/commander/lib/command.js:1113:5)';
    expect(userFrames(caller, installed)).toEqual([]);
  });

  test("a job in a checkout of Millrace is the user's, Millrace is not", () => {
    const frames = userFrames('E\n    at a (/m/src/pipeline/x.ts:1:1)\n    at b (/m/examples/job.ts:2:2)', '/m/');
    expect(frames.map(({ file }) => file)).toEqual(['/m/examples/job.ts']);
  });
});

test('formatFrame shows files below the working folder by their short name', () => {
  const [first, , , third] = userFrames(stack, installed);
  expect(first === undefined ? '' : formatFrame(first, '/home/me/job')).toBe('parse (src/parse.ts:12:5)');
  expect(third === undefined ? '' : formatFrame(third, '/home/me/other')).toBe('/home/me/job/top.ts:1:2');
});
