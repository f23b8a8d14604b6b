import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Configuration } from '../src/foundation/config/configuration.ts';
import { bundleJob } from '../src/interfaces/cli/bundle/bundle-job.ts';
import { startLocalRun } from '../src/process/local-run.ts';
import { smallRecord } from './jobs/records.ts';
import { median, ratioLine } from './report.ts';

/** One plain loop over the same records, a Map for the sums: what the job is compared with. */
const plain = (from: number, count: number): number => {
  const sums = new Map<string, number>();
  const startedMs = performance.now();
  for (let index = from; index < from + count; index++) {
    const record = smallRecord(index);
    if (record.v === 7) {
      continue;
    }
    const doubled = { k: record.k, v: record.v * 2 };
    sums.set(doubled.k, (sums.get(doubled.k) ?? 0) + doubled.v);
  }
  return performance.now() - startedMs;
};

/** The same through a job on one thread, this one; the clock runs between two of its records. */
const chain = async (warmUp: number, count: number): Promise<number> => {
  const marks = globalThis as { chainMarks?: number[] };
  marks.chainMarks = [];
  const bundle = await bundleJob(join(import.meta.dirname, 'jobs/chain-job.ts'));
  const run = await startLocalRun(
    { bundle, args: [String(warmUp), String(count)], configuration: Configuration.empty, inline: true },
    { printed: () => {}, console: () => {}, log: () => {} },
  );
  const { status, error } = await run.outcome;
  if (status !== 'FINISHED') {
    throw new Error(`the job ended ${status}: ${error?.message}`);
  }
  const [first, last] = marks.chainMarks;
  return last! - first!;
};

/** Records per second of the chain against those of the loop; medians of alternating runs. */
export const run = async ({ short }: { readonly short: boolean }): Promise<void> => {
  const [warmUp, count, rounds] = short ? [1_000_000, 4_000_000, 3] : [5_000_000, 20_000_000, 7];
  plain(0, warmUp);
  const plainMs: number[] = [];
  const chainMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    plainMs.push(plain(warmUp, count));
    chainMs.push(await chain(warmUp, count));
  }
  const perSecond = (times: readonly number[]): number => count / (median(times) / 1_000);
  ratioLine('chain: filter, map, sum by key', {
    unit: 'records/s',
    measured: perSecond(chainMs),
    baseline: perSecond(plainMs),
    baselineName: 'one plain loop',
    atLeast: 0.5,
  });
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await run({ short: process.argv.includes('--short') });
}
