import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { CountedJob } from '../counted-job.ts';

const HOOK = new URL('../storage-fault-hook.mjs', import.meta.url).href;

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

/** One message that names the thing, no stack, exit code 1. */
const refused = async (message: RegExp, command: string, ...args: readonly string[]): Promise<void> => {
  const { code, stdout, stderr } = await cluster!.run(command, ...args);
  expect(stderr + stdout).toMatch(message);
  expect([code, /\n {4}at /.test(stderr)]).toEqual([1, false]);
};

const set = (key: string, value: string | number): readonly string[] => ['-D', `${key}=${value}`];

test('whatever is asked wrongly of a cluster is refused by its name, and the cluster and its job go on', async () => {
  const current = await ClusterUnderTest.start({ jobManagers: 2, taskManagers: 2, slots: 1 });
  cluster = current;
  const before = current.running;
  const job = await CountedJob.submit(current);
  await job.checkpointed();

  const unknown = 'ab'.repeat(16);
  for (const command of ['cancel', 'stop', 'savepoint', 'checkpoint', 'retry']) {
    await refused(new RegExp(`job.*${unknown}`), command, unknown);
  }
  await expect(current.ask(`/jobs/${unknown}`)).rejects.toThrow(/answered 404.*no job/);
  await expect(current.ask(`/jobs/${job.jobId}/savepoints/${unknown}`)).rejects.toThrow(/answered 404/);
  await refused(/\/not\/there/, 'savepoint dispose', '/not/there');
  const submission = ['--detached', '--no-check', '--fromSavepoint', '/not/there'];
  await refused(/\/not\/there/, 'run', ...submission, join(import.meta.dirname, '../jobs/spread.ts'), current.folder);

  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const inUse = new RegExp(`\\b${port}\\b.*(in use|is free)`);
  await refused(inUse, 'jobmanager', ...set('high-availability.jobmanager.port', port));
  await refused(inUse, 'jobmanager', ...set('rest.bind-port', port));
  await refused(inUse, 'taskmanager', ...set('taskmanager.rpc.port', port));
  server.close();
  await refused(/is not writable.*a file, not a folder/, 'jobmanager', ...set('high-availability.storageDir', HOOK));

  const large = await CountedJob.submit(current, { name: 'large', parallelism: 5 });
  await current.until(
    'it says what is missing',
    () => current.said(new RegExp(`${large.jobId} waits: it needs 5 slots, 5 more`)).length > 0,
  );
  expect((await current.run('cancel', large.jobId)).code).toBe(0);

  expect(current.running).toEqual(before);
  await job.finished();
  expect(job.recounted).toEqual(job.exact);
  expect(job.starts).toBe(2);
});

test('a TaskManager of another cluster waits for its own, and is none of this one', async () => {
  const current = await ClusterUnderTest.start({ jobManagers: 1, taskManagers: 1, slots: 1 });
  cluster = current;
  current.startProcess('taskmanager', 'stranger', { configuration: { 'high-availability.cluster-id': 'other' } });
  await current.until('it says what it waits for', () =>
    /Waiting for the HA store.*other/.test(current.logOf('stranger')),
  );
  const { taskmanagers } = (await current.ask('/taskmanagers')) as { taskmanagers: readonly { id: string }[] };
  expect(taskmanagers).toHaveLength(1);
  expect(await current.stop('stranger')).toBe(0);
});

test('a TaskManager that sees the HA store but not what the leader writes registers with nobody, and says why', async () => {
  const current = ClusterUnderTest.create({ slots: 1 });
  cluster = current;
  const configuration = {
    'high-availability.type': 'embedded',
    'high-availability.embedded.dir': join(current.folder, 'ha'),
  };
  const elsewhere = { ...configuration, 'high-availability.storageDir': join(current.folder, 'elsewhere') };
  current.startProcess('jobmanager', 'jobmanager-1', { configuration });
  await current.until('it leads', () => current.leader === 'jobmanager-1');
  current.startProcess('taskmanager', 'elsewhere', { configuration: elsewhere });
  current.startProcess('taskmanager', 'here', { configuration });
  await current.until('one registers', () => current.said(/ registered with 1 slot/).length === 1);
  await current.until('the other says why it does not', () =>
    /does not see the leader's files under .*elsewhere.*same file system/.test(current.logOf('elsewhere')),
  );
  expect(current.said(/ registered with 1 slot/)).toEqual([expect.stringContaining('TaskManager here ')]);
  expect(await current.stop('elsewhere')).toBe(0);
});

test('a disk that is slow, full or read-only for a while is waited for: no process ends, nothing is lost', async () => {
  const current = ClusterUnderTest.create({
    slots: 1,
    env: { NODE_OPTIONS: `--import=${HOOK}` },
  });
  cluster = current;
  const names = ['jobmanager-1', 'jobmanager-2', 'taskmanager-1'];
  names.forEach((name) => current.startProcess(name.startsWith('job') ? 'jobmanager' : 'taskmanager', name));
  const job = await CountedJob.submit(current, { parallelism: 1 });
  await job.checkpointed();
  const fault = join(current.folder, 'fault');
  writeFileSync(fault, 'slow');
  await job.checkpointed();
  for (const [text, message] of [
    ['full', /no space left/],
    ['read-only', /read-only/],
  ] as const) {
    const before = current.said(message).length;
    writeFileSync(fault, text);
    await current.until(`somebody says that the disk is ${text}`, () => current.said(message).length > before);
    rmSync(fault);
    await job.checkpointed();
  }
  expect(current.running).toEqual(names);
  await job.finished();
  expect(job.recounted).toEqual(job.exact);
});
