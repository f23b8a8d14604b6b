import { afterEach, expect, test } from 'vitest';
import type { Clock } from '../../../foundation/common/clock.ts';
import { systemClock } from '../../../foundation/common/system-clock.ts';
import { closeServers } from '../../rest/test-support/asked-server.ts';
import { RUNNING_JOB } from '../../rest/test-support/fake-gateway.ts';
import type { JobDetailsBody } from '../../rest/schema/jobs-schema.ts';
import { cluster, run } from './test-support/run-cli.ts';
import { snapshotWaits, ToldWait } from './told-wait.ts';

afterEach(closeServers);

/** Pauses between two questions are over at once. */
const hurried: Clock = { ...systemClock, after: (delayMs, wake) => systemClock.after(delayMs / 100, wake) };

test.each([
  ['savepoint', 'the savepoint is taken'],
  ['checkpoint', 'the checkpoint is taken'],
  ['stop', `it is stopped; Ctrl-C does not take that back; "millrace cancel ${RUNNING_JOB}" ends it at once`],
])('a %s says what the job waits for', async (command, then) => {
  const { at, gateway } = await cluster();
  gateway.jobs.set(RUNNING_JOB, { ...gateway.jobs.get(RUNNING_JOB)!, waiting: 'it needs 4 slots' });
  const { promise, resolve } = Promise.withResolvers<void>();
  gateway.snapshotsMayComplete = promise;
  const details = gateway.details.bind(gateway);
  gateway.details = (jobId) => {
    resolve();
    return details(jobId);
  };
  const { code, stderr } = await run([command, ...at, RUNNING_JOB], { clock: hurried });
  expect(code).toBe(0);
  expect(stderr).toContain(`Job words (${RUNNING_JOB}) waits: it needs 4 slots. When all of it runs, ${then}`);
});

test('a cancel says which tasks do not end, when they are ended, and that it stays in force', async () => {
  const { at, gateway } = await cluster();
  gateway.cancel = (jobId) => {
    const job = gateway.jobs.get(jobId)!;
    const tasks = job.tasks.map((task, index) => ({ ...task, state: index === 2 ? 'CANCELING' : 'CANCELED' }) as const);
    gateway.jobs.set(jobId, { ...job, status: 'CANCELLING', tasks });
    return Promise.resolve();
  };
  gateway.configuration = () => {
    gateway.end(RUNNING_JOB, { status: 'CANCELED' });
    return { 'task.cancellation.timeout': '5 s' };
  };
  const { code, stderr } = await run(['cancel', ...at, RUNNING_JOB], { clock: hurried });
  expect([code, stderr]).toEqual([
    0,
    `Job words (${RUNNING_JOB}) is CANCELLING: 1 task of "sum" has not ended. What does not end within ` +
      'task.cancellation.timeout (5 s) is ended with its thread. Ctrl-C leaves the cancel in force\n',
  ]);
});

test('a wait says nothing for a moment, then why it takes long, once for each reason', async () => {
  const said: string[] = [];
  let waiting = '';
  const job = (): JobDetailsBody =>
    ({ jid: 'a', name: 'words', state: 'RUNNING', vertices: [], progress: { waiting } }) as unknown as JobDetailsBody;
  const wait = new ToldWait({
    client: { ask: (async () => job()) as never, pause: () => Promise.resolve() },
    jobId: 'a',
    say: (line) => said.push(line),
    reason: snapshotWaits('checkpoint'),
  });
  const pauses = async (count: number): Promise<void> => {
    for (let pause = 0; pause < count; pause++) {
      await wait.pause();
    }
  };
  await pauses(100);
  expect(said, 'nothing keeps the job').toEqual([]);
  waiting = 'it needs 2 slots';
  await pauses(19);
  expect(said).toEqual([]);
  await pauses(100);
  expect(said).toEqual([expect.stringContaining('Job words (a) waits: it needs 2 slots.')]);
  waiting = 'it needs 1 slot';
  await pauses(100);
  expect(said.length).toBe(2);
});
