import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readCheckpoint } from '../../src/runtime/checkpoint/read-checkpoint.ts';
import { filesOf } from '../../src/runtime/checkpoint/referenced-files.ts';
import { type LocalJob, startJob, type StartJobOptions } from '../../src/testing/local-job.ts';
import { ValveControl } from './valve-control.ts';

const JOB = join(import.meta.dirname, 'jobs/lifecycle.ts');
const RETAIN = { 'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION' };

let folder: string;
let records: ValveControl;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-lifecycle-'));
  records = new ValveControl(folder, 'records');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const start = (
  kind: 'bounded beside' | 'windows' | 'gated',
  { configuration, ...options }: StartJobOptions = {},
): Promise<LocalJob> =>
  startJob(JOB, {
    args: [folder, kind],
    configuration: {
      'execution.checkpointing.interval': '30ms',
      'execution.checkpointing.dir': join(folder, 'checkpoints'),
      'execution.checkpointing.savepoint-dir': join(folder, 'savepoints'),
      'pipeline.auto-watermark-interval': '5ms',
      'restart-strategy.type': 'none',
      ...configuration,
    },
    ...options,
  });

const rows = (...jobs: readonly LocalJob[]): string[] => jobs.flatMap((job) => job.collected('rows') as string[]);
const sorted = (values: readonly string[]): string[] => values.toSorted();
const once = (...names: readonly (string | number)[]): string[] => names.map((name) => `${name} 1`).toSorted();
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

const completed = (job: LocalJob): number => job.completedCheckpoints.length;

describe('a source that ends beside one that does not', () => {
  test('checkpoints go on, and a restore does not read it again', async () => {
    const first = await start('bounded beside', { configuration: RETAIN });
    records.open(5);
    await first.until(() => rows(first).length === 8);
    const ended = completed(first);
    records.open(10);
    await first.until(() => rows(first).length === 13 && completed(first) >= ended + 3);
    first.cancel();
    const { retainedCheckpoint } = await first.outcome;
    const second = await start('bounded beside', { fromSavepoint: retainedCheckpoint!, continues: first });
    records.open(15);
    records.end();
    await second.finished();
    expect(sorted(rows(first, second))).toEqual(once(...numbers(0, 15), 'p', 'q', 'r'));
  });
});

describe('a job that is stopped with a savepoint', () => {
  const window = (from: number, to: number): string => `${from - (from % 10)}: ${numbers(from, to).join(' ')}`;

  test('suspended, keeps its windows open', async () => {
    const first = await start('windows');
    records.open(25);
    await first.until(() => rows(first).length === 2);
    const savepoint = await first.stop({ drain: false });
    expect((await first.finished()).savepoint).toBe(savepoint);
    expect(rows(first)).toEqual([window(0, 10), window(10, 20)]);
    const second = await start('windows', { fromSavepoint: savepoint, continues: first });
    records.open(40);
    records.end();
    await second.finished();
    expect(rows(second)).toEqual([window(20, 30), window(30, 40)]);
  });

  test('drained, fires its windows before', async () => {
    const first = await start('windows');
    records.open(25);
    await first.until(() => rows(first).length === 2);
    const savepoint = await first.stop({ drain: true });
    await first.finished();
    expect(rows(first)).toEqual([window(0, 10), window(10, 20), window(20, 25)]);
    // What comes after belongs to new windows.
    const second = await start('windows', { fromSavepoint: savepoint, continues: first });
    records.open(40);
    records.end();
    await second.finished();
    expect(rows(second)).toEqual([window(25, 30), window(30, 40)]);
  });
});

