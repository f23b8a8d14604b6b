import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HighAvailabilityServices } from '../../src/coordination/high-availability-services.ts';
import { present } from '../../src/foundation/common/assert.ts';
import type { JobId } from '../../src/foundation/common/ids.ts';
import type { Logger } from '../../src/foundation/common/logger.ts';
import { systemClock } from '../../src/foundation/common/system-clock.ts';
import { systemRandom } from '../../src/foundation/common/system-random.ts';
import { Configuration } from '../../src/foundation/config/configuration.ts';
import { writeBundle } from '../../src/interfaces/cli/bundle/bundle-file.ts';
import { bundleJob } from '../../src/interfaces/cli/bundle/bundle-job.ts';
import { openHighAvailability } from '../../src/process/high-availability.ts';
import { loadJob } from '../../src/process/module-loader.ts';
import { planJob } from '../../src/process/plan-job.ts';
import { startTaskManager, type RunningTaskManager } from '../../src/process/start-task-manager.ts';
import { until } from '../../src/runtime/network/test-support/until.ts';
import { committedLines } from '../golden/jobs/cases/golden-case.ts';
import { JobManagerHost } from './jobmanager-host.ts';

const RECORDS = 3_000;
const KEYS = 17;

const expected = (): string[] =>
  Array.from({ length: RECORDS }, (_, index) => `${index % KEYS}\t${Math.floor(index / KEYS) + 1}`).sort();

let folder: string;
let settings: Record<string, string>;
let jobManagers: JobManagerHost[];
let taskManagers: RunningTaskManager[];
let ha: HighAvailabilityServices[];
let printed: string[];
let log: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-cluster-'));
  settings = {
    'high-availability.type': 'embedded',
    'high-availability.storageDir': join(folder, 'storage'),
    'jobmanager.rpc.port': '0',
    'taskmanager.numberOfTaskSlots': '2',
    'taskmanager.memory.task.heap.size': '256m',
    'execution.checkpointing.interval': '20ms',
  };
  mkdirSync(join(folder, 'storage'));
  jobManagers = [];
  taskManagers = [];
  ha = [];
  printed = [];
  log = [];
});
afterEach(async () => {
  go(1);
  go(2);
  await Promise.all(taskManagers.map((taskManager) => taskManager.stop()));
  await Promise.all(jobManagers.map((jobManager) => jobManager.kill()));
  await Promise.all(ha.map((services) => services.close()));
  rmSync(folder, { recursive: true, force: true });
});

/** The source reads on. */
const go = (step: 1 | 2): void => writeFileSync(join(folder, `go-${step}`), '');
const committed = (): string[] => committedLines(join(folder, 'out'));
const opens = (): string[] => {
  const path = join(folder, 'opens');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').sort() : [];
};

const startJobManager = async (): Promise<void> => {
  const host = new JobManagerHost(settings);
  jobManagers.push(host);
  await host.started;
};

const startTaskManagers = async (): Promise<void> => {
  const note = (message: string): void => void log.push(message);
  const logger: Logger = { debug: note, info: note, warn: note, error: note };
  const configuration = Configuration.of(settings);
  for (const name of ['one', 'two']) {
    const surroundings = { clock: systemClock, random: systemRandom, logger, role: 'client' as const };
    const { services } = await openHighAvailability(configuration, surroundings);
    ha.push(services);
    const own = configuration.with({ 'taskmanager.resource-id': name });
    const writeLine = (line: string): void => void printed.push(line);
    taskManagers.push(await startTaskManager(own, { haServices: services, logger, writeLine }));
  }
};

const leader = async (): Promise<JobManagerHost> => {
  const named = (): JobManagerHost | undefined =>
    jobManagers.find(({ instanceId }) => instanceId === ha[0]?.retrieval.current?.endpoints.instanceId);
  await until(() => named() !== undefined, 'a leader');
  return present(named(), 'leader');
};

const submit = async (): Promise<JobId> => {
  const bundle = await bundleJob(join(import.meta.dirname, 'jobs/handover.ts'));
  const modulePath = await writeBundle(bundle, join(folder, 'bundle'));
  const configuration = Configuration.of({ 'execution.checkpointing.interval': '20ms' });
  const program = { args: [folder, String(RECORDS)], env: {}, configuration: configuration.toRecord() };
  const planned = planJob(await loadJob(modulePath, bundle.file), program, { configuration });
  const jobId = systemRandom.hex(32) as JobId;
  const submission = {
    jobId,
    graph: planned.translation.jobGraph,
    bundle: new Uint8Array(readFileSync(modulePath)),
    ...program,
  };
  expect(await (await leader()).ask({ kind: 'submit', submission })).toEqual({ kind: 'answer' });
  return jobId;
};

test(
  'I9: kill -9 of the leading JobManager restarts no task, and every record counts once',
  { timeout: 120_000 },
  async () => {
    await startJobManager();
    await startTaskManagers();
    await startJobManager();
    const jobId = await submit();
    await until(() => committed().length >= RECORDS / 3, 'the first third of the output');
    const before = opens();
    const first = await leader();
    await first.kill();
    go(1);
    await until(() => printed.length >= (2 * RECORDS) / 3, 'records after the death of the leader');
    const other = present(
      jobManagers.find((jobManager) => jobManager !== first),
      'other JobManager',
    );
    await until(() => ha[0]?.retrieval.current?.endpoints.instanceId === other.instanceId, 'the next leader');
    await until(() => committed().length >= (2 * RECORDS) / 3, 'the second third of the output');
    go(2);
    await until(() => committed().length >= RECORDS, 'all of the output');
    const states: unknown[] = [];
    const isFinished = async (): Promise<boolean> => {
      const { details } = await other.ask({ kind: 'details', jobId });
      states.push(details);
      return details?.state === 'FINISHED';
    };
    while (!(await isFinished())) {
      expect(states.length).toBeLessThan(10_000);
    }
    expect(states.at(-1)).toMatchObject({ state: 'FINISHED' });
    expect(opens()).toEqual(before);
    expect(committed().sort()).toEqual(expected());
  },
);
