import { highAvailabilityOptions } from '../../../foundation/config/options/high-availability-options.ts';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { closeServers, startServer, startStandby } from '../../rest/test-support/asked-server.ts';
import { FAILED_JOB, FakeGateway, FINISHED_JOB, GRAPH, RUNNING_JOB } from '../../rest/test-support/fake-gateway.ts';
import type { CliEnvironment } from '../cli.ts';
import type { JobControl } from '../job-control.ts';
import { cluster, nothingLocal, run, type Ran } from './test-support/run-cli.ts';

afterEach(closeServers);

const JOB_FILE = new URL('test-support/job.ts', import.meta.url).pathname;

describe('jobs of a cluster', () => {
  test('are listed: those that run, those that are scheduled, all', async () => {
    const { at, gateway, address } = await cluster();
    const scheduled = '00000000000000000000000000000009' as typeof RUNNING_JOB;
    gateway.jobs.set(scheduled, { ...gateway.jobs.get(RUNNING_JOB)!, jobId: scheduled, status: 'CREATED' });
    const listed = async (...flags: string[]): Promise<string[]> =>
      [...(await run(['list', ...at, ...flags])).stdout.matchAll(/^\w{32}/gm)].map(String);
    expect(await listed()).toEqual([RUNNING_JOB, scheduled]);
    expect(await listed('-r')).toEqual([RUNNING_JOB]);
    expect(await listed('-s')).toEqual([scheduled]);
    expect(await listed('-r', '-s')).toEqual([RUNNING_JOB, scheduled]);
    expect(await listed('-a')).toEqual([RUNNING_JOB, FINISHED_JOB, FAILED_JOB, scheduled]);
    expect((await run(['list', ...at])).stdout).toContain(address);
    gateway.jobs.clear();
    expect((await run(['list', ...at])).stdout).toBe('The cluster has no jobs.\n');
  });

  test('are cancelled by the beginning of their id', async () => {
    const { at, gateway } = await cluster();
    gateway.jobs.delete(FINISHED_JOB);
    gateway.jobs.delete(FAILED_JOB);
    expect(await run(['cancel', ...at, RUNNING_JOB.slice(0, 4)])).toMatchObject({
      code: 0,
      stdout: 'Cancelled job 0000.\n',
    });
    const again = await run(['cancel', ...at, RUNNING_JOB]);
    expect(again.code, 'it was cancelled already').toBe(0);
    expect(await run(['cancel', ...at, 'abc'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no job 'abc' runs in http://127.0.0.1"),
    });
  });

  test('take savepoints and checkpoints, and are stopped', async () => {
    const { at, gateway } = await cluster();
    expect((await run(['savepoint', ...at, RUNNING_JOB, '/kept'])).stdout).toBe(
      'Savepoint completed. Path: /kept/savepoint-1\n' +
        'Continue with: millrace run --fromSavepoint /kept/savepoint-1 <job file>\n',
    );
    expect((await run(['savepoint', ...at, 'trigger', RUNNING_JOB])).stdout).toContain('/savepoints/savepoint-1');
    expect((await run(['checkpoint', ...at, RUNNING_JOB])).stdout).toBe(
      'Checkpoint completed. Path: /checkpoints/chk-7\n',
    );
    expect((await run(['stop', ...at, '-d', '-p', '/kept', RUNNING_JOB])).stdout).toContain(
      'Savepoint completed. Path: /kept/savepoint-1',
    );
    expect(gateway.calls).toContain('stop /kept drain');
    const ended = await run(['stop', ...at, RUNNING_JOB]);
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('has ended')]);
  });

  test('that are set aside say why, and are tried again', async () => {
    const { at, gateway } = await cluster();
    const waiting = 'it is set aside: the file /graph is missing';
    gateway.jobs.set(RUNNING_JOB, { ...gateway.jobs.get(RUNNING_JOB)!, status: 'SUSPENDED', waiting });
    expect((await run(['list', ...at])).stdout).toContain(`\nwords (${RUNNING_JOB}) waits: ${waiting}\n`);
    gateway.failure = new MillraceError('JOB_SET_ASIDE', 'job 1 is set aside');
    const cancelled = await run(['cancel', ...at, RUNNING_JOB]);
    expect([cancelled.code, cancelled.stderr]).toEqual([1, 'millrace: job 1 is set aside\n']);
    gateway.failure = undefined;
    expect(await run(['retry', ...at, RUNNING_JOB])).toMatchObject({
      code: 0,
      stdout: `Job ${RUNNING_JOB} is taken up again.\n`,
    });
    expect(gateway.calls).toContain(`retry ${RUNNING_JOB}`);
    expect((await run(['list', ...at])).stdout).not.toContain('waits');
    const asked = gateway.calls.length;
    expect(await run(['retry', ...at, RUNNING_JOB])).toMatchObject({
      code: 0,
      stdout: `Job ${RUNNING_JOB} is not set aside, it is RUNNING: there was nothing to do.\n`,
    });
    const ended = await run(['retry', ...at, FINISHED_JOB]);
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('has ended already')]);
    expect(gateway.calls.slice(asked).filter((call) => call.startsWith('retry'))).toEqual([]);
  });

  test('leave savepoints, which are disposed of', async () => {
    const { at, gateway } = await cluster();
    expect((await run(['savepoint', ...at, 'dispose', '/kept/savepoint-1'])).stdout).toBe(
      "Savepoint '/kept/savepoint-1' disposed.\n",
    );
    expect((await run(['savepoint', ...at, '--dispose', '/b'])).code).toBe(0);
    expect(gateway.calls.filter((call) => call.startsWith('dispose'))).toEqual([
      'dispose /kept/savepoint-1',
      'dispose /b',
    ]);
    const missing = await run(['savepoint', ...at, '-d', '/missing']);
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('there is no savepoint at /missing')]);
    expect((await run(['savepoint', ...at])).code).toBe(1);
  });
});