describe('what is committed with barriers that are not aligned', () => {
  /** Lets records pass one input between its barrier and the other's; what was counted, by the job and by its restore. */
  const overtake = async (mode: string): Promise<readonly [first: LocalJob, second: LocalJob]> => {
    const configuration = { ...RETAIN, 'execution.checkpointing.mode': mode };
    const slow = new ValveControl(folder, 'slow');
    const gate = join(folder, 'gate');
    writeFileSync(gate, '');
    const first = await start('gated', {
      configuration: { ...configuration, 'execution.checkpointing.interval': '1h' },
    });
    slow.open(1);
    records.open(3);
    await first.until(() => first.lines.length === 3);
    const checkpoint = first.checkpoint();
    await first.until(() => existsSync(join(folder, 'snapshots')));
    // Behind the barrier of this input; the other's waits at the gate.
    records.open(6);
    if (mode === 'at-least-once') {
      await first.until(() => first.lines.length === 6);
    }
    rmSync(gate);
    const place = await checkpoint;
    first.cancel();
    await first.outcome;
    const second = await start('gated', { configuration, fromSavepoint: place });
    records.end();
    slow.end();
    await second.finished();
    return [first, second];
  };

  test('at-least-once repeats, and loses nothing', async () => {
    const [first, second] = await overtake('at-least-once');
    // The state of the checkpoint has counted records 3 to 5, and its source reads them again.
    expect(sorted(rows(second).filter((row) => row.endsWith(' 2')))).toEqual(['fast 3 2', 'fast 4 2', 'fast 5 2']);
    const seen = new Set(rows(first, second).map((row) => row.replace(/ \d+$/, '')));
    expect(sorted([...seen])).toEqual(sorted(['slow 0', ...numbers(0, 6).map((n) => `fast ${n}`)]));
  });

  test('exactly-once does not', async () => {
    const [first, second] = await overtake('exactly-once');
    const seen = [...new Set(rows(first, second))];
    expect(sorted(seen)).toEqual(sorted(['slow 0 1', ...numbers(0, 6).map((n) => `fast ${n} 1`)]));
  });
});

describe('checkpoints on disk', () => {
  const checkpointsOf = (job: LocalJob): string => join(folder, 'checkpoints', job.jobId);

  /** Takes its checkpoints on request, so that none is under way when the caller ends the job and looks at the disk. */
  const run = async (configuration: StartJobOptions['configuration'], wanted: number): Promise<LocalJob> => {
    const job = await start('bounded beside', {
      configuration: {
        'execution.checkpointing.data-inline-threshold': '0b',
        'execution.checkpointing.interval': '1h',
        ...configuration,
      },
    });
    await job.until(() => job.progress().status === 'RUNNING');
    for (let step = 1; completed(job) < wanted; step++) {
      records.open(step * 20);
      do {
        await job.checkpoint();
      } while (rows(job).length < step * 20 + 3);
    }
    return job;
  };

  test('are as many as are to be retained, with the files they need and no others', async () => {
    const job = await run({ ...RETAIN, 'execution.checkpointing.num-retained': 2 }, 6);
    job.cancel();
    await job.outcome;
    const place = checkpointsOf(job);
    const kept = readdirSync(place).filter((name) => name !== 'shared');
    expect(kept).toHaveLength(2);
    const needed = new Set<string>();
    for (const name of kept) {
      const { metadata } = await readCheckpoint(join(place, name));
      filesOf(metadata).forEach((_handle, path) => needed.add(path));
    }
    const there = readdirSync(place, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== '_metadata')
      .map((entry) => join(entry.parentPath, entry.name).slice(place.length + 1));
    expect(sorted(there)).toEqual(sorted([...needed]));
    expect(there.length).toBeGreaterThan(0);
  });

  test('go when the job is cancelled, unless they are to stay', async () => {
    const job = await run({}, 2);
    job.cancel();
    expect((await job.outcome).retainedCheckpoint).toBeUndefined();
    expect(existsSync(checkpointsOf(job))).toBe(false);
  });

  test('a broken newest one is named, and no older one is taken in its place', async () => {
    const job = await run({ ...RETAIN, 'execution.checkpointing.num-retained': 3 }, 4);
    job.cancel();
    const { retainedCheckpoint } = await job.outcome;
    const metadata = join(retainedCheckpoint!, '_metadata');
    truncateSync(metadata, readFileSync(metadata).length - 5);
    await expect(start('bounded beside', { fromSavepoint: checkpointsOf(job) })).rejects.toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_BROKEN', message: expect.stringContaining(metadata) as string }),
    );
  });

  test('one whose state is gone is named at the start', async () => {
    const job = await run(RETAIN, 3);
    job.cancel();
    const { retainedCheckpoint } = await job.outcome;
    const { metadata, baseFolder } = await readCheckpoint(retainedCheckpoint!);
    const [file] = [...filesOf(metadata).keys()];
    rmSync(join(baseFolder, file!));
    await expect(start('bounded beside', { fromSavepoint: retainedCheckpoint! })).rejects.toThrow(file!);
  });

  test('a folder without a complete one is said to have none', async () => {
    mkdirSync(join(folder, 'checkpoints', 'empty', 'chk-1'), { recursive: true });
    const place = join(folder, 'checkpoints', 'empty');
    await expect(start('bounded beside', { fromSavepoint: place })).rejects.toThrow(place);
  });
});
