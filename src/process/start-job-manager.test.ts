import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { JobId } from '../foundation/common/ids.ts';
import type { Logger } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { Configuration } from '../foundation/config/configuration.ts';
import type { JobSubmission } from '../runtime/jobmanager/dispatcher/cluster-gateway.ts';
import { FakeTaskManager } from '../runtime/jobmanager/test-support/fake-task-manager.ts';
import { testGraph } from '../runtime/jobmanager/test-support/test-graph.ts';
import { PROTOCOL_VERSION } from '../runtime/protocol/protocol-version.ts';
import { defaultLimits } from '../runtime/rpc/rpc-limits.ts';
import { TcpTransport } from '../runtime/rpc/tcp/transport.ts';
import { openHighAvailability } from './high-availability.ts';
import { packageVersion } from './package-version.ts';
import { startJobManager, type RunningJobManager } from './start-job-manager.ts';
import type { FromJobManager, ToJobManager } from './test-support/job-manager-process.ts';

const JOB = 'a'.repeat(32) as JobId;
const WAIT = { timeout: 50_000, interval: 5 };
const cleanUp: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const run of cleanUp.splice(0).toReversed()) {
    await run();
  }
});

const submission: JobSubmission = {
  jobId: JOB,
  graph: testGraph(
    [
      { name: 'source', parallelism: 2 },
      { name: 'sink', parallelism: 2 },
    ],
    [['source', 'sink', 'forward']],
    { intervalMs: 3_600_000 },
  ),
  bundle: Buffer.from('export default 1;\n'),
  args: [],
  env: {},
  configuration: {},
};

const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-jm-'));
  cleanUp.push(() => rm(folder, { recursive: true }));
  return folder;
};

const settingsIn = (folder: string): Readonly<Record<string, string>> => ({
  'high-availability.type': 'embedded',
  'high-availability.storageDir': folder,
  // A slow machine must not end a lease; deaths are seen by their connections.
  'high-availability.embedded.lease-duration': '60 s',
});

const collecting = (lines: string[]): Logger => {
  const add = (line: string): void => void lines.push(line);
  return { debug: add, info: add, warn: add, error: add };
};

const startHere = async (folder: string, log: string[]): Promise<RunningJobManager> => {
  const configuration = Configuration.of(settingsIn(folder));
  const logger = collecting(log);
  const surroundings = { clock: systemClock, random: systemRandom, logger, role: 'jobmanager' } as const;
  const { services, storage } = await openHighAvailability(configuration, surroundings);
  cleanUp.push(() => services.close());
  const jobManager = await startJobManager(configuration, { haServices: services, storage, logger });
  cleanUp.push(() => jobManager.stop());
  return jobManager;
};

/** A JobManager in a process of its own. */
class JobManagerProcess {
  readonly log: string[] = [];
  readonly #child: ChildProcess;
  #answered: (answer: FromJobManager) => void = () => {};

  constructor() {
    this.#child = fork(join(import.meta.dirname, 'test-support/job-manager-process.ts'), {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (message: FromJobManager) =>
      message.kind === 'log' ? void this.log.push(message.line) : this.#answered(message),
    );
    cleanUp.push(() => this.kill());
  }

  async ask<K extends FromJobManager['kind']>(
    question: ToJobManager,
    kind: K,
  ): Promise<Extract<FromJobManager, { kind: K }>> {
    const answered = Promise.withResolvers<FromJobManager>();
    this.#answered = answered.resolve;
    this.#child.send(question);
    const answer = await answered.promise;
    if (answer.kind !== kind) {
      throw new Error(`the JobManager answered ${JSON.stringify(answer)}`);
    }
    return answer as Extract<FromJobManager, { kind: K }>;
  }

  kill(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        resolve();
      } else {
        this.#child.once('exit', () => resolve());
        this.#child.kill('SIGKILL');
      }
    });
  }
}

const taskManagerHere = async (slots: number): Promise<FakeTaskManager> => {
  const hello = {
    protocolVersion: PROTOCOL_VERSION,
    packageVersion: packageVersion(),
    clusterId: 'default',
    role: 'taskmanager',
    instanceId: 'tm-first',
    resourceId: 'tm',
  } as const;
  const context = { clock: systemClock, logger: collecting([]), limits: defaultLimits, self: () => hello };
  const taskManager = new FakeTaskManager(new TcpTransport(context), 'tm', slots, 'tm-first');
  await taskManager.listen('127.0.0.1');
  cleanUp.push(() => taskManager.close());
  return taskManager;
};

