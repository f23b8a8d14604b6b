import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Kill, runCommandLine } from './command-line.ts';

export interface KilledJobOptions {
  readonly file: string;
  /** A folder of its own. */
  readonly folder: string;
  /** What follows the output folder and the checkpoint folder. */
  readonly args: readonly string[];
  readonly configuration: Readonly<Record<string, string | number>>;
}

export interface KilledJobResult {
  /** Kills that happened; a run may end before it comes to the point. */
  readonly kills: number;
  readonly runs: number;
}

/**
 * Runs a job that writes to files until it ends, as a user would: killed, it is started again from the newest checkpoint,
 * from the beginning where there is none. The n-th run is killed as `kills[n]` says. The output folder is
 * `out` in the given one; `afterKill` is called after each kill.
 */
export const runKilledJob = async (
  options: KilledJobOptions,
  kills: readonly (Kill | undefined)[],
  afterKill: () => void = () => {},
): Promise<KilledJobResult> => {
  const out = join(options.folder, 'out');
  let killed = 0;
  let restore: string | undefined;
  for (let run = 0; ; run++) {
    const checkpoints = join(options.folder, `checkpoints-${run}`);
    mkdirSync(checkpoints, { recursive: true });
    const result = await runCommandLine(
      [
        ...settings({ ...options.configuration, 'execution.checkpointing.dir': checkpoints }),
        ...(restore === undefined ? [] : ['--fromSavepoint', restore]),
        options.file,
        out,
        checkpoints,
        ...options.args,
      ],
      options.folder,
      kills[run],
    );
    if (!result.killed) {
      if (result.code !== 0) {
        throw new Error(`run ${run + 1} ended with exit code ${result.code}:\n${result.output}`);
      }
      return { kills: killed, runs: run + 1 };
    }
    killed++;
    afterKill();
    restore = checkpointToContinueFrom(checkpoints) ?? restore;
    if (restore === undefined && hasVisibleFile(out)) {
      // What a checkpoint committed is there, and no checkpoint is: the job had ended and cleaned up.
      return { kills: killed, runs: run + 1 };
    }
    if (restore !== undefined && !existsSync(restore)) {
      throw new Error(`${restore} is gone`);
    }
  }
};

const settings = (configuration: Readonly<Record<string, string | number>>): string[] =>
  Object.entries(configuration).flatMap(([key, value]) => ['-D', `${key}=${value}`]);

/** The folder of the job in `checkpoints`, if it has a complete checkpoint. */
const checkpointToContinueFrom = (checkpoints: string): string | undefined => {
  // A job that was killed may have left the file of an unfinished write beside the folders of jobs.
  const jobs = readdirSync(checkpoints, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name: job } of jobs) {
    const folder = join(checkpoints, job);
    if (readdirSync(folder).some((name) => existsSync(join(folder, name, '_metadata')))) {
      return folder;
    }
  }
  return undefined;
};

const hasVisibleFile = (folder: string): boolean =>
  existsSync(folder) &&
  readdirSync(folder, { withFileTypes: true }).some(
    (entry) => !entry.name.startsWith('.') && (entry.isFile() || hasVisibleFile(join(folder, entry.name))),
  );

/** What the files that are not hidden hold, by subtask, in the order of their names. */
export const committedOutput = (folder: string): ReadonlyMap<string, string> => {
  const output = new Map<string, string>();
  const names = existsSync(folder) ? readdirSync(folder) : [];
  for (const name of names.filter((each) => !each.startsWith('.')).sort()) {
    const subtask = /^part-(\d+)-\d{10}(\.\w+)?$/.exec(name)?.[1];
    if (subtask === undefined) {
      throw new Error(`${join(folder, name)} is visible and no part of the output`);
    }
    output.set(subtask, (output.get(subtask) ?? '') + readFileSync(join(folder, name), 'utf8'));
  }
  return output;
};
