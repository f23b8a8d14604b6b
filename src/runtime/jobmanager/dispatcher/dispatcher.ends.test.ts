import { expect, test, vi } from 'vitest';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { Cluster, JOB, refused, savepointAt, submission } from '../test-support/dispatcher-cluster.ts';

test('who repeats a request because its answer got lost hears the same of a job that has ended meanwhile (R7)', async () => {
  const cluster = new Cluster();
  const first = await cluster.lead();
  await first.dispatcher.submit(submission());
  const master = await cluster.master();
  master.switchTo('RUNNING');
  const saved = { triggerId: 'saved' };
  const stopped = { triggerId: 'stopped', drain: false };
  master.savepoint.resolve(savepointAt('/savepoints/s1'));
  await first.dispatcher.savepoint(JOB, saved);
  await first.dispatcher.stop(JOB, stopped);
  await master.end('FINISHED', '/savepoints/s1');
  await vi.waitFor(() => expect(first.dispatcher.list()).toMatchObject([{ state: 'FINISHED' }]));
  expect(await first.dispatcher.savepoint(JOB, saved)).toEqual({ triggerId: 'saved' });
  expect(await first.dispatcher.stop(JOB, stopped)).toEqual({ triggerId: 'stopped' });
  await refused(first.dispatcher.savepoint(JOB, {}), 'JOB_ENDED');
  await refused(first.dispatcher.stop(JOB, { drain: false }), 'JOB_ENDED');
  const second = await cluster.takeOver(first);
  expect(await second.dispatcher.stop(JOB, stopped)).toEqual({ triggerId: 'stopped' });
  expect(await second.dispatcher.snapshotStatus(JOB, 'stopped')).toMatchObject({ location: '/savepoints/s1' });
  // A takeover forgets those.
  await refused(second.dispatcher.savepoint(JOB, saved), 'JOB_ENDED');
});

test('while its result cannot be read, nobody hears of a stop that it is not known (R5)', async () => {
  const cluster = new Cluster();
  const first = await cluster.lead();
  await first.dispatcher.submit(submission());
  const master = await cluster.master();
  master.switchTo('RUNNING');
  await master.end('FINISHED', '/savepoints/s1');
  const { dispatcher } = await cluster.takeOver(first);
  const away = new MillraceError('FILESYSTEM', 'the device does not answer');
  const read = vi.spyOn(cluster.storage.results, 'read').mockRejectedValue(away);
  await refused(dispatcher.snapshotStatus(JOB, 'mine'), 'STORE_AWAY');
  await refused(dispatcher.stop(JOB, { triggerId: 'mine', drain: false }), 'STORE_AWAY');
  read.mockRestore();
  expect(await dispatcher.stop(JOB, { triggerId: 'mine', drain: false })).toEqual({ triggerId: 'mine' });
  expect(await dispatcher.snapshotStatus(JOB, 'mine')).toEqual({ state: 'completed', location: '/savepoints/s1' });
});

test.each([
  ['FINISHED', 'RUNNING'],
  ['CANCELED', 'CANCELLING'],
  ['FAILED', 'FAILING'],
] as const)('nobody hears that a job is %s before its result is written (R9)', async (status, before) => {
  const cluster = new Cluster();
  const { dispatcher } = await cluster.lead();
  await dispatcher.submit(submission());
  const master = await cluster.master();
  master.switchTo('RUNNING');
  master.switchTo(status);
  expect(dispatcher.list()).toMatchObject([{ state: before }]);
  expect(await dispatcher.details(JOB)).toMatchObject({ state: before });
  await master.end(status);
  await vi.waitFor(() => expect(dispatcher.list()).toMatchObject([{ state: status }]));
});
