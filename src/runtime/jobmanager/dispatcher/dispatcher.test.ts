import { expect, test, vi } from 'vitest';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import { brokenFile } from '../test-support/fake-job-starter.ts';
import { OwnLoadingMarks } from './own-loading-marks.ts';

import { Cluster, JOB, OTHER, refused, savepointAt, submission } from '../test-support/dispatcher-cluster.ts';
test('a submission is answered when it is durable: a leader that comes right then runs the job', async () => {
  const cluster = new Cluster();
  const first = await cluster.lead();
  const answer = await first.dispatcher.submit(submission());
  expect(answer).toEqual({ jobId: JOB, outcome: 'accepted', notes: ['a note'] });
  const second = await cluster.takeOver(first);
  const master = await cluster.master();
  expect(master.job).toMatchObject({ jobId: JOB, args: ['--fast'], graph: { name: 'test-job' } });
  expect(second.dispatcher.list()).toMatchObject([{ jobId: JOB, state: 'INITIALIZING', name: 'test-job' }]);
});

test('the same submission again, at once or later, is the same job', async () => {
  const cluster = new Cluster();
  const leader = await cluster.lead();
  const both = await Promise.all([leader.dispatcher.submit(submission()), leader.dispatcher.submit(submission())]);
  expect(both.map(({ outcome }) => outcome)).toEqual(['accepted', 'exists']);
  const second = await cluster.takeOver(leader);
  expect(await second.dispatcher.submit(submission())).toMatchObject({ outcome: 'exists' });
  expect(second.dispatcher.list()).toHaveLength(1);
});

test('a job that is refused leaves nothing', async () => {
  const cluster = new Cluster();
  const { dispatcher } = await cluster.lead();
  cluster.starter.refusal = new MillraceError('BAD_JOB', 'no');
  await refused(dispatcher.submit(submission()), 'BAD_JOB');
  expect(await cluster.fs.list(cluster.storage.jobFolder(JOB))).toEqual([]);
  expect(dispatcher.list()).toEqual([]);
  await refused(dispatcher.submit({ ...submission(), jobId: 'x' as JobId }), 'BAD_OPTION');
});

test('the end: the result stays, pointers and files go, the id is used up', async () => {
  const cluster = new Cluster();
  const leader = await cluster.lead();
  await leader.dispatcher.submit(submission());
  const master = await cluster.master();
  master.switchTo('RUNNING');
  const { submittedMs } = await leader.dispatcher.details(JOB);
  expect(submittedMs).toEqual(expect.any(Number));
  await master.end('FINISHED');
  await vi.waitFor(async () => expect((await leader.stores.raw.jobResults.get(JOB))?.isDirty).toBe(false));
  expect(await leader.stores.raw.jobGraphs.get(JOB)).toBeUndefined();
  expect(await cluster.storage.jobIds()).toEqual([]);
  expect(leader.dispatcher.list()).toMatchObject([{ jobId: JOB, state: 'FINISHED', submittedMs }]);
  expect(await leader.dispatcher.details(JOB)).toMatchObject({ state: 'FINISHED', restarts: 0 });
  await refused(leader.dispatcher.submit(submission()), 'JOB_ENDED');
  await leader.dispatcher.cancel(JOB);
  await refused((await cluster.takeOver(leader)).dispatcher.submit(submission()), 'JOB_ENDED');
});

test('a leader dies between the result and the rest: the next one cleans up and does not run the job', async () => {
  const cluster = new Cluster();
  cluster.starter.checkpoints = '/checkpoints/job';
  await cluster.fs.write('/checkpoints/job/chk-7/_metadata', Buffer.from('its files are named in it'));
  const first = await cluster.lead();
  await first.dispatcher.submit(submission());
  const master = await cluster.master();
  await master.surroundings.persistResult?.({ jobId: JOB, status: 'FINISHED', restarts: 0, durationMs: 1 });
  cluster.starter.masters.clear();
  const second = await cluster.takeOver(first);
  expect(cluster.starter.masters.size).toBe(0);
  await vi.waitFor(async () => expect((await second.stores.raw.jobResults.get(JOB))?.isDirty).toBe(false));
  expect(await second.stores.raw.jobGraphs.get(JOB)).toBeUndefined();
  expect(await cluster.fs.list('/checkpoints')).toEqual([]);
});