test('kill -9 of the leader: the standby leads, the job reconciles with what runs, and no task is touched', async () => {
  const folder = await newFolder();
  const leader = new JobManagerProcess();
  const { rpcAddress } = await leader.ask({ kind: 'start', configuration: settingsIn(folder) }, 'started');
  await vi.waitFor(() => expect(leader.log.join('\n')).toContain('leads with epoch 1'), WAIT);
  const log: string[] = [];
  const standby = await startHere(folder, log);
  const { answer } = await leader.ask({ kind: 'submit', submission }, 'submitted');
  expect(answer).toMatchObject({ jobId: JOB, outcome: 'accepted' });

  const taskManager = await taskManagerHere(2);
  await taskManager.register(rpcAddress);
  await vi.waitFor(() => expect(taskManager.table.size).toBe(4), WAIT);
  taskManager.run();
  await vi.waitFor(() => expect(leader.log.join('\n')).toContain('to RUNNING'), WAIT);
  await vi.waitFor(() => expect(standby.gateway.leader?.isPublished).toBe(true), WAIT);
  const deploys = taskManager.heard.filter(({ kind }) => kind === 'deploy').length;

  await leader.kill();
  await vi.waitFor(() => expect(standby.gateway.isLeading).toBe(true), WAIT);
  await vi.waitFor(async () => expect((await standby.gateway.details(JOB)).state).toBe('RECONCILING'), WAIT);
  await taskManager.register(standby.rpcAddress);
  await vi.waitFor(async () => expect((await standby.gateway.details(JOB)).state).toBe('RUNNING'), WAIT);
  expect(taskManager.fence?.epoch).toBe(2);
  expect(taskManager.heard.filter(({ kind }) => kind === 'deploy')).toHaveLength(deploys);
  expect(taskManager.heard).not.toContainEqual(expect.objectContaining({ kind: 'cancel' }));
  expect(log.join('\n')).toMatch(/was granted leadership with leaderSessionID=/);

  // The new leader commands what it adopted.
  await standby.gateway.cancel(JOB);
  await vi.waitFor(() => expect(taskManager.heard.filter(({ kind }) => kind === 'cancel')).toHaveLength(4), WAIT);
  for (const { attempt } of taskManager.table.values()) {
    taskManager.switchTo(attempt, 'CANCELED');
  }
  await vi.waitFor(async () => expect((await standby.gateway.details(JOB)).state).toBe('CANCELED'), WAIT);
  await vi.waitFor(() => expect(taskManager.heard).toContainEqual({ kind: 'release', job: JOB }), WAIT);
  expect((await standby.gateway.overview()).slots).toMatchObject({ total: 2, free: 2 });
});

test('a job without slots says how many are missing; everything stopped and started again, it is there', async () => {
  const folder = await newFolder();
  const first = await startHere(folder, []);
  await vi.waitFor(() => expect(first.gateway.isLeading).toBe(true), WAIT);
  await first.gateway.submit(submission);
  await vi.waitFor(
    async () => expect(await first.gateway.details(JOB)).toMatchObject({ waiting: { requested: 2, missing: 2 } }),
    WAIT,
  );
  await first.stop();
  const second = await startHere(folder, []);
  await vi.waitFor(() => expect(second.gateway.isLeading).toBe(true), WAIT);
  await vi.waitFor(
    async () => expect(await second.gateway.details(JOB)).toMatchObject({ waiting: { requested: 2, missing: 2 } }),
    WAIT,
  );
});

test('a graph that cannot run is refused, and nothing of it is kept', async () => {
  const folder = await newFolder();
  const jobManager = await startHere(folder, []);
  await vi.waitFor(() => expect(jobManager.gateway.isLeading).toBe(true), WAIT);
  const missing = { 'execution.state-recovery.path': join(folder, 'no-savepoint') };
  await expect(jobManager.gateway.submit({ ...submission, configuration: missing })).rejects.toThrow('no-savepoint');
  expect(await jobManager.gateway.list()).toEqual([]);
});
