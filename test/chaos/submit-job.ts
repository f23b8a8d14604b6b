import { join } from 'node:path';
import type { MillraceResult } from '../cli/millrace-process.ts';

export interface SubmittedJob {
  readonly jobId: string;
  /** What the command said besides. */
  readonly said: string;
}

const PATIENCE_MS = 90_000;

/** Submits a job of `jobs/` by `millrace run`, with these options of it. As a user would, it repeats the command when told to. */
export const submitJob = async (
  run: (...args: readonly string[]) => Promise<MillraceResult>,
  flags: readonly string[],
  job: string,
  args: readonly string[],
): Promise<SubmittedJob> => {
  const command = ['--detached', '--no-check', ...flags, join(import.meta.dirname, 'jobs', job), ...args];
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (let options: readonly string[] = []; ;) {
    const { code, stdout, stderr } = await run(...options, ...command);
    const said = stdout + stderr;
    const jobId = /Job has been submitted with JobID ([0-9a-f]{32})/.exec(said)?.[1];
    if (code === 0 && jobId !== undefined) {
      return { jobId, said };
    }
    if (options[1] !== undefined && stderr.includes(`job ${options[1]} has ended`)) {
      return { jobId: options[1], said };
    }
    const again = /repeat the command with (--jobId) ([0-9a-f]{32})/.exec(stderr);
    if (again === null || performance.now() > deadlineMs) {
      throw new Error(`the job was not accepted (${code}):\n${stdout}\n${stderr}`);
    }
    options = again.slice(1);
  }
};
