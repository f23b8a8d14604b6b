import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export const MILLRACE = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url));
const DEADLINE_MS = 40_000;

export interface MillraceOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs it, such as `ip netns exec <host>`. */
  readonly through?: readonly string[];
  /** What takes longer hangs. */
  readonly deadlineMs?: number;
}

export interface MillraceResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built command as a process of its own, with nothing of this one's environment. */
export class MillraceProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<MillraceResult>;
  stdout = '';
  stderr = '';
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], { cwd, env, through = [], deadlineMs = DEADLINE_MS }: MillraceOptions) {
    const [program, ...rest] = [...through, process.execPath, MILLRACE, ...args];
    this.child = spawn(program!, rest, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: cwd, TMPDIR: cwd, ...env },
    });
    const wake = (): void => this.#waiting.forEach((check) => check());
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      wake();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      wake();
    });
    this.ended = new Promise((resolve, reject) => {
      const deadline = setTimeout(() => {
        this.child.kill('SIGKILL');
        reject(new Error(`millrace ${args.join(' ')} did not end:\n${this.stdout}\n${this.stderr}`));
      }, deadlineMs);
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        clearTimeout(deadline);
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
        wake();
      });
    });
    // Who waits for something else hears of it there.
    this.ended.catch(() => {});
  }

  /** Resolves when `find` finds something in the output; rejects when the process ends before. */
  async until<T>(find: (self: this) => T | undefined | null | false): Promise<T> {
    for (;;) {
      const found = find(this);
      if (found !== undefined && found !== null && found !== false) {
        return found;
      }
      const { child } = this;
      if (child.exitCode !== null || child.signalCode !== null) {
        const { stdout, stderr } = await this.ended;
        const late = find(this);
        if (late !== undefined && late !== null && late !== false) {
          return late;
        }
        throw new Error(`it ended before what was awaited (${String(find)}):\n${stdout}\n${stderr}`);
      }
      let check = (): void => {};
      await Promise.race([
        new Promise<void>((resolve) => {
          check = resolve;
          this.#waiting.add(check);
        }),
        this.ended,
      ]);
      this.#waiting.delete(check);
    }
  }

  /** Resolves when `stdout` has at least so many lines. */
  async lines(count: number): Promise<void> {
    await this.until(({ stdout }) => stdout.split('\n').length > count);
  }

  /** Resolves when the newest job of this process, which runs with `--verbose`, has a complete checkpoint of its own. */
  async checkpoint(): Promise<void> {
    await this.until(({ stderr }) =>
      stderr.slice(Math.max(0, stderr.lastIndexOf('Job has been submitted'))).includes('Completed checkpoint'),
    );
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

export const millrace = (args: readonly string[], options: MillraceOptions): Promise<MillraceResult> =>
  new MillraceProcess(args, options).ended;

const folders: string[] = [];

afterAll(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

/** A folder with these files; it goes with the test file. */
export const folderWith = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
  folders.push(folder);
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
  return folder;
};

/** The imports that each job below begins with. */
const IMPORTS = `import { job } from 'millrace';
import { sequence } from 'millrace/connectors/generator';
`;

/** A job's file around the body of its builder, which begins in line 4. */
export const jobFile = (body: string, name = 'the-job'): string =>
  `${IMPORTS}export default job('${name}', (env, args) => {\n${body}\n});\n`;

/** Numbers 0, 1, ... summed by three keys, with a checkpoint kept each 50 ms; the first argument is the last number. */
export const SUMS = jobFile(`
  env.enableCheckpointing({ interval: '50ms', retention: 'RETAIN_ON_CANCELLATION' });
  env.from(sequence({ from: 0, to: Number(args[0] ?? 1e9), every: '2ms' })).uid('numbers')
    .keyBy((x) => String(x % 3)).sum().uid('sums').print();`);
