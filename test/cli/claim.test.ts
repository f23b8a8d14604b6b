import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MillraceProcess, SUMS, folderWith, millrace } from './millrace-process.ts';

const run = (cwd: string, ...args: string[]): MillraceProcess =>
  new MillraceProcess(['run', '--no-check', '--verbose', '-D', 'execution.checkpointing.num-retained=1', ...args], {
    cwd,
  });

/** Runs until there are checkpoints, cancels; resolves to the one that stays. */
const cancelled = async (running: MillraceProcess): Promise<string> => {
  await running.checkpoint();
  running.kill('SIGINT');
  const { stderr } = await running.ended;
  const place = /--fromSavepoint (\S+)/.exec(stderr)?.[1];
  expect(place).toMatch(/chk-\d+$/);
  return place!;
};

describe.concurrent('the snapshot that a job was started from', () => {
  test('is left alone without CLAIM, and deleted with it once the job has its own', async () => {
    const cwd = await folderWith({ 'job.ts': SUMS });
    const first = await cancelled(run(cwd, 'job.ts'));
    const second = await cancelled(run(cwd, '-s', first, 'job.ts'));
    expect(await readdir(first)).toEqual(['_metadata']);
    const third = await cancelled(run(cwd, '-s', second, '--claimMode', 'CLAIM', 'job.ts'));
    expect(await readdir(join(cwd, '.millrace/checkpoints'))).not.toContain(dirname(second).split('/').at(-1));
    expect(await readdir(third)).toEqual(['_metadata']);
  });

  test('stays claimed while the job has none of its own', async () => {
    const cwd = await folderWith({ 'job.ts': SUMS });
    const first = await cancelled(run(cwd, 'job.ts'));
    const job = run(cwd, '-s', first, '--claimMode', 'CLAIM', '-D', 'execution.checkpointing.num-retained=9', 'job.ts');
    await job.until(({ stderr }) => stderr.includes('The job owns it now'));
    job.kill('SIGKILL');
    await job.ended;
    expect(await readdir(first)).toEqual(['_metadata']);
  });

  test('belongs to the same job id only when it is claimed', async () => {
    const cwd = await folderWith({ 'job.ts': SUMS });
    const first = await cancelled(run(cwd, 'job.ts'));
    const folder = dirname(first);
    const jobId = folder.split('/').at(-1)!;
    const args = ['run', '--no-check', '--jobId', jobId];
    const refused = await millrace([...args, 'job.ts', '500'], { cwd });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`--jobId ${jobId} was used before`);
    const again = await millrace([...args, '-s', folder, '--claimMode', 'CLAIM', 'job.ts', '500'], { cwd });
    expect(again.code).toBe(0);
    expect(await readdir(join(cwd, '.millrace/checkpoints'))).toEqual([]);
  });

  test('loses what a kill left beside it when the same job goes on', async () => {
    const cwd = await folderWith({ 'job.ts': SUMS });
    const killed = run(cwd, 'job.ts');
    await killed.checkpoint();
    killed.kill('SIGKILL');
    await killed.ended;
    const checkpoints = join(cwd, '.millrace/checkpoints');
    const [jobId = ''] = await readdir(checkpoints);
    const folder = join(checkpoints, jobId);
    const ids = (await readdir(folder)).map((name) => Number(/^chk-(\d+)$/.exec(name)?.[1] ?? 0));
    const next = Math.max(...ids) + 1;
    const [data, temporary] = ['0123456789abcdef', '0123456789ab.tmp'];
    await mkdir(join(folder, `chk-${next}`));
    await mkdir(join(folder, 'shared'), { recursive: true });
    const leftOvers = [
      `chk-${next}/count-${next}-${data}`,
      `chk-${next}/._metadata.${temporary}`,
      `shared/.count-${next}-${data}.${temporary}`,
    ];
    for (const path of leftOvers) {
      await writeFile(join(folder, path), 'half of it');
    }
    const last = await cancelled(run(cwd, '--jobId', jobId, '-s', folder, '--claimMode', 'CLAIM', 'job.ts'));
    expect(dirname(last)).toBe(folder);
    const left = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    expect(left.map(({ parentPath, name }) => join(parentPath, name))).toEqual([join(last, '_metadata')]);
  });
});
