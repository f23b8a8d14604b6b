import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ClusterStorage } from '../../../coordination/storage/cluster-storage.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import { seededRandom } from '../../../foundation/common/random.ts';
import { MemoryFileSystem } from '../../../foundation/filesystem/memory/memory-file-system.ts';
import { ClusterWorld, LEASE_MS } from '../test-support/cluster-world.ts';
import { testGraph } from '../test-support/test-graph.ts';
import type { JobSubmission } from './cluster-gateway.ts';

const JOB = 'a'.repeat(32) as JobId;

const submission: JobSubmission = {
  jobId: JOB,
  graph: testGraph([{ name: 'source', parallelism: 1 }]),
  bundle: Buffer.from('export default 1'),
  args: [],
  env: {},
  configuration: {},
};

test('a deposed leader that refuses a job deletes nothing of what the next one has accepted under its id (R16)', async () => {
  const world = new ClusterWorld();
  const first = await world.jobManager('one');
  await world.until(() => first.jobManager.isLeading, 'the first leads');
  const second = await world.jobManager('two');
  const checked = Promise.withResolvers<readonly string[]>();
  first.starter.check = () => checked.promise;
  const refused = first.jobManager.submit(submission).catch((thrown: unknown) => thrown);
  await world.pass(1_500);
  world.pause(first);
  await world.until(() => second.jobManager.isLeading, 'the second leads', 3 * LEASE_MS);
  expect(await world.settled(second.jobManager.submit(submission))).toMatchObject({ outcome: 'accepted' });

  checked.reject(new MillraceError('BAD_JOB', 'what it starts from was not there yet'));
  expect(await refused).toMatchObject({ code: 'BAD_JOB' });
  await setImmediate();
  const storage = new ClusterStorage(new MemoryFileSystem({ disk: world.disk }), '/cluster', seededRandom(1));
  expect(await storage.jobIds()).toEqual([JOB]);
});