describe('a job', () => {
  const runJob = (args: readonly string[], changes: Partial<CliEnvironment> = {}): Promise<Ran> =>
    run(['run', ...args.slice(0, -1), '--no-check', JOB_FILE, ...args.slice(-1)], changes);

  test('is submitted with graph and bundle, and the command returns', async () => {
    const { at, gateway } = await cluster();
    const { code, stdout, stderr } = await runJob(['--detached', ...at, '--env', 'TOPIC', 'x'], {
      env: { TOPIC: 't' },
    });
    expect([code, stdout, stderr]).toEqual([
      0,
      expect.stringMatching(/^Job has been submitted with JobID [0-9a-f]{32}\n$/),
      expect.stringMatching(/^WARN mind the gap\nCheckpoints go to /m),
    ]);
    const [submission] = gateway.submissions;
    expect(submission).toMatchObject({
      graph: GRAPH,
      args: ['x'],
      env: { TOPIC: 't' },
      configuration: { 'parallelism.default': '2' },
    });
    expect(submission?.bundle.hash).toBe(
      createHash('sha256')
        .update(submission?.bundle.code ?? '')
        .digest('hex'),
    );
  });

  test('is waited for', async () => {
    const { at, gateway } = await cluster();
    const jobId = '12345678123456781234567812345678' as typeof RUNNING_JOB;
    const running = runJob([...at, '--jobId', jobId, '1']);
    while (!gateway.jobs.has(jobId)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    gateway.end(jobId, { status: 'FINISHED', savepoint: '/savepoints/s' });
    const { code, stderr } = await running;
    expect([code, stderr]).toEqual([0, expect.stringContaining(`Job words (${jobId}) finished after 9.0 s`)]);
    expect(stderr).toContain('Continue with: millrace run --fromSavepoint /savepoints/s');
  });

  test('that fails is an exit code and a reason', async () => {
    const { at, gateway } = await cluster();
    const jobId = '12345678123456781234567812345678' as typeof RUNNING_JOB;
    const running = runJob([...at, '--jobId', jobId, '1']);
    while (!gateway.jobs.has(jobId)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const failures = [
      { atMs: 1, error: { name: 'TypeError', message: 'x is no number' }, task: 'sum', taskManager: 'a' },
    ];
    gateway.end(jobId, { status: 'FAILED', failures });
    const { code, stderr } = await running;
    expect([code, stderr]).toEqual([1, expect.stringContaining('failed after 9.0 s: TypeError: x is no number')]);
    expect(stderr, 'the cluster did not say it').not.toContain('checkpoints were deleted');
  });

  test('goes on when the command that waits for it is interrupted', async () => {
    const { at, gateway } = await cluster();
    const jobId = '12345678123456781234567812345678' as typeof RUNNING_JOB;
    let interrupt: ((signal: 'SIGINT') => void) | undefined;
    const running = runJob([...at, '--jobId', jobId, '1'], {
      onInterrupt: (listener) => {
        interrupt = listener;
        return () => {};
      },
    });
    while (!gateway.jobs.has(jobId)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    interrupt?.('SIGINT');
    const { code, stderr } = await running;
    expect([code, stderr]).toEqual([
      130,
      expect.stringContaining(`Job words goes on in the cluster; "millrace cancel ${jobId}"`),
    ]);
    expect(gateway.calls.some((call) => call.startsWith('cancel'))).toBe(false);
  });

  test('and nobody answers whether it was taken: the command can be repeated so that it runs once', async () => {
    const ha = ['-D', 'high-availability.type=embedded', '-D', 'rest.await-leader-timeout=1'];
    const { code, stderr } = await run(['run', '-d', '--no-check', ...ha, JOB_FILE], {
      findLeader: () => Promise.resolve(undefined),
    });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/no JobManager leads .* with --jobId [0-9a-f]{32}/)]);
  });

  test('needs a cluster to be detached', async () => {
    const { code, stderr } = await runJob(['--detached', '1']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('there is no cluster to run the job in')]);
    expect((await runJob(['--detached', '-t', 'local', '1'])).stderr).toContain('the target is local');
    expect((await runJob(['-t', 'elsewhere', '1'])).stderr).toContain("the target is 'elsewhere'; allowed: remote");
  });

  test('is not watched or debugged in a cluster', async () => {
    const { at } = await cluster();
    expect((await runJob(['--watch', ...at, '1'])).stderr).toContain('--watch is for jobs inside this process');
    expect((await runJob(['--inspect', ...at, '1'])).stderr).toContain('--inspect is for jobs inside this process');
  });

  test('has a plan', async () => {
    const { code, stdout, stderr } = await run(['info', JOB_FILE]);
    expect([code, stderr]).toEqual([0, 'WARN mind the gap\n']);
    const [, plan] = stdout.split(/^-+(?: Execution Plan -+)?$/m);
    expect(JSON.parse(plan ?? '')).toMatchObject({
      name: 'words',
      nodes: [{ description: 'source' }, { description: 'sum' }],
    });
  });
});

