import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobId } from '../../src/foundation/common/ids.ts';
import type { Logger } from '../../src/foundation/common/logger.ts';
import { systemRandom } from '../../src/foundation/common/system-random.ts';
import { Configuration } from '../../src/foundation/config/configuration.ts';
import { writeBundle } from '../../src/interfaces/cli/bundle/bundle-file.ts';
import { bundleJob } from '../../src/interfaces/cli/bundle/bundle-job.ts';
import { loadJob } from '../../src/process/module-loader.ts';
import { planJob } from '../../src/process/plan-job.ts';
import { startTaskManager, type RunningTaskManager } from '../../src/process/start-task-manager.ts';
import { jobCheckpointFolder } from '../../src/runtime/checkpoint/checkpoint-layout.ts';
import { until } from '../../src/runtime/network/test-support/until.ts';
import type { JobProgram } from '../../src/runtime/protocol/task-commands.ts';
import { committedLines } from '../golden/jobs/cases/golden-case.ts';
import { Elections, LeadingJob, type SharedJob } from './leading-job.ts';

const RECORDS = 3_000;
const KEYS = 17;

const expected = (): string[] =>
  Array.from({ length: RECORDS }, (_, index) => `${index % KEYS}\t${Math.floor(index / KEYS) + 1}`).sort();

let root: string;
/** Of the job. */
let folder: string;
let elections: Elections;
let taskManagers: RunningTaskManager[];
let leaders: LeadingJob[];
let printed: string[];
let log: string[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-leader-change-'));
  folder = root;
  elections = new Elections();
  taskManagers = [];
  leaders = [];
  printed = [];
  log = [];
});
/** The source reads on. */
const go = (step: 1 | 2): void => writeFileSync(join(folder, `go-${step}`), '');

afterEach(async () => {
  go(1);
  go(2);
  await Promise.all(taskManagers.map((taskManager) => taskManager.stop()));
  await Promise.all(leaders.map((leader) => leader.die()));
  rmSync(root, { recursive: true, force: true });
});

const startTaskManagers = async (): Promise<void> => {
  const note = (message: string): void => void log.push(message);
  const logger: Logger = { debug: note, info: note, warn: note, error: note };
  const settings = { 'taskmanager.numberOfTaskSlots': 2, 'taskmanager.memory.task.heap.size': '256m' };
  taskManagers = await Promise.all(
    ['one', 'two'].map((name) =>
      startTaskManager(Configuration.of({ ...settings, 'taskmanager.resource-id': name }), {
        haServices: elections.services,
        logger,
        writeLine: (line) => void printed.push(line),
      }),
    ),
  );
};

const planJobOf = async (moduleInstead?: string): Promise<SharedJob> => {
  const bundle = await bundleJob(join(import.meta.dirname, 'jobs/handover.ts'));
  const modulePath = await writeBundle(bundle, join(folder, 'bundle'));
  const configuration = Configuration.of({ 'execution.checkpointing.interval': '20ms' });
  const program: JobProgram = {
    modulePath,
    args: [folder, String(RECORDS)],
    env: {},
    configuration: configuration.toRecord(),
  };
  const jobId = systemRandom.hex(32) as JobId;
  return {
    jobId,
    planned: planJob(await loadJob(modulePath, bundle.file), program, { configuration }),
    program: { ...program, modulePath: moduleInstead ?? modulePath },
    checkpointFolder: jobCheckpointFolder(join(folder, 'checkpoints'), jobId),
    taskManagers: 2,
  };
};

const lead = async (job: SharedJob): Promise<LeadingJob> => {
  const leader = await LeadingJob.start(job, elections);
  leaders.push(leader);
  return leader;
};

/** Each start of a task that tells of it. */
const opens = (): string[] => {
  const path = join(folder, 'opens');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').sort() : [];
};
const committed = (): string[] => committedLines(join(folder, 'out'));

describe('a job on two TaskManagers whose leader dies', { timeout: 120_000 }, () => {
  test('I9: goes on without it and under the next one; nothing starts again, every record counts once', async () => {
    await startTaskManagers();
    const job = await planJobOf();
    const first = await lead(job);
    await until(() => committed().length >= RECORDS / 3, 'the first third of the output');
    const before = opens();
    expect(before).toEqual(expect.arrayContaining(['map 0', 'map 1', 'source']));
    await first.die();
    // Nobody leads: records keep arriving.
    go(1);
    await until(() => printed.length >= (2 * RECORDS) / 3, 'records without a leader');

    const second = await lead(job);
    expect(second.fence.epoch).toBeGreaterThan(first.fence.epoch);
    await until(() => second.registrations.length === 2, 'both TaskManagers');
    await second.ping();
    await until(() => committed().length >= (2 * RECORDS) / 3, 'the second third of the output');
    go(2);
    const result = await second.jobMaster.result;
    expect([result.status, result.error, result.restarts]).toEqual(['FINISHED', undefined, 0]);
    expect(opens()).toEqual(before);
    expect(committed().sort()).toEqual(expected());
    second.releaseJob();
    await second.ping();
  });

  test('the slots that a job has left serve the next one, in clean threads', async () => {
    await startTaskManagers();
    go(1);
    go(2);
    const first = await lead(await planJobOf());
    expect((await first.jobMaster.result).status).toBe('FINISHED');
    first.releaseJob();
    await first.ping();
    await first.die();
    folder = mkdtempSync(join(folder, 'next-'));
    go(1);
    go(2);
    const second = await lead(await planJobOf());
    expect((await second.jobMaster.result).status).toBe('FINISHED');
    expect(opens()).toContain('map 0');
    expect(opens()).not.toContain('dirty');
    expect(committed().sort()).toEqual(expected());
  });

  test('a bundle that a TaskManager does not see fails the attempts, with its path', async () => {
    await startTaskManagers();
    const missing = join(folder, 'nowhere', 'job.mjs');
    const leader = await lead(await planJobOf(missing));
    await until(() => leader.jobMaster.overview.latestFailure !== undefined, 'the failure');
    expect(JSON.stringify(leader.jobMaster.overview.latestFailure)).toContain(missing);
    expect(JSON.stringify(leader.jobMaster.overview.latestFailure)).toContain('storageDir');
    await leader.jobMaster.cancel();
    await leader.jobMaster.result;
  });

  test('a TaskManager that stops tells its leader, and leaves nothing listening', async () => {
    await startTaskManagers();
    const leader = await lead(await planJobOf());
    await until(() => committed().length > 0, 'output');
    go(1);
    go(2);
    await taskManagers[1]!.stop('SIGTERM');
    await until(() => leader.registrations.length === 1, 'the loss');
    expect(leader.registrations[0]?.resourceId).toBe('one');
    expect(log.some((line) => line.includes('2 slots and listens on 127.0.0.1:'))).toBe(true);
  });
});
