import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { startJob } from '../../../src/testing/local-job.ts';

/**
 * A program that runs a job and then does nothing: it has to end by itself. Prints what is left, as JSON.
 * Arguments: how the job ends, a folder.
 */
const [how = 'finish', folder = ''] = process.argv.slice(2);
const throwing = new URL('throwing.ts', import.meta.url);
const dying = new URL('dying.ts', import.meta.url);
const configuration = {
  'parallelism.default': 2,
  'execution.checkpointing.interval': '40ms',
  'restart-strategy.type': how === 'restart' || how === 'kill' ? 'fixed-delay' : 'none',
  'restart-strategy.fixed-delay.delay': '10ms',
  'task.cancellation.timeout': '200ms',
};
// Slow where something happens in the middle of the run.
const rate = ['cancel', 'kill', 'stop'].includes(how) ? '300' : '2000';
const marker = join(folder, 'marker');
const output = join(folder, 'out');
const [file, args] =
  how === 'hang'
    ? [dying, ['loop', marker, output]]
    : [
        throwing,
        [how === 'fail' || how === 'restart' ? 'map' : '', 'error', how === 'restart' ? marker : '', rate, output],
      ];
const job = await startJob(file, { args, configuration, inline: how === 'inline' });
if (['cancel', 'kill', 'stop'].includes(how)) {
  await job.until(() => job.completedCheckpoints.length > 0);
}
if (how === 'kill') {
  await job.killThread(0);
}
if (how === 'hang') {
  await job.until(() => existsSync(marker));
}
if (how === 'stop') {
  await job.stop({ drain: false });
} else if (how === 'cancel' || how === 'hang') {
  job.cancel();
}
const { status } = await job.outcome;
await nextTurn();
const left = process.getActiveResourcesInfo().filter((resource) => resource !== 'PipeWrap' && resource !== 'TTYWrap');
process.stdout.write(`${JSON.stringify({ status, left })}\n`);
