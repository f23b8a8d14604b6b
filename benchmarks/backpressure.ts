import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { startJob } from '../src/testing/local-job.ts';
import type { LocalJob } from '../src/testing/local-job.ts';
import { figureLine, human } from './report.ts';

const MIB = 1_048_576;
const mib = (bytes: number): string => `${(bytes / MIB).toFixed(0)} MiB`;

/** The largest resident size within each second. */
const residentBySecond = async (seconds: number): Promise<readonly number[]> => {
  const sizes: number[] = [];
  for (let second = 0; second < seconds; second++) {
    let largest = 0;
    for (let i = 0; i < 10; i++) {
      await sleep(100);
      largest = Math.max(largest, process.memoryUsage.rss());
    }
    sizes.push(largest);
  }
  return sizes;
};

const start = (file: string, parallelism: number, interval: string): Promise<LocalJob> =>
  startJob(new URL(file, import.meta.url), {
    args: [String(parallelism)],
    configuration: { 'parallelism.default': parallelism, 'execution.checkpointing.interval': interval },
  });

const calm = (job: LocalJob): string => {
  const { restarts, failedCheckpoints } = job.progress();
  if (restarts > 0 || failedCheckpoints > 0) {
    throw new Error(`the run was not calm: ${restarts} restarts, ${failedCheckpoints} failed checkpoints`);
  }
  return `${job.completedCheckpoints.length} checkpoints`;
};

/** A source that could be a hundred times faster than its sink: queues, and so the process, must not grow. */
const slowSink = async (seconds: number): Promise<void> => {
  const job = await start('jobs/backpressure-job.ts', 2, '1s');
  const sizes = await residentBySecond(seconds);
  const checkpoints = calm(job);
  job.cancel();
  await job.outcome;
  const early = sizes[Math.floor(seconds / 6) - 1]!;
  const late = sizes.at(-1)!;
  figureLine(
    'backpressure: a sink 100 times slower',
    `${mib(early)} at ${Math.floor(seconds / 6)} s, ${mib(late)} at ${seconds} s (${((late / early - 1) * 100).toFixed(1)} %); ${checkpoints}`,
    { text: 'within 10 %', holds: late <= early * 1.1 },
  );
};

/** 100 subtasks with 2,500 channels on the cores there are; they run, and end. */
const manySubtasks = async (seconds: number): Promise<void> => {
  const job = await start('jobs/many-subtasks-job.ts', 50, '5s');
  const sizes = await residentBySecond(seconds);
  const checkpoints = calm(job);
  const { recordsIn } = job.progress();
  const stoppedMs = performance.now();
  await job.stop({ drain: true });
  const { status } = await job.outcome;
  figureLine(
    'many subtasks: 2 x 50, all to all',
    `${human(recordsIn / seconds)} records/s, ${mib(Math.max(...sizes))} at most; ${checkpoints}; ` +
      `${status} ${((performance.now() - stoppedMs) / 1000).toFixed(1)} s after the stop`,
    { text: 'that it ends', holds: status === 'FINISHED' },
  );
};

/** Memory under backpressure, and with many subtasks: `node benchmarks/backpressure.ts`, 60 s each. */
export const run = async ({ short }: { readonly short: boolean }): Promise<void> => {
  const seconds = short ? 12 : 60;
  await slowSink(seconds);
  await manySubtasks(seconds);
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await run({ short: process.argv.includes('--short') });
}
