import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { folderWith, millrace, SUMS, type MillraceResult } from './millrace-process.ts';

const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(cleanUps.splice(0).map((cleanUp) => cleanUp()));
});

/** Repeats a command until its output is as wanted; the limit of the test ends it. */
const until = async (run: () => Promise<MillraceResult>, wanted: RegExp): Promise<RegExpExecArray> => {
  for (;;) {
    const { stdout } = await run();
    const found = wanted.exec(stdout);
    if (found !== null) {
      return found;
    }
  }
};

test('a cluster from start to stop: a job is submitted, outlives its leader, and is stopped', async () => {
  const cwd = await folderWith({ 'job.ts': SUMS });
  const run = (...args: string[]): Promise<MillraceResult> => millrace(args, { cwd });
  cleanUps.push(() => run('cluster', 'stop', '--no-checkpoint'));
  const port = ['-D', 'rest.bind-port=0'];
  const started = await run('cluster', 'start', '--jobmanagers', '2', '--taskmanagers', '2', ...port);
  expect(started).toMatchObject({ code: 0, stdout: expect.stringContaining('Cluster started.') });
  expect(await run('cluster', 'start', ...port)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is started already'),
  });

  const submitted = await run('run', '--detached', '--no-check', 'job.ts');
  expect(submitted).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Job has been submitted with JobID \w{32}\n$/),
  });
  const [, jobId = ''] = /JobID (\w{32})/.exec(submitted.stdout) ?? [];
  await until(() => run('list'), new RegExp(`${jobId} +RUNNING`));
  expect((await run('checkpoint', jobId)).stdout).toMatch(/^Checkpoint completed\. Path: .*\/chk-\d+$/m);

  const [, leader, pid] = await until(() => run('cluster', 'status'), /^(jobmanager-\d) +(\d+) +alive, leads/m);
  process.kill(Number(pid), 'SIGKILL');
  const [, next] = await until(() => run('cluster', 'status'), /^(jobmanager-\d) +\d+ +alive, leads/m);
  expect(next).not.toBe(leader);
  const status = await run('cluster', 'status');
  expect(status.code, 'a process is dead').toBe(1);
  expect(status.stdout).toMatch(new RegExp(`^${leader} +${pid} +dead`, 'm'));
  expect(status.stdout).toMatch(/"millrace cluster revive" starts again what has died\n$/);
  expect(status.stdout).toContain('slots free after the loss of the largest TaskManager: 0');

  expect(await run('cluster', 'revive')).toMatchObject({ code: 0, stdout: `Started again: ${leader}\n` });
  expect((await run('cluster', 'status')).code).toBe(0);
  expect(await run('cluster', 'add')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^taskmanager-3 \(pid \d+\)\n$/),
  });
  expect((await run('cluster', 'status')).stdout).toContain('slots free after the loss of the largest TaskManager: 1');

  await until(() => run('list', '--running'), new RegExp(`${jobId} +RUNNING`));
  const stopped = await run('stop', jobId, '--savepointPath', 'kept');
  expect(stopped).toMatchObject({ code: 0, stdout: expect.stringContaining(`Path: ${join(cwd, 'kept')}/savepoint-`) });
  expect((await run('list', '--all')).stdout).toMatch(new RegExp(`${jobId} +FINISHED`));
  const [savepoint = ''] = await readdir(join(cwd, 'kept'));
  expect((await run('savepoint', 'dispose', join('kept', savepoint))).code).toBe(0);
  expect(await readdir(join(cwd, 'kept'))).toEqual([]);

  expect(await run('cluster', 'stop')).toMatchObject({ code: 0, stdout: 'Cluster stopped.\n' });
  expect(await run('cluster', 'status')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('No cluster is started'),
  });
});
