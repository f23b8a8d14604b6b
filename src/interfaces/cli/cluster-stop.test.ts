import { PassThrough } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../foundation/common/system-clock.ts';
import { closeServers, startServer } from '../rest/test-support/asked-server.ts';
import { jobDetails, type RUNNING_JOB } from '../rest/test-support/fake-gateway.ts';
import { overviewSchema } from '../rest/schema/cluster-schema.ts';
import { RestClient } from './cluster/rest-client.ts';
import { settleJobs } from './cluster-stop.ts';
import { Terminal } from './terminal.ts';

afterEach(closeServers);

test('a job that waits for slots keeps no other one from being stopped: it is named, and the cluster goes on', async () => {
  const { gateway, server } = await startServer();
  const waits = 'b'.repeat(32) as typeof RUNNING_JOB;
  const others = [...gateway.jobs];
  gateway.jobs.clear();
  gateway.jobs.set(waits, jobDetails(waits, { name: 'wide', status: 'CREATED', waiting: 'it needs 20 slots' }));
  others.forEach(([jobId, job]) => gateway.jobs.set(jobId, job));
  const client = new RestClient({
    where: 'here',
    findAddress: () => Promise.resolve(server.address),
    isHighlyAvailable: false,
    token: undefined,
    clock: systemClock,
    awaitLeaderMs: 0,
    retryDelayMs: 1,
    timeoutMs: 30_000,
  });
  const stopping = settleJobs({
    client,
    overview: await client.ask('GET', '/overview', overviewSchema),
    takesCheckpoints: true,
    stopsJobs: true,
    isHighlyAvailable: true,
    terminal: new Terminal({ stdout: new PassThrough(), stderr: new PassThrough() }),
    clock: systemClock,
  });
  await expect(stopping).rejects.toThrow(
    new RegExp(`the cluster goes on.*\\njob wide \\(${waits}\\) does not run: it needs 20 slots$`),
  );
  expect(gateway.calls.filter((call) => call.startsWith('stop'))).toEqual(['stop /savepoints suspend']);
});
