import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { MillraceProcess, SUMS, folderWith, jobFile, millrace } from './millrace-process.ts';

const LAST = 400;
/** The last sums of 0..LAST by the remainder of 3. */
const lastSums = (): string[] => {
  const sums = [0, 0, 0];
  for (let x = 0; x <= LAST; x++) {
    sums[x % 3]! += x;
  }
  return sums.map(String);
};

const start = (cwd: string, ...args: string[]): MillraceProcess =>
  new MillraceProcess(['run', '--no-check', '--verbose', ...args], { cwd });

describe.concurrent('an interrupt', () => {
  test.for<['SIGINT' | 'SIGTERM', number]>([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('%s cancels, keeps the checkpoint, and says how to go on, which is exact', async ([signal, exitCode]) => {
    const cwd = await folderWith({ 'job.ts': SUMS });
    const running = start(cwd, 'job.ts', String(LAST));
    await running.checkpoint();
    running.kill(signal);
    const { code, stderr } = await running.ended;
    expect(code).toBe(exitCode);
    expect(stderr).toMatch(`${signal}: cancelling job the-job; once more to end at once`);
    const command = /^Continue with: millrace (run --fromSavepoint \S+\/chk-\d+ job\.ts 400)$/m.exec(stderr)?.[1] ?? '';
    expect(command).not.toBe('');

    const next = await millrace([...command.split(' ').slice(0, 1), '--no-check', ...command.split(' ').slice(1)], {
      cwd,
    });
    expect(next.code).toBe(0);
    expect(next.stdout.trim().split('\n')).toEqual(expect.arrayContaining(lastSums()));
    expect(readdirSync(cwd).filter((name) => /^millrace-\w+-\d+-/.test(name))).toEqual([]);
  });

  test('deletes the checkpoint where retention says so, and says that', async () => {
    const cwd = await folderWith({ 'job.ts': SUMS.replace('RETAIN_ON', 'DELETE_ON') });
    const running = start(cwd, 'job.ts');
    await running.checkpoint();
    running.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('Its checkpoints were deleted');
    expect(readdirSync(join(cwd, '.millrace/checkpoints'))).toEqual([]);
  });

  test('comes a second time and ends at once, whatever user code does', async () => {
    const cwd = await folderWith({
      'job.ts': jobFile(`env.from(sequence({ to: 9 })).map((x) => { console.log('stuck'); for (;;); }).print();`),
    });
    const running = start(cwd, 'job.ts');
    // What a stuck thread prints it never gets to send.
    await running.until(({ stderr }) => stderr.includes('Checkpointing is off'));
    await running.until(({ stderr }) => stderr.includes('RUNNING'));
    running.kill('SIGINT');
    await running.until(({ stderr }) => stderr.includes('once more to end at once'));
    running.kill('SIGINT');
    expect((await running.ended).signal).toBe('SIGINT');
    expect(readdirSync(cwd).filter((name) => /^millrace-\w+-\d+-/.test(name))).toEqual([]);
  });

  test.for([
    ['a second time ends at once', 2, 'SIGINT'],
    ['once ends the process after the timeouts, with a reason', 1, 'SIGKILL'],
  ] as const)('comes while user code cannot be interrupted: %s', async ([, times, ends]) => {
    const cwd = await folderWith({
      'job.ts': jobFile(
        `env.from(sequence({ to: 9 })).map(() => execSync('touch calls; sleep 20').length).print();`,
      ).replace(`import { job }`, `import { execSync } from 'node:child_process';\nimport { job }`),
    });
    const running = start(cwd, '-D', 'task.cancellation.timeout=100ms', 'job.ts');
    while (!existsSync(join(cwd, 'calls'))) {
      await setImmediate();
    }
    running.kill('SIGINT');
    await running.until(({ stderr }) => stderr.includes('once more to end at once'));
    if (times === 2) {
      running.kill('SIGINT');
    }
    const { signal, stderr } = await running.ended;
    expect(signal).toBe(ends);
    expect(/did not end within task\.cancellation\.timeout.*such as execSync.*; the process ends/.test(stderr)).toBe(
      times === 1,
    );
  });

  test('comes while the builder loops for ever and ends at once; the next start removes what is left', async () => {
    const cwd = await folderWith({
      'job.ts': jobFile(`if (args[0] !== 'quick') { writeFileSync('building', ''); for (;;); }
          env.from(sequence({ to: 1 })).print();`).replace(
        `import { job }`,
        `import { writeFileSync } from 'node:fs';\nimport { job }`,
      ),
    });
    const running = start(cwd, 'job.ts');
    while (!existsSync(join(cwd, 'building'))) {
      await setImmediate();
    }
    running.kill('SIGINT');
    expect((await running.ended).signal).toBe('SIGINT');
    expect((await millrace(['run', '--no-check', 'job.ts', 'quick'], { cwd })).code).toBe(0);
    expect(readdirSync(cwd).filter((name) => /^millrace-\w+-\d+-/.test(name))).toEqual([]);
  });

  test('kill -9: the next start goes on from the folder of the dead job, and removes what it left in the way', async () => {
    const cwd = await folderWith({ 'job.ts': SUMS });
    const running = start(cwd, 'job.ts', String(LAST));
    await running.checkpoint();
    const folder = /^Checkpoints go to (.*)$/m.exec(running.stderr)?.[1] ?? '';
    running.kill('SIGKILL');
    await running.ended;
    expect(readdirSync(cwd).filter((name) => /^millrace-\w+-\d+-/.test(name))).toHaveLength(1);

    const next = await millrace(['run', '--no-check', '--fromSavepoint', folder, 'job.ts', String(LAST)], { cwd });
    expect(next.code).toBe(0);
    expect(next.stderr).toMatch(/^Starting from checkpoint \d+ of job the-job in /m);
    expect(next.stdout.trim().split('\n')).toEqual(expect.arrayContaining(lastSums()));
    expect(readdirSync(cwd).filter((name) => /^millrace-\w+-\d+-/.test(name))).toEqual([]);
  });

  test('nobody reads the output any more: the job ends without a word', async () => {
    const cwd = await folderWith({ 'job.ts': SUMS });
    const running = new MillraceProcess(['run', '--no-check', 'job.ts'], { cwd });
    await running.lines(1);
    running.child.stdout?.destroy();
    const { code, stderr } = await running.ended;
    expect(code).toBe(141);
    expect(stderr).not.toMatch(/EPIPE|Error|at .*:\d+|cancel/);
  });
});
