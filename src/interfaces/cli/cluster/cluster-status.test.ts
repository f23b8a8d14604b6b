import { afterEach, expect, test } from 'vitest';
import { closeServers, startServer } from '../../rest/test-support/asked-server.ts';
import { FakeGateway } from '../../rest/test-support/fake-gateway.ts';
import type { ClusterProcess, LocalCluster } from '../local-cluster.ts';
import { run, type Ran } from './test-support/run-cli.ts';

afterEach(closeServers);

const jobManager = (changes: Partial<ClusterProcess> = {}): ClusterProcess => ({
  name: 'jobmanager-1',
  kind: 'jobmanager',
  pid: 7,
  isAlive: true,
  restPort: 1,
  restarts: 0,
  log: '/logs/jobmanager-1.log',
  ...changes,
});

const status = (changes: Partial<LocalCluster>): Promise<Ran> =>
  run(['cluster', 'status'], {
    openLocalCluster: () =>
      Promise.resolve({
        settings: () => Promise.resolve({ 'high-availability.type': 'embedded' }),
        processes: () => Promise.resolve([jobManager()]),
        troubles: () => Promise.resolve([]),
        ...changes,
      } as LocalCluster),
  });

test('where nobody leads, the status says why as far as logs tell', async () => {
  const troubles = [{ name: 'jobmanager-1', at: '12:00', text: 'the HA store at /ha does not work: no space left' }];
  const told = await status({ troubles: () => Promise.resolve(troubles) });
  expect(told.code).toBe(1);
  expect(told.stdout).toMatch(/^jobmanager-1 +7 +alive/m);
  expect(told.stdout).toContain(
    'no JobManager leads\njobmanager-1 said at 12:00: the HA store at /ha does not work: no space left\n',
  );
  const untold = await status({});
  expect([untold.code, untold.stdout]).toEqual([1, expect.stringContaining('an election takes some seconds')]);
  const dead = await status({ processes: () => Promise.resolve([jobManager({ isAlive: false })]) });
  expect([dead.code, dead.stdout]).toEqual([1, expect.stringContaining('no JobManager leads: none lives')]);
});

test('who cannot reach the leader is not told that nobody leads, nor that all are standbys', async () => {
  const gone = await startServer();
  await gone.server.close();
  const settings = { 'rest.address': '127.0.0.1', 'rest.port': String(gone.server.port) };
  const { code, stdout } = await status({ settings: () => Promise.resolve(settings) });
  expect([code, stdout]).toEqual([1, expect.stringMatching(/^jobmanager-1 +7 +alive  /m)]);
  expect(stdout).toContain('cannot be asked: no JobManager answers at http://127.0.0.1');
});

test('who may not ask still sees the processes', async () => {
  const access = { token: '0123456789abcdef', allowedOrigins: [], hostNames: undefined };
  const { server } = await startServer(new FakeGateway(), { access });
  const settings = { 'rest.address': '127.0.0.1', 'rest.port': String(server.port) };
  const { code, stdout, stderr } = await status({ settings: () => Promise.resolve(settings) });
  expect([code, stdout]).toEqual([1, expect.stringMatching(/^jobmanager-1 +7 +alive/m)]);
  expect(stdout).not.toContain('no JobManager leads');
  expect(stderr).toContain('wants a token; set security.rest.auth-token');
});
