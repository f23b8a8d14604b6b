import { describe, expect, test } from 'vitest';
import { folderWith, jobFile, millrace } from './millrace-process.ts';

describe.concurrent('an error of user code in a worker', () => {
  test.for<[string, string, RegExp]>([
    [
      'a map',
      `.map((x) => check(x)).name('checks')`,
      /task "[^"]*checks[^"]*\(2\/2\)" failed: operator 'checks' failed: no 5;/,
    ],
    [
      'a process function',
      `.process((x, _context, out) => out.collect(check(x))).name('checks')`,
      /task "[^"]*checks[^"]*\(2\/2\)" failed: operator 'checks' failed: no 5;/,
    ],
  ])('in %s: the message has operator, subtask, file and line', async ([, operator, message]) => {
    const cwd = await folderWith({
      'check.ts': `// A line of its own.
interface Wanted { readonly no: number }

export const check = (x: number, { no }: Wanted = { no: 5 }): number => {
  if (x === no) {
    throw new RangeError(\`no \${x}\`);
  }
  return x;
};
`,
      'job.ts': `import { check } from './check.ts';\n${jobFile(`
        env.from(sequence({ from: 0, to: 9 })).keyBy((x) => String(x))${operator}.print();`)}`,
    });
    const { code, stderr } = await millrace(['run', '--no-check', '-p', '2', 'job.ts'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^ {4}at check \(check\.ts:6:11\)$/m);
    expect(stderr.match(/no 5/g)).toHaveLength(1);
  });

  test('a restart is said in one line, with the place', async () => {
    const cwd = await folderWith({
      'job.ts': jobFile(`
        env.enableCheckpointing({ interval: '1s' });
        env.from(sequence({ from: 0, to: 9 })).map((x) => { throw new Error('not ' + x); }).print();`),
    });
    const { code, stderr } = await millrace(
      [
        ...['run', '--no-check', '-D', 'restart-strategy.type=fixed-delay'],
        ...['-D', 'restart-strategy.fixed-delay.attempts=1', '-D', 'restart-strategy.fixed-delay.delay=10ms', 'job.ts'],
      ],
      { cwd },
    );
    expect(code).toBe(1);
    expect(stderr.match(/^WARN .*/gm)).toEqual([
      expect.stringMatching(
        /^WARN Restarting 1 task of job the-job in 10 ms after a failure: operator 'map' failed: not 0$/,
      ),
    ]);
    expect(stderr.match(/^ {4}at .*job\.ts:6:\d+\)?$/gm)).toHaveLength(2);
  });
});

describe('console.log', () => {
  test('reaches the terminal with job, operator and subtask before each line', async () => {
    const cwd = await folderWith({
      'job.ts': jobFile(`
        console.log('builds');
        env.from(sequence({ from: 0, to: 3 })).keyBy((x) => String(x))
          .map((x) => { console.log('saw', { x }, 'two\\nlines'); console.error('oh ' + x); return x; }).name('looks')
          .print();`),
    });
    const { code, stdout, stderr } = await millrace(['run', '--no-check', '-p', '2', 'job.ts'], { cwd });
    expect(code).toBe(0);
    for (const x of [0, 1, 2, 3]) {
      expect(stdout).toMatch(new RegExp(String.raw`^\[the-job looks \([12]/2\)\] saw \{ x: ${x} \} two$`, 'm'));
      expect(stderr).toMatch(new RegExp(String.raw`^\[the-job looks \([12]/2\)\] oh ${x}$`, 'm'));
    }
    expect(stdout.match(/^\[the-job looks \([12]\/2\)\] lines$/gm)).toHaveLength(4);
    expect(stdout.match(/^builds$/gm), 'once, and not again in each thread').toHaveLength(1);
    expect(stdout.match(/builds/g)).toHaveLength(1);
  });
});

test('a job file that ends the process is no success, wherever it does so, and nothing says less than that', async () => {
  const cwd = await folderWith({
    'top.ts': `process.exit(0);\n${jobFile('env.from(sequence({ from: 0, to: 9 })).print();')}`,
    'builder.ts': jobFile('process.exit(7);'),
  });
  for (const [file, said, exit] of [
    ['top.ts', 0, 1],
    ['builder.ts', 7, 7],
  ] as const) {
    const { code, stderr } = await millrace(['run', '--no-check', file], { cwd });
    expect(code).toBe(exit);
    expect(stderr).toMatch(
      `millrace: the code of ${file} ended this process (exit code ${said}) before its job was known; nothing was started`,
    );
  }
});
