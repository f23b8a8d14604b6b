import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MillraceProcess, SUMS, folderWith } from './millrace-process.ts';

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

const JOB = SUMS.replace(`.uid('numbers')`, `.uid('numbers').map(f)`);
const lib = (plus: string): string => `export const f = (x: number): number => x + ${plus};\n`;

describe('--watch', () => {
  test('starts again on save: with the state where it fits, without where it does not; waits for what does not compile', async () => {
    const cwd = await folderWith({ 'job.ts': `import { f } from './lib.ts';\n${JOB}`, 'lib.ts': lib('0') });
    const watching = new MillraceProcess(['run', '--no-check', '--verbose', '--watch', 'job.ts'], { cwd });
    const runs = (wanted: number): Promise<boolean> =>
      watching.until(({ stderr }) => count(stderr, /^Job has been submitted/gm) === wanted);
    await runs(1);
    await watching.checkpoint();

    await writeFile(join(cwd, 'lib.ts'), lib('1e9'));
    await runs(2);
    expect(watching.stderr).toMatch(/^job\.ts changed, starting again from \S+\/chk-\d+$/m);
    await watching.until(({ stderr }) => /^Starting from checkpoint \d+ of job the-job/m.test(stderr));
    await watching.until(({ stdout }) => /^\d{10,}$/m.test(stdout));
    await watching.checkpoint();

    await writeFile(join(cwd, 'lib.ts'), lib(';'));
    await watching.until(({ stderr }) =>
      /^lib\.ts:1:\d+: Unexpected ";"[^]*waiting for a change of job\.ts/m.test(stderr),
    );
    await writeFile(join(cwd, 'lib.ts'), lib('5'));
    await runs(3);
    await watching.checkpoint();
    expect(count(watching.stderr, /^Starting from checkpoint/gm)).toBe(2);

    await writeFile(join(cwd, 'job.ts'), `import { f } from './lib.ts';\n${JOB.replace(`'sums'`, `'other'`)}`);
    await runs(4);
    expect(watching.stderr).toMatch(/has state of operator "sum" \(uid "sums"\)[^]*Starting without the state of/);
    expect(count(watching.stderr, /^Starting from checkpoint/gm)).toBe(2);
    await watching.checkpoint();

    watching.kill('SIGINT');
    const { code, stderr } = await watching.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/Continue with: /);
    const left = await readdir(join(cwd, '.millrace/checkpoints'));
    expect(left, 'the last run, and the state that did not fit').toHaveLength(2);
  });

  test('ends with Ctrl-C while it waits', async () => {
    const cwd = await folderWith({ 'job.ts': SUMS });
    const watching = new MillraceProcess(['run', '--no-check', '--watch', 'job.ts', '3'], { cwd });
    await watching.until(({ stderr }) => stderr.includes('waiting for a change of job.ts'));
    expect(watching.stdout).toBe('0\n1\n2\n3\n');
    watching.kill('SIGINT');
    expect((await watching.ended).code).toBe(130);
  });
});