describe('a cluster is found', () => {
  test('through the HA store of the configuration; a standby serves too', async () => {
    const leader = await startServer();
    const standby = await startStandby({ leaderAddress: () => leader.server.address });
    const ha = ['-D', 'high-availability.type=embedded', '-D', 'high-availability.storageDir=/x'];
    const found = await run(['list', ...ha], { findLeader: () => Promise.resolve(standby.server.address) });
    expect(found.stdout).toContain(RUNNING_JOB);
  });

  test('again, when its leader changes while it is asked', async () => {
    const first = await startServer();
    const second = await startServer();
    await first.server.close();
    const addresses = [undefined, first.server.address, second.server.address];
    const ha = ['-D', 'high-availability.type=embedded', '-D', 'rest.retry.delay=1'];
    const found = await run(['list', ...ha], {
      findLeader: () => Promise.resolve(addresses.length > 1 ? addresses.shift() : addresses[0]),
    });
    expect([found.code, found.stdout]).toEqual([0, expect.stringContaining(RUNNING_JOB)]);
  });

  test('again, when its leader takes connections, answers nothing and is replaced', async () => {
    const silent = createServer();
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const connected = once(silent, 'connection');
    const { server } = await startServer();
    let isReplaced = false;
    void connected.then(() => (isReplaced = true));
    const ha = ['-D', 'high-availability.type=embedded', '-D', 'rest.retry.delay=1'];
    const { port } = silent.address() as AddressInfo;
    const found = await run(['list', ...ha], {
      findLeader: () => Promise.resolve(isReplaced ? server.address : `http://127.0.0.1:${port}`),
    });
    expect([found.code, found.stdout]).toEqual([0, expect.stringContaining(RUNNING_JOB)]);
    const [socket] = (await connected) as [Socket];
    socket.destroy();
    silent.close();
  });

  test('because it was started on this machine; its jobs stand beside those without a cluster', async () => {
    const { server } = await startServer();
    const startedCluster = (): Promise<Record<string, string>> =>
      Promise.resolve({ 'rest.address': '127.0.0.1', 'rest.port': String(server.port) });
    const local = {
      jobId: 'a'.repeat(32),
      jobName: 'local',
      status: 'RUNNING',
      startedMs: 1,
      place: 'process 7',
    };
    const openLocalControl = (): Promise<JobControl> =>
      Promise.resolve({
        ...nothingLocal(),
        list: () => Promise.resolve([local]),
        checkpoint: () => Promise.resolve('/here'),
      });
    const both = { startedCluster, openLocalControl };
    const { stdout } = await run(['list'], both);
    expect(stdout).toMatch(new RegExp(`${local.jobId}.* process 7 .*local`));
    expect(stdout).toMatch(new RegExp(`${RUNNING_JOB}.* the cluster of this machine .*words`));
    expect((await run(['checkpoint', 'aaa'], both)).stdout).toContain('Path: /here');
    expect((await run(['checkpoint', RUNNING_JOB], both)).stdout).toContain('Path: /checkpoints/chk-7');
    expect((await run(['list', '-t', 'local'], both)).stdout).not.toContain(RUNNING_JOB);
    expect((await run(['list', '-t', 'remote'], both)).stdout).not.toContain(local.jobId);
    const detached = await run(['run', '-d', '--no-check', JOB_FILE], both);
    expect(detached.stdout).toContain('Job has been submitted with JobID');
  });

  test('or not, which is said', async () => {
    const gone = await startServer();
    await gone.server.close();
    const there = await run(['list', '-m', `127.0.0.1:${gone.server.port}`]);
    expect([there.code, there.stderr]).toEqual([
      1,
      expect.stringContaining('no JobManager answers at http://127.0.0.1'),
    ]);
    const nobody = await run(['list', '-D', 'high-availability.type=embedded', '-D', 'rest.await-leader-timeout=1']);
    expect([nobody.code, nobody.stderr]).toEqual([
      1,
      expect.stringContaining('no JobManager leads cluster default right now'),
    ]);
    expect((await run(['list', '-t', 'remote'])).stderr).toContain('no cluster is started on this machine');
    expect((await run(['list', '-m', 'nonsense'])).stderr).toContain("--jobmanager is 'nonsense'; allowed: host:port");
  });

  test('with its token', async () => {
    const token = '0123456789abcdef';
    const { server } = await startServer(new FakeGateway(), {
      access: { token, allowedOrigins: [], hostNames: undefined },
    });
    const at = ['-m', `127.0.0.1:${server.port}`];
    expect((await run(['list', ...at])).stderr).toContain('wants a token; set security.rest.auth-token');
    expect((await run(['list', ...at, '-D', `security.rest.auth-token=${token}`])).stdout).toContain(RUNNING_JOB);
  });
});

