import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ChildOptions {
  readonly cwd: string;
  /** Ends it, and all that it started. */
  readonly interrupted: AbortSignal;
  /** What takes longer hangs. */
  readonly limitMs: number;
  readonly heed: (line: string) => void;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly tookTooLong: boolean;
  /** What it said last. */
  readonly lastLines: readonly string[];
}

const LINES_KEPT = 12;
/** What does not end within that time when it is asked to is killed. */
const LEAVE_MS = 5_000;

/** Runs a program of the project in a process group of its own, so that all of it ends when it has to. */
export const runChild = (
  args: readonly string[],
  { cwd, interrupted, limitMs, heed }: ChildOptions,
): Promise<ChildEnd> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const lastLines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lastLines.push(line);
        lastLines.splice(0, lastLines.length - LINES_KEPT);
        heed(line);
      });
    }
    const signalGroup = (signal: NodeJS.Signals): void => {
      try {
        process.kill(-child.pid!, signal);
      } catch {
        // All of it has ended.
      }
    };
    let killing: NodeJS.Timeout | undefined;
    const end = (): void => {
      signalGroup('SIGTERM');
      killing ??= setTimeout(() => signalGroup('SIGKILL'), LEAVE_MS);
    };
    let tookTooLong = false;
    const limit = setTimeout(() => {
      tookTooLong = true;
      end();
    }, limitMs);
    interrupted.addEventListener('abort', end);
    const settle = (): void => {
      clearTimeout(limit);
      clearTimeout(killing);
      interrupted.removeEventListener('abort', end);
    };
    child.on('error', (error) => {
      settle();
      reject(error);
    });
    // Not before its output is read to the end; a process that it leaves behind would hold that open, and runs into the limit.
    child.on('close', (code, signal) => {
      settle();
      resolve({ code, signal, tookTooLong, lastLines });
    });
  });
