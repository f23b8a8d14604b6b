// One process of the demo: an embedded cluster that runs job.ts. Arguments: checkpoint folder, what to start from (or ''),
// then the job's own. The message 'kill-thread' ends a task thread as a crash would.
import { join } from 'node:path';
import { startJob } from 'millrace/testing';

const [checkpoints = '', restore = '', ...args] = process.argv.slice(2);
const run = await startJob(join(import.meta.dirname, 'job.ts'), {
  args,
  configuration: { 'execution.checkpointing.dir': checkpoints },
  ...(restore === '' ? {} : { fromSavepoint: restore }),
  onPrint: (line) => process.stdout.write(`${line}\n`),
});
process.on('message', (message) => {
  if (message === 'kill-thread') {
    void run.killThread(0);
  }
});
const { status, error } = await run.outcome;
if (status !== 'FINISHED') {
  process.stderr.write(`the job ended ${status}: ${error?.message}\n`);
  process.exitCode = 1;
}
process.disconnect?.();
