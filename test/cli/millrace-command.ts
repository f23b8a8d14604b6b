import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { processEnvironment } from '../process-environment.ts';

export const MILLRACE = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url));
const DEADLINE_MS = 40_000;

export interface MillraceOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs it, such as `ip netns exec <host>`. */
  readonly through?: readonly string[];
  /** What takes longer hangs. */
  readonly deadlineMs?: number;
  /** In a process group of its own: Ctrl-C at the terminal does not reach it. */
  readonly isApart?: boolean;
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

  constructor(
    args: readonly string[],
    { cwd, env, through = [], deadlineMs = DEADLINE_MS, isApart = false }: MillraceOptions,
  ) {
    const [program, ...rest] = [...through, process.execPath, MILLRACE, ...args];
    this.child = spawn(program!, rest, {
      cwd,
      detached: isApart,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...processEnvironment(cwd), ...env },
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
