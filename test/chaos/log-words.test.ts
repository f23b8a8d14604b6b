import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from './cluster-under-test.ts';
import { CountedJob } from './counted-job.ts';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const UUID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** What operators and scripts look for, in Flink's words but for what Flink does not say. `<job>` is the id of the job. */
const OF_JOB_MANAGERS: readonly string[] = [
  String.raw`JobManager \S+ was granted leadership with leaderSessionID=${UUID}`,
  // The demo too.
  String.raw`JobManager \S+ leads with epoch \d+, `,
  String.raw`Standby: waiting for the leadership of \S+ to end`,
  `New leader elected ${UUID}`,
  String.raw`JobManager \S+ was revoked leadership with leaderSessionID=${UUID}`,
  String.raw`TaskManager taskmanager-\d .* registered with 1 slot$`,
  'Job spread has been submitted with JobID <job>',
  String.raw`Job spread \(<job>\) switched from state CREATED to RUNNING\.`,
  String.raw`Job spread \(<job>\) switched from state RUNNING to RESTARTING\.`,
  String.raw`Job spread \(<job>\) switched from state CANCELLING to CANCELED\.`,
  String.raw`.+ \(1/1\) \(<job>/.*\) switched from RUNNING to FAILED\. lost TaskManager taskmanager-\d: `,
  String.raw`Triggering checkpoint \d+ \(type=CHECKPOINT\) @ \d+ for job <job>\.`,
  String.raw`Completed checkpoint \d+ for job <job> \(\d+ bytes, checkpointDuration=\d+ ms, finalizationTime=\d+ ms\)\.`,
  String.raw`Restoring job <job> from checkpoint \d+ located at \S+/chk-\d+/_metadata`,
];
const OF_TASK_MANAGERS: readonly string[] = [
  `New leader elected ${UUID}`,
  'Registered with the leader of epoch 1, ',
  String.raw`Starting to restore from state handle: \S+/<job> \(chk-\d+\) for .+ \(1/1\)`,
  String.raw`Finished restoring from state handle: \S+/<job> \(chk-\d+\) for .+ \(1/1\)`,
];
const OF_ALL: readonly string[] = ['This process was told to stop', 'This process has stopped'];

test('log lines keep the words that people look for, and are in the file of the process as on its output', async () => {
  cluster = ClusterUnderTest.create({ slots: 1 });
  const logs = join(cluster.folder, 'env-log-dir');
  const names = ['jobmanager-1', 'jobmanager-2', 'taskmanager-1', 'taskmanager-2'];
  for (const name of names) {
    const role = name.startsWith('jobmanager') ? 'jobmanager' : 'taskmanager';
    cluster.startProcess(role, name, { configuration: { 'env.log.dir': logs, [`${role}.resource-id`]: name } });
  }
  const current = cluster;
  await current.until('both TaskManagers are registered', () => current.said(/ registered with 1 slot/).length >= 2);
  await current.until('one JobManager stands by', () => current.said(/ Standby: waiting/).length > 0);
  const job = await CountedJob.submit(current, { count: 1_000_000, parallelism: 1, interval: 100 });
  await job.checkpointed();
  const failing = names.find((name) => current.pidOf(name) === job.pid)!;
  await current.kill(failing);
  await current.until('the job is restored', () => current.said(/ Finished restoring /).length > 0);
  await job.checkpointed();
  expect((await current.run('cancel', job.jobId)).code).toBe(0);
  await current.until('the job is cancelled', () => job.switchedTo('CANCELED') > 0);
  const stopped = names.filter((name) => name !== failing);
  expect(await Promise.all(stopped.map((name) => current.stop(name)))).toEqual([0, 0, 0]);

  const linesOf = (role: string): readonly string[] =>
    names.filter((name) => name.startsWith(role)).flatMap((name) => current.logOf(name).split('\n'));
  const missing = (role: string, patterns: readonly string[]): readonly string[] => {
    const lines = linesOf(role);
    return patterns.filter((pattern) => {
      const wanted = new RegExp(`^[-0-9]{10} [:,0-9]{12} (INFO|WARN)  ?${pattern.replaceAll('<job>', job.jobId)}`);
      return !lines.some((line) => wanted.test(line));
    });
  };
  expect(missing('jobmanager', [...OF_JOB_MANAGERS, ...OF_ALL])).toEqual([]);
  expect(missing('taskmanager', [...OF_TASK_MANAGERS, ...OF_ALL])).toEqual([]);
  for (const name of names) {
    expect(readFileSync(join(logs, `${name}.log`), 'utf8')).toBe(current.logOf(name));
  }
});
