import type { FailoverCluster } from './cluster.ts';
import { KINDS, monotonicMs, type Kind } from './rounds.ts';

/** A cluster and what runs on it. */
export interface Setting {
  readonly kinds: readonly Kind[];
  readonly slots: number;
  readonly jobs: number;
  readonly hasProbe: boolean;
  /** About how long it takes until everything runs. */
  readonly startMs: number;
  readonly start: (cluster: FailoverCluster) => Promise<void>;
}

export const TASK_MANAGERS = 3;

/** Records per second and split: 1,000 for each of two sink subtasks. */
const RATE = 1_000;
/** 10 MB of state. */
const KEYS = 20_000;
/** 20 jobs of 50 subtasks: the probe and nine of four, ten of one. */
const OTHERS = [...Array.from({ length: 9 }, () => 2), ...Array.from({ length: 10 }, () => 1)];

const mixed: Setting = {
  kinds: KINDS.filter((kind) => kind !== 'many-jobs'),
  // The jobs need 30: enough for them without one of the TaskManagers.
  slots: 15,
  jobs: OTHERS.length + 1,
  hasProbe: true,
  startMs: 15_000,
  start: async (cluster) => {
    await cluster.submit(
      'failover-other-job.ts',
      OTHERS.map((parallelism) => [cluster.work, String(parallelism), '10', '1000']),
    );
    // By then all keys are there.
    const beginsMs = monotonicMs() + 3_000;
    const [probe] = await cluster.submit('failover-probe-job.ts', [
      [cluster.work, String(RATE), String(KEYS), String(beginsMs)],
    ]);
    await cluster.until(
      'the probe has checkpoints',
      () => monotonicMs() > beginsMs && (cluster.leader?.log.completed.get(probe!) ?? 0) >= 3,
    );
  },
};

const MANY_JOBS = 200;
const MANY_RETAINED = 10;
const MANY_INTERVAL_MS = 5_000;
const MANY_DEADLINE_MS = 600_000;

const many: Setting = {
  kinds: ['many-jobs'],
  slots: 68,
  jobs: MANY_JOBS,
  hasProbe: false,
  startMs: 120_000,
  start: async (cluster) => {
    await cluster.submit(
      'failover-other-job.ts',
      Array.from({ length: MANY_JOBS }, () => [cluster.work, '1', '10', String(MANY_INTERVAL_MS)]),
      { 'execution.checkpointing.num-retained': String(MANY_RETAINED) },
    );
    await cluster.until(
      'every job keeps as many checkpoints as it may',
      () => {
        const completed = [...(cluster.leader?.log.completed.values() ?? [])];
        return completed.length === MANY_JOBS && completed.every((count) => count >= MANY_RETAINED);
      },
      MANY_DEADLINE_MS,
    );
  },
};

export const SETTINGS: readonly Setting[] = [mixed, many];
