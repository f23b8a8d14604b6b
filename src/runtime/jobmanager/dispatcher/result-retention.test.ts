import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Cluster, JOB, OTHER, refused, submission } from '../test-support/dispatcher-cluster.ts';
import { outlived } from './result-retention.ts';

const ended = (name: string, endedMs: number, isDirty = false) => ({ name, endedMs, isDirty });
const names = (found: readonly { readonly name: string }[]): readonly string[] => found.map(({ name }) => name);

test('results are forgotten after their time, the oldest first where there are too many, never before they are cleaned up', () => {
  const results = [ended('new', 900), ended('old', 100), ended('dirty', 50, true), ended('middle', 500)];
  expect(names(outlived(results, { expirationMs: 500, capacity: Infinity }, 1_000))).toEqual(['old', 'middle']);
  expect(names(outlived(results, { expirationMs: 501, capacity: Infinity }, 1_000))).toEqual(['old']);
  expect(names(outlived(results, { expirationMs: 10_000, capacity: 2 }, 1_000))).toEqual(['old']);
  expect(names(outlived(results, { expirationMs: 10_000, capacity: 1 }, 1_000))).toEqual(['old', 'middle']);
  expect(names(outlived([], { expirationMs: 1, capacity: 1 }, 1_000))).toEqual([]);
});

const pass = async ({ clock }: Cluster, minutes: number): Promise<void> => {
  for (let left = minutes; left > 0; left--) {
    clock.advanceTo(clock.now() + 60_000);
    await setImmediate();
  }
};

test('a job that ended long ago is gone from the list, the store and the files; its successors do not know it either', async () => {
  const cluster = new Cluster();
  cluster.retention = { expirationMs: 3_600_000, capacity: Infinity };
  const first = await cluster.lead();
  await first.dispatcher.submit(submission());
  const master = await cluster.master();
  master.switchTo('RUNNING');
  await master.end('FINISHED');
  const states = (): readonly string[] => first.dispatcher.list().map(({ state }) => state);
  await expect.poll(states).toEqual(['FINISHED']);
  await refused(first.dispatcher.submit(submission()), 'JOB_ENDED');
  await pass(cluster, 58);
  expect(states()).toEqual(['FINISHED']);
  await pass(cluster, 3);
  await expect.poll(states).toEqual([]);
  await expect.poll(() => cluster.fs.names(cluster.storage.resultsFolder)).toEqual([]);
  expect(await cluster.services.reader.results()).toEqual([]);
  const second = await cluster.takeOver(first);
  expect(second.dispatcher.list()).toEqual([]);
  expect(await second.dispatcher.submit(submission(OTHER))).toMatchObject({ outcome: 'accepted' });
  await refused(second.dispatcher.details(JOB), 'JOB_NOT_FOUND');
});
