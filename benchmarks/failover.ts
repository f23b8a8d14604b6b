/**
 * Processes of a cluster killed and paused under load: `node benchmarks/failover.ts [--short] [--kills N] [--keep] [kind ...]`. Linux
 * only. Raw times go to `benchmarks/results/failover.csv`.
 */
import { existsSync, appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FailoverCluster } from './failover/cluster.ts';
import { KINDS, monotonicMs, Rounds, type Kind, type Line } from './failover/rounds.ts';
import { printSummary } from './failover/summary.ts';
import { Stamps } from './failover/stamps.ts';

const RESULTS = join(import.meta.dirname, 'results');
const COLUMNS = [
  'kind',
  'round',
  'stretch',
  'load',
  'waiting',
  'grantedMs',
  'takeoverMs',
  'beyondMs',
  'emitGapMs',
  'commitGapMs',
  'restarts',
  'leaderMb',
] as const satisfies readonly (keyof Line)[];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    kills: { type: 'string' },
    keep: { type: 'boolean', default: false },
    csv: { type: 'string', default: join(RESULTS, 'failover.csv') },
  },
});
const leaderKills = Number(values.kills ?? (values.short ? 10 : 300));
const countOf = (kind: Kind): number =>
  kind === 'leader-killed' ? leaderKills : Math.max(1, Math.ceil(leaderKills / (values.short ? 5 : 3)));
const chosen = KINDS.filter((kind) => positionals.length === 0 || positionals.includes(kind));

/** 20 jobs of 50 subtasks: the probe of 4, 15 of two, 4 of four. */
const OTHERS = [...Array.from({ length: 15 }, () => 1), 2, 2, 2, 2];
const JOBS = 1 + OTHERS.length;
const TASK_MANAGERS = 3;
/** The jobs need 25: enough for them without one of the TaskManagers. */
const SLOTS = 14;
/** Records per second and split: twice 1,000 for two sink subtasks. */
const RATE = 1_000;
/** 10 MB of state. */
const KEYS = 20_000;

const text = (value: Line[keyof Line]): string =>
  typeof value === 'number'
    ? Number.isInteger(value)
      ? String(value)
      : value.toFixed(value < 10 ? 2 : 1)
    : (value ?? '');

const write = (lines: readonly Line[]): void =>
  appendFileSync(
    values.csv,
    lines.map((line) => `${COLUMNS.map((column) => text(line[column])).join(',')}\n`).join(''),
  );

const startJobs = async (cluster: FailoverCluster): Promise<void> => {
  const rounds = new Rounds(cluster, undefined, { jobs: 0, taskManagers: TASK_MANAGERS });
  await rounds.settle();
  await cluster.submit(
    'failover-other-job.ts',
    OTHERS.map((parallelism) => [cluster.work, String(parallelism), '10', '1000']),
  );
  // By then all keys are there.
  const startMs = monotonicMs() + 5_000;
  const [probe] = await cluster.submit('failover-probe-job.ts', [
    [cluster.work, String(RATE), String(KEYS), String(startMs)],
  ]);
  await cluster.until('the probe has checkpoints', () => (cluster.leader?.log.completed.get(probe!) ?? 0) >= 5);
};

mkdirSync(RESULTS, { recursive: true });
writeFileSync(values.csv, `${COLUMNS.join(',')}\n`);
const cluster = new FailoverCluster({ jobManagers: 3, taskManagers: TASK_MANAGERS, slots: SLOTS });
let hasFailed = true;
try {
  await startJobs(cluster);
  const rounds = new Rounds(cluster, new Stamps(cluster.work), { jobs: JOBS, taskManagers: TASK_MANAGERS });
  for (const kind of chosen) {
    const lines: Line[] = [];
    for (let round = 1; round <= countOf(kind); round++) {
      const both = await rounds.run(kind, round);
      write(both);
      lines.push(...both);
    }
    printSummary(kind, lines);
  }
  hasFailed = false;
} finally {
  const keeps = values.keep || hasFailed;
  await cluster.close(keeps);
  if (keeps && existsSync(cluster.folder)) {
    process.stdout.write(`What the processes wrote is in ${cluster.folder}\n`);
  }
}
