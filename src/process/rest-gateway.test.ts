import { expect, test } from 'vitest';
import type { JobId } from '../foundation/common/ids.ts';
import { Configuration } from '../foundation/config/configuration.ts';
import type { ClusterGateway, JobSummary } from '../runtime/jobmanager/dispatcher/cluster-gateway.ts';
import { JobManagerRestGateway } from './rest-gateway.ts';

const jobId = 'a'.repeat(32) as JobId;

const summary = (changes: Partial<JobSummary>): JobSummary => ({
  jobId,
  name: 'words',
  state: 'RUNNING',
  submittedMs: 1,
  endedMs: undefined,
  tasks: { total: 4, running: 0 },
  waiting: undefined,
  setAside: undefined,
  ...changes,
});

test.each([
  ['waits for its first slots', { waiting: { jobId, requested: 4, missing: 3 } }, 'CREATED'],
  ['has its slots', {}, 'RUNNING'],
  ['runs in part', { waiting: { jobId, requested: 4, missing: 3 }, tasks: { total: 4, running: 1 } }, 'RUNNING'],
  ['lost its slots', { state: 'RESTARTING', waiting: { jobId, requested: 4, missing: 3 } }, 'RESTARTING'],
  ['is set aside', { state: 'SET_ASIDE' }, 'SUSPENDED'],
] as const)('a job that %s', async (_, changes, status) => {
  const cluster = { list: () => Promise.resolve([summary(changes)]) } as unknown as ClusterGateway;
  const gateway = new JobManagerRestGateway(cluster, Configuration.of({}, 'a test'));
  expect(await gateway.list()).toMatchObject([{ jobId, status }]);
});