test('a broken job is set aside and harms no other; tried again it runs', async () => {
  const cluster = new Cluster();
  const first = await cluster.lead();
  await first.dispatcher.submit(submission());
  await first.dispatcher.submit(submission(OTHER));
  await cluster.master(OTHER);
  cluster.starter.broken.set(JOB, new MillraceError('CORRUPT_DATA', 'the bundle is damaged'));
  const second = await cluster.takeOver(first);
  expect(await second.dispatcher.details(JOB)).toMatchObject({
    state: 'SET_ASIDE',
    error: { message: 'the bundle is damaged' },
  });
  expect(cluster.starter.master(OTHER).heard).toContain('start');
  await refused(second.dispatcher.savepoint(JOB, {}), 'JOB_SET_ASIDE');
  expect(await second.stores.raw.jobGraphs.get(JOB)).toBeDefined();
  cluster.starter.broken.clear();
  await second.dispatcher.retry(JOB);
  expect(cluster.starter.master(JOB).heard).toContain('start');
});

test('a job graph file with one wrong byte sets its job aside', async () => {
  const cluster = new Cluster();
  const first = await cluster.lead();
  await first.dispatcher.submit(submission());
  await cluster.master();
  const pointer = await first.stores.raw.jobGraphs.get(JOB);
  const bytes = Buffer.from(await cluster.fs.read(pointer!.graphPath));
  bytes[bytes.length >> 1]! ^= 1;
  await cluster.fs.write(pointer!.graphPath, bytes);
  const second = await cluster.takeOver(first);
  expect(second.dispatcher.list()).toMatchObject([{ state: 'SET_ASIDE' }]);
});

test('checkpoints that cannot be read set the job aside, its tasks are left alone', async () => {
  const cluster = new Cluster();
  const { dispatcher, stores } = await cluster.lead();
  await dispatcher.submit(submission());
  (await cluster.master()).fail(brokenFile);
  await vi.waitFor(() => expect(dispatcher.list()).toMatchObject([{ state: 'SET_ASIDE' }]));
  expect(dispatcher.isKnown(JOB)).toBe(true);
  expect(await stores.raw.jobResults.get(JOB)).toBeUndefined();
});

test('what is away is asked for again', async () => {
  const cluster = new Cluster();
  const { dispatcher } = await cluster.lead();
  cluster.starter.broken.set(JOB, new MillraceError('FILESYSTEM', 'EIO'));
  await dispatcher.submit(submission());
  await vi.waitFor(() => expect(cluster.starter.prepared).toHaveLength(1));
  cluster.starter.broken.clear();
  await vi.waitFor(() => {
    cluster.clock.advanceBy(100);
    expect(cluster.starter.masters.has(JOB)).toBe(true);
  });
});

test('a job that three leaders did not live to load is set aside', async () => {
  const cluster = new Cluster();
  let leader = await cluster.lead();
  await leader.dispatcher.submit(submission());
  await cluster.master();
  for (let takeover = 0; takeover < 2; takeover++) {
    leader = await cluster.takeOver(leader);
    expect(leader.dispatcher.list()).toMatchObject([{ state: 'INITIALIZING' }]);
  }
  leader = await cluster.takeOver(leader);
  expect(await leader.dispatcher.details(JOB)).toMatchObject({ state: 'SET_ASIDE', error: { code: 'JOB_SET_ASIDE' } });
  await leader.dispatcher.retry(JOB);
  cluster.starter.master(JOB).switchTo('RUNNING');
  await vi.waitFor(async () => expect((await leader.stores.record(JOB).read()).loadingMarks).toBe(0));
});

test('leaders that lost their leadership while they loaded a job, and live, do not set it aside', async () => {
  const cluster = new Cluster();
  cluster.ownMarks = new OwnLoadingMarks();
  let leader = await cluster.lead();
  await leader.dispatcher.submit(submission());
  await cluster.master();
  for (let takeover = 0; takeover < 5; takeover++) {
    leader = await cluster.takeOver(leader);
    expect(leader.dispatcher.list()).toMatchObject([{ state: 'INITIALIZING' }]);
  }
  cluster.starter.master(JOB).switchTo('RUNNING');
  await vi.waitFor(async () => expect((await leader.stores.record(JOB).read()).loadingMarks).toBe(0));
  // Those of others count, now that its own are cleared.
  cluster.ownMarks = undefined;
  for (let takeover = 0; takeover < 4; takeover++) {
    leader = await cluster.takeOver(leader);
  }
  expect(leader.dispatcher.list()).toMatchObject([{ state: 'SET_ASIDE' }]);
});

