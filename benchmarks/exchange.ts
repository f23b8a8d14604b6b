import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Configuration } from '../src/foundation/config/configuration.ts';
import { bundleJob } from '../src/interfaces/cli/bundle/bundle-job.ts';
import { startLocalRun } from '../src/process/local-run.ts';
import { SplitJob } from '../test/data-plane/split-job.ts';
import { smallRecord, wideRecord } from './jobs/records.ts';
import { figureLine, human, median } from './report.ts';

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

const JOB = join(import.meta.dirname, 'jobs/exchange-job.ts');

interface Seen {
  readonly records: number;
  readonly restarts: number;
  readonly checkpoint: number | undefined;
  /** Of all processes that run tasks. */
  readonly cpuMs: number;
}

interface Measured {
  readonly perSecond: number;
  /** Says the same on a machine that has other things to do. */
  readonly cpuNanosPerRecord: number;
}

/** A running job, after a warm-up. */
const rate = async (progress: () => Seen, warmUpMs: number, measuredMs: number): Promise<Measured> => {
  await sleep(warmUpMs);
  const before = { ...progress(), atMs: performance.now() };
  await sleep(measuredMs);
  const after = { ...progress(), atMs: performance.now() };
  const { checkpoint, restarts } = progress();
  if (restarts > 0 || checkpoint === undefined) {
    throw new Error(`the run was not calm: ${restarts} restarts, checkpoint ${checkpoint}`);
  }
  const records = after.records - before.records;
  return {
    perSecond: records / ((after.atMs - before.atMs) / 1_000),
    cpuNanosPerRecord: ((after.cpuMs - before.cpuMs) * 1e6) / records,
  };
};

/** Between two threads of this process, with checkpoints every second. */
const throughput = async (kind: 'small' | 'wide', warmUpMs: number, measuredMs: number): Promise<Measured> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const bundle = await bundleJob(JOB);
  const configuration = Configuration.of({ 'execution.checkpointing.dir': folder });
  const run = await startLocalRun(
    { bundle, args: [kind], configuration, inline: false },
    { printed: () => {}, console: () => {}, log: () => {} },
  );
  const progress = (): Seen => {
    const { recordsOut, restarts, checkpoint } = run.progress();
    const { user, system } = process.cpuUsage();
    return { records: recordsOut, restarts, checkpoint: checkpoint?.id, cpuMs: (user + system) / 1_000 };
  };
  const measured = await rate(progress, warmUpMs, measuredMs);
  run.cancel();
  await run.outcome;
  await rm(folder, { recursive: true, force: true });
  return measured;
};

/** The same between two processes of one thread each. */
const throughputOverTcp = async (kind: 'small' | 'wide', warmUpMs: number, measuredMs: number): Promise<Measured> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const job = await SplitJob.start({
    file: JOB,
    args: [kind],
    folder,
    configuration: {},
    taskManagers: 2,
    slotsEach: 1,
    threadsEach: 1,
  });
  const progress = (): Seen => {
    const { tasks, restarts, checkpoints } = job.jobMaster.overview;
    const records = tasks.reduce((sum, { metrics }) => sum + (metrics?.recordsToSinks ?? 0), 0);
    const cpuMs = job.hosts.reduce((sum, host) => sum + host.cpuMs, 0);
    return { records, restarts, checkpoint: checkpoints?.latestCompleted?.checkpointId, cpuMs };
  };
  const measured = await rate(progress, warmUpMs, measuredMs);
  await job.stop();
  await rm(folder, { recursive: true, force: true });
  return measured;
};

/**
 * Keyed count over an exchange, 2 to 2, all-to-all, exactly-once checkpoints every second: between threads, and over TCP
 * between processes.
 */
export const run = async ({ short }: { readonly short: boolean }): Promise<void> => {
  for (const [kind, atLeast] of [
    ['small', 3_000_000],
    ['wide', 1_500_000],
  ] as const) {
    const baseline = plain(kind, short ? 2_000_000 : 10_000_000);
    // One after the other, so that what else the machine does meets both.
    const times: readonly [number, number] = short ? [2_000, 3_000] : [3_000, 5_000];
    const threads: Measured[] = [];
    const processes: Measured[] = [];
    for (let pair = 0; pair < (short ? 1 : 3); pair++) {
      threads.push(await throughput(kind, ...times));
      processes.push(await throughputOverTcp(kind, ...times));
    }
    const measured = median(threads.map(({ perSecond }) => perSecond));
    figureLine(
      `exchange: keyed count, ${kind} records`,
      `${human(measured)} records/s  (${(measured / baseline).toFixed(2)} x one plain loop's ${human(baseline)})`,
      { text: `${human(atLeast)} records/s`, holds: measured >= atLeast },
    );
    const ratio = (of: (measured: Measured) => number): number =>
      median(processes.map((each, pair) => of(each) / of(threads[pair]!)));
    const speed = ratio(({ perSecond }) => perSecond);
    const cpu = ratio(({ cpuNanosPerRecord }) => cpuNanosPerRecord);
    const overTcp = median(processes.map(({ perSecond }) => perSecond));
    figureLine(
      `exchange: the same over TCP, ${kind} records`,
      `${human(overTcp)} records/s  (${speed.toFixed(2)} x the exchange between threads; ${cpu.toFixed(2)} x its CPU time per record)`,
      { text: '0.8 x', holds: speed >= 0.8 },
    );
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await run({ short: process.argv.includes('--short') });
}
