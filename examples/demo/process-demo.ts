// One process with a cluster embedded in it, killed twice in front of your eyes: first one of its worker threads, then all of it. A
// program that knows nothing of Millrace then recounts what the job committed. Exit code 0 only if everything is there exactly once.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PrintedSums } from './printed-sums.ts';
import { isExact, runDemo, type Demo } from './run-demo.ts';

const SUMS = 75;
const THREAD_DIES_AT = 20;
const PROCESS_DIES_AT = 45;

const INTRODUCTION = `
Millrace in one process: JobManager, TaskManager and a worker thread for each slot. The k-th sum is 10000·k + 4950; one in
brackets was printed before, which a sum may be; it must be committed once.
`;

/** One process of the demo, while it runs and shows its sums. */
class JobProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<readonly [number | null, NodeJS.Signals | null]>;

  /** `restore`: what it starts from, or ''. */
  constructor({ folder, stage, interruption }: Demo, sums: PrintedSums, checkpoints: string, restore: string) {
    const args = [join(import.meta.dirname, 'one-process.ts'), checkpoints, restore, folder, String(SUMS)];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    interruption.addEventListener('abort', () => this.#child.kill('SIGKILL'));
    this.#ended = once(this.#child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      const sum = Number(line.replace('sum> ', ''));
      stage.sum(sum, sums.add(sum, performance.now()));
      this.#child.emit('printed', sums.count);
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Rejects when the process ends before. */
  async untilPrinted(count: number): Promise<void> {
    const printed = new Promise<void>((resolve) => {
      this.#child.on('printed', (sums: number) => sums >= count && resolve());
    });
    await Promise.race([
      printed,
      this.#ended.then(([code]) => {
        throw new Error(`the process ended with exit code ${code} before it had printed ${count} sums`);
      }),
    ]);
  }

  killThread(): void {
    this.#child.send('kill-thread');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Rejects when it fails. */
  async finished(): Promise<void> {
    const [code] = await this.#ended;
    if (code !== 0) {
      throw new Error(`the process ended with exit code ${code}`);
    }
  }
}

/** The newest complete checkpoint of the only job below the folder. */
const newestCheckpoint = (folder: string): string => {
  const [job = ''] = readdirSync(folder);
  const ids = readdirSync(join(folder, job))
    .filter((name) => name.startsWith('chk-') && existsSync(join(folder, job, name, '_metadata')))
    .map((name) => Number(name.slice('chk-'.length)));
  return join(folder, job, `chk-${Math.max(...ids)}`);
};

await runDemo(async (demo) => {
  const { stage, folder } = demo;
  const checkpoints = join(folder, 'checkpoints');
  const sums = new PrintedSums();
  stage.write(INTRODUCTION);
  const first = new JobProcess(demo, sums, checkpoints, '');
  await first.untilPrinted(THREAD_DIES_AT);
  stage.shout('a worker thread is killed: tasks start again from the newest checkpoint, in the same process');
  first.killThread();
  await first.untilPrinted(PROCESS_DIES_AT);
  stage.shout(`kill -9 ${first.pid}: the whole process`);
  await first.kill();
  const restore = newestCheckpoint(checkpoints);
  stage.say(`a new process goes on from ${restore.slice(folder.length + 1)}`);
  await new JobProcess(demo, sums, checkpoints, restore).finished();
  stage.write('\nVerdict of a program that knows nothing of Millrace, on the committed files\n');
  const exact = await isExact(folder, SUMS);
  stage.write(exact ? '\nExactly once: nothing is repeated, nothing is missing.' : '\nNOT exactly once.');
  return exact;
});
