import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LocalJob, startJob, type StartJobOptions } from '../../src/testing/local-job.ts';
import { ValveControl } from './valve-control.ts';

const JOB = join(import.meta.dirname, 'jobs/restorable.ts');
const SPLITS = ['a', 'b', 'c', 'd'];
const KEYS = 10;
/** Records of a split before the first stop, and in all. */
const EARLY = 100;
const ALL = 160;

interface KeyCount {
  readonly key: number;
  readonly count: number;
}

let folder: string;
let valves: string;
let records: ValveControl;
let letGo: ValveControl;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-restore-'));
  useValves('valves');
});

/** Jobs that are started from now on have these, closed at first. */
const useValves = (name: string): void => {
  valves = join(folder, name);
  mkdirSync(valves);
  records = new ValveControl(valves, 'records');
  letGo = new ValveControl(valves, 'let-go');
};

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const start = (
  parallelism: number,
  flags: readonly string[] = [],
  { configuration, ...options }: StartJobOptions = {},
): Promise<LocalJob> =>
  startJob(JOB, {
    args: [valves, ...flags],
    configuration: {
      'parallelism.default': parallelism,
      'execution.checkpointing.interval': '30ms',
      'execution.checkpointing.dir': join(folder, 'checkpoints'),
      'execution.checkpointing.savepoint-dir': join(folder, 'savepoints'),
      'restart-strategy.type': 'none',
      ...configuration,
    },
    ...options,
  });

const counts = (jobs: readonly LocalJob[], name: 'counts' | 'extra' = 'counts'): KeyCount[] =>
  jobs.flatMap((job) => job.collected(name) as KeyCount[]);

/** A run until the first records have been counted. */
const startEarly = async (parallelism: number, flags: readonly string[] = []): Promise<LocalJob> => {
  const job = await start(parallelism, flags);
  records.open(EARLY);
  await job.until(() => counts([job]).length === EARLY * SPLITS.length);
  return job;
};

/** Lets `job` read the rest and give out what it holds; `earlier` are the runs that it goes on from. */
const finish = async (job: LocalJob, earlier: readonly LocalJob[]): Promise<void> => {
  records.open(ALL);
  records.end();
  // A checkpoint that commits a count has gone through the holding operator behind the same record.
  await job.until(() => counts([...earlier, job]).length === ALL * SPLITS.length);
  letGo.open(1);
  letGo.end();
  await job.finished();
};

/** Whether a job has counted the last record of each key. */
const isCounted = (job: LocalJob): boolean =>
  counts([job]).filter(({ count }) => count === (ALL / KEYS) * SPLITS.length).length === KEYS;

const sorted = <T>(values: readonly T[]): T[] =>
  values.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

/** Each key counted from 1 to the end, without gap and repeat. */
const exactCounts = (perSplit = ALL): KeyCount[] =>
  Array.from({ length: KEYS }, (_, key) =>
    Array.from({ length: (perSplit / KEYS) * SPLITS.length }, (_each, n) => ({ key, count: n + 1 })),
  ).flat();

const everyRecord = (): string[] =>
  SPLITS.flatMap((split) => Array.from({ length: ALL }, (_, index) => `${split} ${index}`));

const expectExact = (jobs: readonly LocalJob[]): void => {
  expect(sorted(counts(jobs))).toEqual(sorted(exactCounts()));
  expect(sorted(jobs.flatMap((job) => job.collected('held') as string[]))).toEqual(sorted(everyRecord()));
};