describe('ha restore', () => {
  const restored = {
    jobs: [{ jobId: 'a'.repeat(32), jobName: 'clicks', checkpoint: undefined }],
    written: 1,
    ended: 2,
    broken: [{ path: '/shared/chk-1/_metadata', message: 'it is truncated' }],
  };

  test('says what came back, and fails for what is left out', async () => {
    const asked: unknown[] = [];
    const args = ['ha', 'restore', '--from-storage', '--dry-run', '--missing', '-D', 'high-availability.type=embedded'];
    const ran = await run(args, {
      restoreStore: (configuration, options) => {
        asked.push([configuration.get(highAvailabilityOptions.type), options]);
        return Promise.resolve(restored);
      },
    });
    expect(asked).toEqual([['embedded', { isDryRun: true, addsMissing: true }]]);
    expect(ran.stdout).toContain(`${'a'.repeat(32)}  clicks  none: from its beginning`);
    expect(ran.stdout).toContain('jobs that would come back: 1; jobs that have ended: 2. Nothing was written.');
    expect(ran.stderr).toContain('WARN left out: /shared/chk-1/_metadata: it is truncated');
    expect(ran.code).toBe(1);
  });

  test('is not done by accident', async () => {
    const ran = await run(['ha', 'restore'], { restoreStore: () => Promise.resolve(restored) });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('--from-storage --dry-run');
  });
});

describe('ha delete', () => {
  const found = {
    jobs: [{ jobId: 'a'.repeat(32), jobName: 'clicks' }],
    folder: '/shared/default',
    files: ['/shared/default/results'],
    kept: ['/shared/default/savepoints'],
  };

  test('asks, and says what goes and what stays', async () => {
    const asked: unknown[] = [];
    const deleteStore = (_: unknown, options: unknown): Promise<typeof found> => {
      asked.push(options);
      return Promise.resolve(found);
    };
    const questions: string[] = [];
    const refused = await run(['ha', 'delete'], {
      deleteStore,
      confirm: async (question) => questions.push(question) === 0,
    });
    expect([refused.code, asked.length]).toEqual([1, 1]);
    expect(questions).toEqual([
      'Delete the HA store of cluster default and 1 files and folders in /shared/default? [y/N] ',
    ]);
    const ran = await run(['ha', 'delete', '--with-jobs', '--yes'], { deleteStore });
    expect(asked.at(-1)).toEqual({ isDryRun: false, givesJobsUp: true });
    expect(ran.stdout).toContain(
      'deleted: the HA store of cluster default\ndeleted: /shared/default/results\nstays: /shared/default/savepoints',
    );
    expect(ran.code).toBe(0);
  });

  test('is not done by accident, and can be tried', async () => {
    const dryRun = { isDryRun: true, givesJobsUp: false };
    const asked: unknown[] = [];
    const deleteStore = (_: unknown, options: unknown): Promise<typeof found> => {
      asked.push(options);
      return Promise.resolve(found);
    };
    const ran = await run(['ha', 'delete'], { deleteStore });
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('--yes says so')]);
    const dry = await run(['ha', 'delete', '--dry-run'], { deleteStore });
    expect(dry.stdout).toContain('job that has not ended: clicks');
    expect(dry.stdout).toContain('would be deleted: /shared/default/results');
    expect(asked).toEqual([dryRun, dryRun]);
  });
});
