import { spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '..', '..');
const HOOK = pathToFileURL(join(import.meta.dirname, 'crash-hook.mjs')).href;
/** Kills are bounded, so that a job that never gets on ends the test and not the patience. */
const MOST_STARTS = 6;
const START_TIMEOUT_MS = 60_000;

/** Where a process is ended: at a call of the file system, or so many milliseconds after it was started. */
export type KillPoint =
  | {
      readonly call: 'rename' | 'link' | 'unlink' | 'sync' | 'write';
      readonly path: string;
      readonly nth: number;
      readonly when: 'before' | 'after';
    }
  | { readonly afterMs: number };

export interface RunOfJob {
  /** Bytes of the committed files by subtask, in the order of their names. */
  readonly output: Readonly<Record<string, string>>;
  /** How often the process was killed. */
  readonly kills: number;
  readonly starts: number;
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

const startCli = (args: readonly string[], kill: KillPoint | undefined): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const hook = kill !== undefined && 'call' in kill ? JSON.stringify(kill) : '';
    const child = spawn(process.execPath, ['--import', HOOK, join(ROOT, 'bin/millrace.js'), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, MILLRACE_TEST_KILL: hook },
      timeout: START_TIMEOUT_MS,
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const timer =
      kill !== undefined && 'afterMs' in kill ? setTimeout(() => child.kill('SIGKILL'), kill.afterMs) : undefined;
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stderr });
    });
  });

/** The folder of the job that wrote the newest complete checkpoint. */
const newestCheckpoint = async (checkpoints: string): Promise<string | undefined> => {
  let newest: { readonly path: string; readonly id: number } | undefined;
  for (const job of await readdir(checkpoints).catch(() => [])) {
    for (const name of await readdir(join(checkpoints, job))) {
      const path = join(checkpoints, job, name);
      const id = Number(name.replace('chk-', ''));
      const isComplete = name.startsWith('chk-') && (await readdir(path)).includes('_metadata');
      if (isComplete && (newest === undefined || id > newest.id)) {
        newest = { path, id };
      }
    }
  }
  return newest?.path;
};

export const committed = async (folder: string): Promise<Record<string, string>> => {
  const output: Record<string, string> = {};
  const names = (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.')).toSorted();
  for (const name of names) {
    const match = /^part-(\d+)-\d+$/.exec(name);
    if (match === null) {
      throw new Error(`a file that is no part is visible: ${name}`);
    }
    output[match[1]!] = (output[match[1]!] ?? '') + (await readFile(join(folder, name), 'utf8'));
  }
  return output;
};

/**
 * Runs a job by the command line until it has finished; each start but the last is ended by one of `kills`, the next goes on from
 * the newest complete checkpoint, if there is one.
 */
export const runKilled = async (
  file: string,
  kills: readonly KillPoint[],
  jobArgs: readonly string[] = [],
): Promise<RunOfJob> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-golden-'));
  const checkpoints = join(folder, 'checkpoints');
  const output = join(folder, 'out');
  try {
    let killed = 0;
    for (let starts = 1; starts <= MOST_STARTS; starts++) {
      const restore = starts === 1 ? undefined : await newestCheckpoint(checkpoints);
      const { code, signal, stderr } = await startCli(
        [
          'run',
          '--no-check',
          ...(restore === undefined ? [] : ['--fromSavepoint', restore]),
          '-D',
          `execution.checkpointing.dir=${checkpoints}`,
          file,
          output,
          ...jobArgs,
        ],
        kills[starts - 1],
      );
      if (signal === 'SIGKILL') {
        killed++;
        continue;
      }
      if (code !== 0) {
        throw new Error(`start ${starts} ended with exit code ${code} (${signal})\n${stderr}`);
      }
      return { output: await committed(output), kills: killed, starts };
    }
    throw new Error(`the job had not finished after ${MOST_STARTS} starts`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