describe('a job that is stopped and started again', () => {
  test.each([
    [2, 4],
    [4, 1],
    [1, 3],
    [2, 2],
  ])('with parallelism %i goes on with %i', async (before, after) => {
    const first = await startEarly(before);
    const savepoint = await first.stop({ drain: false });
    await first.finished();
    const second = await start(after, [], { fromSavepoint: savepoint, continues: first });
    await finish(second, [first]);
    expectExact([first, second]);
  });

  test('goes on from a savepoint in memory, in one thread only', async () => {
    const inMemory = {
      'execution.checkpointing.dir': `memory://${folder}/checkpoints`,
      'execution.checkpointing.savepoint-dir': `memory://${folder}/savepoints`,
      'execution.checkpointing.data-inline-threshold': '0b',
    };
    const first = await start(2, [], { inline: true, configuration: inMemory });
    records.open(EARLY);
    await first.until(() => counts([first]).length === EARLY * SPLITS.length);
    const savepoint = await first.stop({ drain: false });
    expect(savepoint).toMatch(/^memory:\/\//);
    const second = await start(3, [], {
      inline: true,
      configuration: inMemory,
      fromSavepoint: savepoint,
      continues: first,
    });
    await finish(second, [first]);
    expectExact([first, second]);

    await expect(start(1, [], { configuration: inMemory })).rejects.toThrow('execution.checkpointing.dir is memory://');
    await expect(start(1, [], { fromSavepoint: savepoint })).rejects.toThrow(
      'execution.state-recovery.path is memory:',
    );
    const third = await start(1);
    await expect(third.savepoint('memory:///s')).rejects.toThrow('a savepoint cannot go to memory:///s');
    await expect(third.stop({ folder: 'memory:///s', drain: false })).rejects.toThrow('cannot go to memory:///s');
    third.cancel();
    await third.outcome;
  });

  test('goes on from a savepoint that was moved', async () => {
    const first = await startEarly(2);
    const savepoint = await first.stop({ drain: false });
    const moved = join(folder, 'elsewhere', 'with another name');
    mkdirSync(join(folder, 'elsewhere'));
    renameSync(savepoint, moved);
    const second = await start(2, [], { fromSavepoint: moved, continues: first });
    await finish(second, [first]);
    expectExact([first, second]);
  });

  test('goes on from the checkpoints of a cancelled job that were moved', async () => {
    const first = await start(2, [], {
      configuration: {
        'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
        'execution.checkpointing.data-inline-threshold': '0b',
      },
    });
    records.open(EARLY);
    await first.until(() => counts([first]).length === EARLY * SPLITS.length);
    first.cancel();
    const { status, retainedCheckpoint } = await first.outcome;
    expect(status).toBe('CANCELED');
    expect(retainedCheckpoint).toContain(join(folder, 'checkpoints', first.jobId));
    const moved = join(folder, 'elsewhere');
    renameSync(join(folder, 'checkpoints', first.jobId), moved);
    const second = await start(2, [], { fromSavepoint: moved, continues: first });
    await finish(second, [first]);
    expectExact([first, second]);
  });

  test('a savepoint of a running job changes nothing for it', async () => {
    const first = await start(2);
    records.open(EARLY);
    await first.until(() => counts([first]).length > 0);
    const savepoint = await first.savepoint();
    expect(savepoint).toContain(join(folder, 'savepoints', `savepoint-${first.jobId.slice(0, 6)}-`));
    await finish(first, []);
    expectExact([first]);
    // The other goes on from the savepoint, wherever that was.
    useValves('other valves');
    const second = await start(3, [], { fromSavepoint: savepoint, continues: first });
    records.open(ALL);
    records.end();
    await second.until(() => isCounted(second));
    letGo.open(1);
    letGo.end();
    await second.finished();
    const firstCount = (key: number): number =>
      Math.min(...counts([second]).flatMap((each) => (each.key === key ? [each.count] : [])));
    expect(sorted(counts([second]))).toEqual(
      sorted(exactCounts().filter(({ key, count }) => count >= firstCount(key))),
    );
    expect(sorted(second.collected('held'))).toEqual(sorted(everyRecord()));
  });

  test('finds no savepoint where none is', async () => {
    await expect(start(2, [], { fromSavepoint: join(folder, 'nowhere') })).rejects.toThrow(join(folder, 'nowhere'));
  });
});

describe('a job that was changed', () => {
  test('starts an operator that is new with nothing', async () => {
    const first = await startEarly(2);
    const savepoint = await first.stop({ drain: false });
    const second = await start(2, ['extra'], { fromSavepoint: savepoint, continues: first });
    await finish(second, [first]);
    expectExact([first, second]);
    const later = ALL - EARLY;
    expect(sorted(counts([second], 'extra'))).toEqual(sorted(exactCounts(later)));
  });

  test('does not start where the state of an operator would be lost', async () => {
    const first = await startEarly(2, ['extra']);
    const savepoint = await first.stop({ drain: false });
    const failing = start(2, ['extra', 'without counts'], { fromSavepoint: savepoint, continues: first }).then((job) =>
      job.finished(),
    );
    await expect(failing).rejects.toThrow(/counts.*--allowNonRestoredState/s);
  });

  test('leaves the state of an operator out where that is allowed', async () => {
    const first = await startEarly(2, ['extra']);
    const savepoint = await first.stop({ drain: false });
    const second = await start(2, ['extra', 'without counts'], {
      fromSavepoint: savepoint,
      continues: first,
      allowNonRestoredState: true,
    });
    records.open(ALL);
    records.end();
    await second.until(() => counts([first, second], 'extra').length === ALL * SPLITS.length);
    letGo.open(1);
    letGo.end();
    await second.finished();
    expect(sorted(counts([first, second], 'extra'))).toEqual(sorted(exactCounts()));
    expect(counts([second])).toEqual([]);
    expect(sorted(second.collected('held'))).toEqual(sorted(everyRecord()));
  });
});

describe('a job in one process', () => {
  test('collects each row once when its threads die', async () => {
    const job = await start(2, [], {
      configuration: {
        'restart-strategy.type': 'fixed-delay',
        'restart-strategy.fixed-delay.delay': '10ms',
        'restart-strategy.fixed-delay.attempts': 10,
      },
    });
    for (let step = 1; step <= 4; step++) {
      records.open((EARLY / 4) * step);
      await job.until(() => counts([job]).length >= EARLY * (step - 1));
      await job.killThread(step % 2);
    }
    await finish(job, []);
    expect(job.progress().restarts).toBeGreaterThan(0);
    expectExact([job]);
  });
});
