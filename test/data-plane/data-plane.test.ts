import { connect } from 'node:net';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/foundation/common/random.ts';
import type { DataPlaneSettings } from '../../src/runtime/network/tcp/data-plane-settings.ts';
import { CERTIFICATES } from '../../src/runtime/network/tcp/test-support/certificates.ts';
import { until } from '../../src/runtime/network/test-support/until.ts';
import { committedLines } from '../golden/jobs/cases/golden-case.ts';
import { SplitJob } from './split-job.ts';

const RECORDS = 12_000;
const KEYS = 97;

/** Each key counts from 1 without a gap. */
const expected = (): string[] =>
  Array.from({ length: RECORDS }, (_, index) => `${index % KEYS}\t${Math.floor(index / KEYS) + 1}`).sort();

let root: string;
let job: SplitJob;
let folder: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-data-plane-'));
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
afterEach(async () => {
  await job.stop();
});

const start = async (data: Partial<DataPlaneSettings> = {}): Promise<void> => {
  folder = mkdtempSync(join(root, 'run-'));
  const checkpoints = join(folder, 'checkpoints');
  mkdirSync(checkpoints);
  job = await SplitJob.start({
    file: join(import.meta.dirname, 'jobs/counts.ts'),
    args: [folder, checkpoints, String(RECORDS)],
    folder,
    configuration: { 'execution.checkpointing.interval': '20ms' },
    taskManagers: 2,
    slotsEach: 2,
    threadsEach: 2,
    data,
  });
};

/** The source has come to the step where it waits for `go`, and its output so far is committed. */
const halfWay = (): Promise<void> =>
  until(() => committedLines(join(folder, 'out')).length >= RECORDS / 3, 'the first half of the output');

const finish = async (): Promise<void> => {
  writeFileSync(join(folder, 'go'), '');
  const result = await job.jobMaster.result;
  expect([result.status, result.error]).toEqual(['FINISHED', undefined]);
  expect(committedLines(join(folder, 'out')).sort()).toEqual(expected());
};

describe('a job spread over two TaskManagers', { timeout: 120_000 }, () => {
  test.each<[string, Partial<DataPlaneSettings>]>([
    ['TCP', {}],
    ['mutual TLS', { tls: CERTIFICATES.member }],
  ])('counts every record once, over %s', async (_name, data) => {
    await start(data);
    await halfWay();
    expect(job.hosts.map(({ running }) => running)).toEqual([expect.any(Number), expect.any(Number)]);
    expect(job.hosts.every(({ running }) => running > 0)).toBe(true);
    await finish();
    expect([job.restarts, job.lost]).toEqual([0, []]);
  });

  test('goes on exactly once after kill -9 of one of them; the other names whom it lost', async () => {
    await start();
    await halfWay();
    const dead = job.hosts[1]!.instanceId;
    job.holdDeaths();
    await job.hosts[1]!.kill();
    await until(() => job.lost.length > 0 && job.failures.length > 0, 'the loss');
    expect(job.lost.every(({ remote }) => remote.instanceId === dead)).toBe(true);
    expect(job.failures.map(({ code, lostInstanceId }) => [code, lostInstanceId])).toContainEqual([
      'CHANNEL_LOST',
      dead,
    ]);
    expect(job.lost[0]!.reason).toContain(`TaskManager ${dead}`);
    expect(job.lost[0]!.reason).toContain(`TaskManager ${job.hosts[0]!.instanceId}`);
    job.tellDeaths();
    await job.replace(1);
    await finish();
    expect(job.restarts).toBeGreaterThan(0);
  });

  test('goes on after a thread died; it comes back under its port', async () => {
    await start();
    await halfWay();
    const before = job.hosts[1]!.slots;
    job.hosts[1]!.killThread(0);
    await until(() => job.restarts > 0, 'the restart');
    await finish();
    expect(job.hosts[1]!.slots).toEqual(before);
    expect(job.failures.map(({ code }) => code)).toContain('WORKER_DIED');
  });

  test('does not notice strangers at its data ports', async () => {
    await start();
    await halfWay();
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = seededRandom(seed);
    const ports = job.hosts.flatMap(({ slots }) => slots.map(({ port }) => port));
    await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const stranger = connect(ports[index % ports.length]!, '127.0.0.1');
        stranger.on('error', () => {});
        stranger.resume().end(Uint8Array.from({ length: 1 + random.int(200) }, () => random.int(256)));
        await new Promise((resolve) => stranger.once('close', resolve));
      }),
    );
    await finish();
    expect([job.restarts, job.lost], `seed ${seed}`).toEqual([0, []]);
  });

  test('waits while one of them is paused for two seconds, and nothing fails', async () => {
    await start();
    await halfWay();
    job.hosts[1]!.signal('SIGSTOP');
    writeFileSync(join(folder, 'go'), '');
    // Not a wait for something: this is how long the process is away.
    await sleep(2_000);
    job.hosts[1]!.signal('SIGCONT');
    await finish();
    expect([job.restarts, job.lost, job.failures]).toEqual([0, [], []]);
  });
});
