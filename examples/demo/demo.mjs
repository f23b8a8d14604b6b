// A real job, killed twice in front of your eyes: first one of its worker threads, then the whole process. A second program
// (verify.mjs) then recounts what the job committed. Exit code 0 only if every sum is there exactly once.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SUMS = 120;
const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), 'millrace-demo-'));
const output = join(folder, 'sums');
const checkpoints = join(folder, 'checkpoints');

const say = (text) => process.stdout.write(`\n--- ${text}\n`);

/** One process with an embedded cluster that runs the job. `onSum` hears of each sum it prints. */
const startProcess = (restore, onSum) => {
  const args = [join(here, 'run.mjs'), checkpoints, restore ?? '', output, String(SUMS)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  let sums = 0;
  let rest = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      process.stdout.write(`    ${line}\n`);
      sums++;
      onSum(sums);
    }
  });
  const ended = new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  return { child, ended };
};

/** The newest complete checkpoint of the only job below the folder. */
const newestCheckpoint = () => {
  const [job] = readdirSync(checkpoints);
  const ids = readdirSync(join(checkpoints, job))
    .filter((name) => name.startsWith('chk-') && readdirSync(join(checkpoints, job, name)).includes('_metadata'))
    .map((name) => Number(name.slice('chk-'.length)));
  return join(checkpoints, job, `chk-${Math.max(...ids)}`);
};

const main = async () => {
  say(`Summing ${SUMS} hundreds of numbers, exactly once: the k-th sum is 10000·k + 4950. Files go to ${output}`);
  const first = startProcess(undefined, (sums) => {
    if (sums === 25) {
      say('Killing a worker thread: its task starts again from the newest checkpoint, in the same process');
      first.child.send('kill-thread');
    }
    if (sums === 60) {
      say(`kill -9 ${first.child.pid}: the whole process, JobManager, TaskManager and all`);
      first.child.kill('SIGKILL');
    }
  });
  const death = await first.ended;
  if (death.signal !== 'SIGKILL') {
    throw new Error(`the first process ended by itself with exit code ${death.code}`);
  }
  const restore = newestCheckpoint();
  say(`Starting again from ${restore}`);
  const second = startProcess(restore, () => {});
  const { code } = await second.ended;
  if (code !== 0) {
    throw new Error(`the second process ended with exit code ${code}`);
  }
  say('What a second program finds in the files (printed sums may repeat, committed ones must not):');
  const verifier = spawn(process.execPath, [join(here, 'verify.mjs'), output, String(SUMS)], { stdio: 'inherit' });
  return new Promise((resolve) => {
    verifier.on('close', resolve);
  });
};

let exitCode = 1;
try {
  exitCode = (await main()) ?? 1;
  say(exitCode === 0 ? 'Exactly once: nothing repeated, nothing missing.' : 'NOT exactly once.');
} catch (error) {
  process.stderr.write(`demo: ${error.message}\n`);
}
rmSync(folder, { recursive: true, force: true });
process.exitCode = exitCode;
