import { expect, test } from 'vitest';
import type { AttemptId } from '../../../foundation/common/ids.ts';
import { ClusterWorld } from '../test-support/cluster-world.ts';

const JOB = 'a'.repeat(32);
const ATTEMPT = `${JOB}/v-source/0/1.1` as AttemptId;

const start = async () => {
  const world = new ClusterWorld();
  const jobManager = await world.jobManager('one');
  await world.until(() => jobManager.jobManager.isLeading, 'it leads');
  const taskManager = await world.taskManager('worker', 1);
  await world.settled(taskManager.register(jobManager.jobManager.endpoints.rpcAddress));
  await world.pass(5);
  jobManager.log.length = 0;
  return { world, jobManager, taskManager, connection: taskManager.connection!, fence: taskManager.fence! };
};

const aboutConnections = (log: readonly string[]): readonly string[] =>
  log.filter((line) => line.startsWith('Closing the connection'));

test('metrics that are meant for another leader are dropped, and the connection stays', async () => {
  const { world, jobManager, connection, fence } = await start();
  for (const epoch of [fence.epoch - 1, fence.epoch + 1]) {
    connection.send('taskMetrics', { fence: { ...fence, epoch }, job: JOB, metrics: [] });
  }
  await world.pass(10);
  expect([connection.closeReason, jobManager.log]).toEqual([undefined, []]);
});

test('metrics are dropped too by who does not lead', async () => {
  const { world, taskManager, fence } = await start();
  const standby = await world.jobManager('two');
  const connection = await world.settled(taskManager.connect(standby.jobManager.endpoints.rpcAddress));
  standby.log.length = 0;
  connection.send('taskMetrics', { fence, job: JOB, metrics: [] });
  await world.pass(10);
  expect([connection.closeReason, aboutConnections(standby.log)]).toEqual([undefined, []]);
});

test('a report that is meant for another leader is not lost without a word: the TaskManager registers anew, with its table', async () => {
  const { world, jobManager, taskManager, connection, fence } = await start();
  const report = { kind: 'state', attempt: ATTEMPT, state: 'RUNNING' } as const;
  connection.send('taskReport', { fence: { ...fence, epoch: fence.epoch + 1 }, job: JOB, report });
  expect(await world.settled(connection.closed)).toMatchObject({ kind: 'peer' });
  expect(aboutConnections(jobManager.log)).toEqual([]);
  await world.settled(taskManager.register(jobManager.jobManager.endpoints.rpcAddress));
});
