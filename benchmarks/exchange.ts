import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Configuration } from '../src/foundation/config/configuration.ts';
import { bundleJob } from '../src/interfaces/cli/bundle/bundle-job.ts';
import { startLocalRun } from '../src/process/local-run.ts';
import { smallRecord, wideRecord } from './jobs/records.ts';
import { figureLine, human } from './report.ts';

/** The same count by one plain loop on one thread, for the scale. */
const plain = (kind: 'small' | 'wide', count: number): number => {
  const counts = new Map<string | number, number>();
  const startedMs = performance.now();
  for (let index = 0; index < count; index++) {
    const key = kind === 'small' ? smallRecord(index).k : wideRecord(index).auction;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return count / ((performance.now() - startedMs) / 1_000);
};

/** Records per second that reach the sinks, after a warm-up, with checkpoints every second. */
const throughput = async (kind: 'small' | 'wide', warmUpMs: number, measuredMs: number): Promise<number> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const bundle = await bundleJob(join(import.meta.dirname, 'jobs/exchange-job.ts'));
  const configuration = Configuration.of({ 'execution.checkpointing.dir': folder });
  const run = await startLocalRun(
    { bundle, args: [kind], configuration, inline: false },
    { printed: () => {}, console: () => {}, log: () => {} },
  );
  await sleep(warmUpMs);
  const before = { records: run.progress().recordsOut, atMs: performance.now() };
  await sleep(measuredMs);
  const after = { records: run.progress().recordsOut, atMs: performance.now() };
  const { checkpoint, restarts } = run.progress();
  run.cancel();
  await run.outcome;
  await rm(folder, { recursive: true, force: true });
  if (restarts > 0 || checkpoint === undefined) {
    throw new Error(`the run was not calm: ${restarts} restarts, checkpoint ${checkpoint?.id}`);
  }
  return (after.records - before.records) / ((after.atMs - before.atMs) / 1_000);
};

/** Keyed count over an exchange between threads, 2 to 2, all-to-all, exactly-once checkpoints every second. */
export const run = async ({ short }: { readonly short: boolean }): Promise<void> => {
  for (const [kind, atLeast] of [
    ['small', 3_000_000],
    ['wide', 1_500_000],
  ] as const) {
    const baseline = plain(kind, short ? 2_000_000 : 10_000_000);
    const measured = await throughput(kind, short ? 2_000 : 4_000, short ? 3_000 : 12_000);
    figureLine(
      `exchange: keyed count, ${kind} records`,
      `${human(measured)} records/s  (${(measured / baseline).toFixed(2)} x one plain loop's ${human(baseline)})`,
      { text: `${human(atLeast)} records/s`, holds: measured >= atLeast },
    );
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await run({ short: process.argv.includes('--short') });
}
