import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MillraceProcess, SUMS, folderWith, millrace } from './millrace-process.ts';

const runtimeFolder = (cwd: string): string => join(cwd, `millrace-${userInfo().uid}`);

interface Running {
  readonly cwd: string;
  readonly job: MillraceProcess;
  readonly jobId: string;
}

const start = async (...args: string[]): Promise<Running> => {
  const cwd = await folderWith({ 'job.ts': SUMS });
  const job = new MillraceProcess(['run', '--no-check', '--verbose', ...args, 'job.ts'], { cwd });
  const jobId = await job.until(({ stderr }) => /with JobID (\w{32})/.exec(stderr)?.[1]);
  await job.lines(30);
  return { cwd, job, jobId };
};

const say = (path: string, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8').on('data', (data: string) => (answer += data));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });

describe.concurrent('a running job', () => {
  test('is listed, takes checkpoints and savepoints, and is stopped with one that it goes on from', async () => {
    const { cwd, job, jobId } = await start();
    const list = await millrace(['list'], { cwd });
    expect(list.stdout).toMatch(new RegExp(`^${jobId} +RUNNING +\\S+Z +process ${job.child.pid} +the-job$`, 'm'));
    expect((await stat(runtimeFolder(cwd))).mode & 0o777).toBe(0o700);

    const checkpoint = await millrace(['checkpoint', jobId.slice(0, 8)], { cwd });
    expect(checkpoint.stdout).toMatch(/^Checkpoint completed\. Path: .*\/chk-\d+$/m);
    const savepoint = await millrace(['savepoint', jobId, 'kept'], { cwd });
    expect(savepoint.code).toBe(0);
    const [kept] = await readdir(join(cwd, 'kept'));
    expect(savepoint.stdout).toContain(`Savepoint completed. Path: ${join(cwd, 'kept', kept!)}`);

    const stopped = await millrace(['stop', '--savepointPath', 'stopped', jobId], { cwd });
    expect(stopped.stdout).toMatch(
      /^Continue with: millrace run --fromSavepoint \S+\/stopped\/savepoint-\S+ <job file>$/m,
    );
    const end = await job.ended;
    expect(end.code).toBe(0);
    expect(end.stderr).toMatch(
      /finished after .*\nContinue with: millrace run --fromSavepoint \S+\/stopped\/savepoint-/,
    );
    const from = /Path: (\S+)/.exec(stopped.stdout)![1]!;
    const printed = end.stdout.trim().split('\n');
    const next = await millrace(['run', '--no-check', '-s', from, 'job.ts', String(printed.length + 2)], { cwd });
    expect(next.code).toBe(0);
    expect(next.stdout.trim().split('\n'), 'what follows the output of the stopped run').toHaveLength(3);
    expect(await readdir(runtimeFolder(cwd))).toEqual([]);
  });

  test('is drained', async () => {
    const { cwd, job, jobId } = await start();
    const { code, stdout } = await millrace(['stop', '--drain', jobId], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/Savepoint completed/);
    expect((await job.ended).code).toBe(0);
  });

  test('is cancelled, and says to both sides how it goes on', async () => {
    const { cwd, job, jobId } = await start();
    await job.checkpoint();
    const { code, stdout } = await millrace(['cancel', jobId], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Cancelled job \w+\.\nContinue with: millrace run --fromSavepoint \S+\/chk-\d+ <job file>$/m,
    );
    const end = await job.ended;
    expect(end.code).toBe(130);
    expect(end.stderr).toMatch(/was cancelled after .*\nContinue with: /);
  });

  test('answers nonsense with an error and goes on', async () => {
    const { cwd, job, jobId } = await start();
    const path = join(runtimeFolder(cwd), `${jobId}.sock`);
    for (const nonsense of [
      'hello\n',
      '{}\n',
      '{"version":2,"command":{"kind":"cancel"}}\n',
      '{"version":1,"command":{"kind":"stop"}}\n',
      '\n',
    ]) {
      expect(JSON.parse(await say(path, nonsense))).toMatchObject({ ok: false, code: 'PROTOCOL' });
    }
    await say(path, 'x'.repeat(100_000)).catch(() => {});
    expect((await millrace(['list'], { cwd })).stdout).toContain(jobId);
    job.kill('SIGINT');
    await job.ended;
  });

  test('is not started twice under one id', async () => {
    const jobId = '0123456789abcdef0123456789abcdef';
    const { cwd, job } = await start('--jobId', jobId, '-D', 'execution.checkpointing.dir=a');
    const second = await millrace(
      ['run', '--no-check', '--jobId', jobId, '-D', 'execution.checkpointing.dir=b', 'job.ts', '3'],
      { cwd },
    );
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`a job with the id ${jobId} runs on this machine already`);
    job.kill('SIGINT');
    await job.ended;
  });
});

describe.concurrent('no running job', () => {
  test('is what it says, with an exit code', async () => {
    const cwd = await folderWith({});
    expect((await millrace(['list'], { cwd })).stdout).toBe('No jobs run on this machine for this user.\n');
    const { code, stderr } = await millrace(['cancel', 'abc'], { cwd });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `millrace: no job 'abc' runs on this machine for this user; nothing runs\n`,
    });
  });

  test('leaves a socket behind that is not removed by the next list', async () => {
    const { cwd, job, jobId } = await start();
    job.kill('SIGKILL');
    await job.ended;
    expect(await readdir(runtimeFolder(cwd))).toEqual([`${jobId}.sock`]);
    expect((await millrace(['list'], { cwd })).stdout).toMatch(/^No jobs/);
    expect(await readdir(runtimeFolder(cwd))).toEqual([]);
  });

  test('is looked for in a folder that others can write to', async () => {
    const cwd = await folderWith({ 'job.ts': SUMS });
    await mkdir(runtimeFolder(cwd));
    await chmod(runtimeFolder(cwd), 0o777);
    await writeFile(join(runtimeFolder(cwd), `${'0'.repeat(32)}.sock`), '');
    const { code, stderr } = await millrace(['list'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/is not a folder of this user alone/);
    const run = await millrace(['run', '--no-check', 'job.ts', '3'], { cwd });
    expect(run.code, 'the job runs all the same').toBe(0);
    expect(run.stderr).toMatch(/WARN millrace list, .* do not reach this job: .*is not a folder of this user alone/);
  });
});
