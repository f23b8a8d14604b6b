import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Configuration } from '../src/foundation/config/configuration.ts';
import { bundleJob } from '../src/interfaces/cli/bundle/bundle-job.ts';
import { startLocalRun } from '../src/process/local-run.ts';
import { figureLine, human, percentile } from './report.ts';

const KEYS = 1_000_000;

interface Window {
  readonly records: number;
  readonly gapMs: number;
  /** Without what the thread waited for a core. */
  readonly ownGapMs: number;
}

/** Runs the job; windows of the time after all keys are there. */
const windows = async (rate: number, intervalMs: number | undefined, measuredMs: number): Promise<Window[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const bundle = await bundleJob(join(import.meta.dirname, 'jobs/pause-job.ts'));
  const seen: Window[] = [];
  let completed = 0;
  const run = await startLocalRun(
    {
      bundle,
      args: [String(KEYS), String(rate), String(intervalMs ?? 1_000)],
      configuration: Configuration.of({
        'execution.checkpointing.dir': folder,
        'execution.checkpointing.interval': intervalMs === undefined ? undefined : `${intervalMs} ms`,
      }),
      inline: false,
    },
    {
      printed: (line) => {
        const [records, gapMs, ownGapMs] = line.split(' ').map(Number);
        seen.push({ records: records!, gapMs: gapMs!, ownGapMs: ownGapMs! });
      },
      console: () => {},
      log: () => {},
      checkpointCompleted: () => void completed++,
    },
  );
  while (run.progress().recordsIn < KEYS * 1.5) {
    await sleep(100);
  }
  seen.length = 0;
  await sleep(measuredMs);
  const result = [...seen];
  run.cancel();
  await run.outcome;
  await rm(folder, { recursive: true, force: true });
  if (intervalMs !== undefined && completed < 3) {
    throw new Error(`only ${completed} checkpoints completed`);
  }
  return result;
};

/**
 * The longest time between two records in each checkpoint interval: with 1 M keys changed uniformly at half of the rate
 * that the job reaches without checkpoints.
 */
export const run = async ({ short }: { readonly short: boolean }): Promise<void> => {
  const top = await windows(0, undefined, short ? 2_000 : 4_000);
  const perSecond = top.reduce((sum, { records }) => sum + records, 0) / top.length;
  const rate = Math.floor(perSecond / 2);
  const quiet = await windows(rate, undefined, short ? 3_000 : 10_000);
  const busy = await windows(rate, 250, short ? 5_000 : 30_000);
  const gaps = (values: readonly number[]): string =>
    `p50 ${percentile(values, 0.5).toFixed(1)} p99 ${percentile(values, 0.99).toFixed(1)} max ${Math.max(...values).toFixed(1)} ms`;
  const busyGaps = busy.map(({ gapMs }) => gapMs);
  const p99 = percentile(busyGaps, 0.99);
  figureLine(
    'pause: 1 M keys at half the top rate',
    `${gaps(busyGaps)} in ${busy.length} intervals of 250 ms at ${human(rate)} records/s  (without checkpoints, intervals of 1 s: ${gaps(quiet.map(({ gapMs }) => gapMs))})`,
    { text: 'p99 under 10 ms', holds: p99 < 10 },
  );
  figureLine('  of it without waiting for a core', gaps(busy.map(({ ownGapMs }) => ownGapMs)));
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await run({ short: process.argv.includes('--short') });
}
