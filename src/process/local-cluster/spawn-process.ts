import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { processOptions } from '../../foundation/config/options/process-options.ts';
import type { ClusterFolder, ProcessRecord } from './cluster-folder.ts';
import { processIdentity } from './process-identity.ts';

export interface ProcessPlan extends Pick<ProcessRecord, 'name' | 'kind' | 'args' | 'log' | 'restarts'> {
  readonly restPort?: number;
  readonly clientPort?: number;
  /** In place of `program`. */
  readonly executable?: string;
  /** The executable and what comes before `args`. */
  readonly program: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** `<name>.out`, beside `<name>.log`. */
export const outputOf = (log: string): string => log.replace(/\.log$/, '.out');

/**
 * Starts a process that outlives this one, in a session of its own: no signal of a terminal reaches it. It writes its log itself; what
 * it says besides, such as why it could not start, goes to `outputOf` the log. Errors: FILESYSTEM when it ends before it can be told from others, or cannot be started.
 */
export const spawnProcess = async (folder: ClusterFolder, plan: ProcessPlan): Promise<ProcessRecord> => {
  const { program, executable, args, log, env } = plan;
  const output = openOutput(outputOf(log));
  const [file, ...before] = executable === undefined ? program : [executable];
  try {
    const child = spawn(file, [...before, ...args], { detached: true, stdio: ['ignore', output, output], env });
    await once(child, 'spawn');
    child.unref();
    const { pid } = child;
    const identity = pid === undefined ? undefined : processIdentity(pid);
    if (pid === undefined || identity === undefined) {
      throw new MillraceError('FILESYSTEM', `${plan.name} ended at its start; see ${outputOf(log)}`);
    }
    const record: ProcessRecord = {
      name: plan.name,
      kind: plan.kind,
      pid,
      identity,
      args: [...args],
      restarts: plan.restarts,
      log,
      ...(plan.restPort === undefined ? {} : { restPort: plan.restPort }),
      ...(plan.clientPort === undefined ? {} : { clientPort: plan.clientPort }),
      ...(executable === undefined ? {} : { executable }),
    };
    await folder.write(record);
    return record;
  } finally {
    closeSync(output);
  }
};

const openOutput = (path: string): number => {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, 'a', 0o600);
  } catch (thrown) {
    const what = `the log folder ${dirname(path)} cannot be written: ${messageOf(thrown)}`;
    throw new MillraceError('FILESYSTEM', `${what}; ${processOptions.logFolder.key} names another one`, {
      cause: thrown,
    });
  }
};
