import { spawn } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { processEnvironment } from '../process-environment.ts';

const MILLRACE = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url));
const LATER_HOOK = pathToFileURL(fileURLToPath(new URL('./later-hook.mjs', import.meta.url))).href;
const CRASH_HOOK = pathToFileURL(fileURLToPath(new URL('./crash-hook.mjs', import.meta.url))).href;
/** A run that takes longer hangs. */
const DEADLINE_MS = 60_000;

/** What happens to a run. Where it is killed with SIGKILL: at a call of the file system (see crash-hook.mjs), or some time after its start. */
export type Kill =
  | {
      readonly kind: 'call';
      readonly call: 'open' | 'link' | 'rename' | 'unlink' | 'rm' | 'write' | 'sync' | 'close';
      readonly path: string;
      readonly nth: number;
      readonly when: 'before' | 'after' | 'half';
    }
  | { readonly kind: 'time'; readonly afterMs: number }
  /** Not at all; its wall clock is ahead of that of the other runs. */
  | { readonly kind: 'later'; readonly aheadMs: number };

export interface CommandResult {
  readonly code: number | null;
  readonly killed: boolean;
  readonly output: string;
}

/** Runs `millrace run` of the built package as a process of its own. */
export const runCommandLine = (args: readonly string[], cwd: string, kill?: Kill): Promise<CommandResult> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MILLRACE, 'run', '--no-check', ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...processEnvironment(cwd),
        ...(kill?.kind === 'call'
          ? { NODE_OPTIONS: `--import=${CRASH_HOOK}`, MILLRACE_CRASH: JSON.stringify(kill) }
          : {}),
        ...(kill?.kind === 'later'
          ? { NODE_OPTIONS: `--import=${LATER_HOOK}`, MILLRACE_AHEAD: String(kill.aheadMs) }
          : {}),
      },
    });
    let output = '';
    const collect = (text: string): void => {
      output += text;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    let hangs = false;
    const deadline = setTimeout(() => {
      hangs = true;
      child.kill('SIGKILL');
    }, DEADLINE_MS);
    const shot = kill?.kind === 'time' ? setTimeout(() => child.kill('SIGKILL'), kill.afterMs) : undefined;
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(deadline);
      clearTimeout(shot);
      if (hangs) {
        reject(new Error(`the run did not end within ${DEADLINE_MS} ms:\n${output}`));
      } else {
        resolve({ code, killed: signal === 'SIGKILL', output });
      }
    });
  });