test('a job that each leader finishes to load has no marks left', async () => {
  const cluster = new Cluster();
  let leader = await cluster.lead();
  await leader.dispatcher.submit(submission());
  for (let takeover = 0; takeover < 5; takeover++) {
    (await cluster.master()).switchTo('RUNNING');
    await vi.waitFor(async () => expect((await leader.stores.record(JOB).read()).loadingMarks).toBe(0));
    leader = await cluster.takeOver(leader);
  }
  expect(leader.dispatcher.list()).toMatchObject([{ state: 'INITIALIZING' }]);
});

test('cancel of a job that is set aside ends it', async () => {
  const cluster = new Cluster();
  const { dispatcher } = await cluster.lead();
  cluster.starter.broken.set(JOB, new MillraceError('CORRUPT_DATA', 'damaged'));
  await dispatcher.submit(submission());
  await vi.waitFor(() => expect(dispatcher.list()).toMatchObject([{ state: 'SET_ASIDE' }]));
  await dispatcher.cancel(JOB);
  expect(dispatcher.list()).toMatchObject([{ state: 'CANCELED' }]);
  expect(dispatcher.isKnown(JOB)).toBe(false);
});

test('cancel of a job that is being loaded, and then set aside, ends it too', async () => {
  const cluster = new Cluster();
  const { dispatcher } = await cluster.lead();
  cluster.starter.broken.set(JOB, new MillraceError('CORRUPT_DATA', 'damaged'));
  void dispatcher.submit(submission());
  while (dispatcher.list().length === 0) {
    await Promise.resolve();
  }
  await dispatcher.cancel(JOB);
  await vi.waitFor(() => expect(dispatcher.list()).toMatchObject([{ state: 'CANCELED' }]));
});

test('a job that was set aside once, and whose tasks another JobMaster takes over later, is not set aside for that', async () => {
  const cluster = new Cluster();
  const { dispatcher } = await cluster.lead();
  await dispatcher.submit(submission());
  (await cluster.master()).fail(brokenFile);
  await vi.waitFor(() => expect(dispatcher.list()).toMatchObject([{ state: 'SET_ASIDE' }]));
  await dispatcher.retry(JOB);
  const master = await cluster.master();
  master.switchTo('RUNNING');
  master.retire();
  await master.result;
  await new Promise((resolve) => setImmediate(resolve));
  expect(dispatcher.list()).toMatchObject([{ state: 'SUSPENDED' }]);
});

test('a stop that a leader accepted has the same trigger under the next one', async () => {
  const cluster = new Cluster();
  const first = await cluster.lead();
  await first.dispatcher.submit(submission());
  (await cluster.master()).switchTo('RUNNING');
  const { triggerId } = await first.dispatcher.stop(JOB, { triggerId: 'mine', drain: false });
  expect(triggerId).toBe('mine');
  expect(await first.dispatcher.snapshotStatus(JOB, 'mine')).toEqual({ state: 'in-progress' });
  const second = await cluster.takeOver(first);
  expect(await second.dispatcher.snapshotStatus(JOB, 'mine')).toEqual({ state: 'in-progress' });
  await second.dispatcher.stop(JOB, { triggerId: 'mine', drain: false });
  const master = await cluster.master();
  expect(master.heard).not.toContain('stop');
  await master.end('FINISHED', '/savepoints/s1');
  await vi.waitFor(async () =>
    expect(await second.dispatcher.snapshotStatus(JOB, 'mine')).toEqual({
      state: 'completed',
      location: '/savepoints/s1',
    }),
  );
});

test('a savepoint that was asked for is forgotten by a takeover, a completed one is told', async () => {
  const cluster = new Cluster();
  const first = await cluster.lead();
  await first.dispatcher.submit(submission());
  const master = await cluster.master();
  master.switchTo('RUNNING');
  const { triggerId } = await first.dispatcher.savepoint(JOB, {});
  expect(master.heard).toContain('savepoint to /savepoints');
  master.savepoint.resolve(savepointAt('/savepoints/s2'));
  await vi.waitFor(async () =>
    expect(await first.dispatcher.snapshotStatus(JOB, triggerId)).toEqual({
      state: 'completed',
      location: '/savepoints/s2',
    }),
  );
  const second = await cluster.takeOver(first);
  await refused(second.dispatcher.snapshotStatus(JOB, triggerId), 'TRIGGER_NOT_FOUND');
});

test('jobs that are not there', async () => {
  const { dispatcher } = await new Cluster().lead();
  await refused(dispatcher.details(JOB), 'JOB_NOT_FOUND');
  await refused(dispatcher.cancel(JOB), 'JOB_NOT_FOUND');
  await refused(dispatcher.savepoint(JOB, {}), 'JOB_NOT_FOUND');
});
