import { afterEach, expect, test } from 'vitest';
import { closeServers, startServer, startStandby } from '../../rest/test-support/asked-server.ts';
import { FakeGateway, RUNNING_JOB } from '../../rest/test-support/fake-gateway.ts';
import type { JobControl } from '../job-control.ts';
import { nothingLocal, run } from './test-support/run-cli.ts';

afterEach(closeServers);

const LOCAL = { jobId: 'a'.repeat(32), jobName: 'local', status: 'RUNNING', startedMs: 1, place: 'process 7' };

const openLocalControl = (): Promise<JobControl> =>
  Promise.resolve({
    ...nothingLocal(),
    list: () => Promise.resolve([LOCAL]),
    checkpoint: () => Promise.resolve('/here'),
  });

/** Of a cluster that wants a token which nobody has, and of one without a leader. */
const unanswered = async (): Promise<readonly (readonly [Readonly<Record<string, string>>, RegExp])[]> => {
  const access = { token: '0123456789abcdef', allowedOrigins: [], hostNames: undefined };
  const { server } = await startServer(new FakeGateway(), { access });
  return [
    [
      { 'rest.address': '127.0.0.1', 'rest.port': String(server.port) },
      /the cluster of this machine .* cannot be asked: .* wants a token; set security.rest.auth-token/,
    ],
    [
      { 'high-availability.type': 'embedded', 'rest.await-leader-timeout': '1' },
      /cannot be asked: no JobManager leads the cluster of this machine right now; "millrace cluster status" says why/,
    ],
  ];
};

test('jobs of a cluster that cannot be asked are not taken for none; those of this machine are listed', async () => {
  for (const [settings, why] of await unanswered()) {
    const startedCluster = (): Promise<Readonly<Record<string, string>>> => Promise.resolve(settings);
    const some = await run(['list'], { startedCluster, openLocalControl });
    expect([some.code, some.stdout]).toEqual([1, expect.stringMatching(/a{32} .*local\n$/)]);
    expect(some.stderr).toMatch(why);
    const none = await run(['list'], { startedCluster });
    expect([none.code, none.stdout, none.stderr]).toEqual([1, '', expect.stringMatching(why)]);
  }
});

test('a job that may be in a cluster which cannot be asked is not said to be nowhere', async () => {
  for (const [settings, why] of await unanswered()) {
    const startedCluster = (): Promise<Readonly<Record<string, string>>> => Promise.resolve(settings);
    const unknown = await run(['checkpoint', RUNNING_JOB], { startedCluster, openLocalControl });
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringMatching(why)]);
    expect(unknown.stderr).toContain(`whether job '${RUNNING_JOB}' runs in the cluster of this machine is not known`);
    expect((await run(['checkpoint', 'aaa'], { startedCluster, openLocalControl })).stdout).toContain('Path: /here');
  }
});

test('a JobManager that sees no leader is an error that names where was asked', async () => {
  const { server } = await startStandby({});
  const at = ['-m', `127.0.0.1:${server.port}`, '-D', 'rest.await-leader-timeout=1'];
  const { code, stderr } = await run(['list', ...at]);
  expect([code, stderr]).toEqual([
    1,
    `millrace: no JobManager leads http://127.0.0.1:${server.port} right now; the logs of its JobManagers say why\n`,
  ]);
});
