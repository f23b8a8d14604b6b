import { join } from 'node:path';
import type { MillraceResult } from '../cli/millrace-process.ts';

export interface SubmittedJob {
  readonly jobId: string;
  /** What the command said besides. */
  readonly said: string;
}

/** Submits a job of `jobs/` by `millrace run`, with these options of it. */
export const submitJob = async (
  run: (...args: readonly string[]) => Promise<MillraceResult>,
  flags: readonly string[],
  job: string,
  args: readonly string[],
): Promise<SubmittedJob> => {
  const file = join(import.meta.dirname, 'jobs', job);
  const { code, stdout, stderr } = await run('--detached', '--no-check', ...flags, file, ...args);
  const jobId = /Job has been submitted with JobID ([0-9a-f]{32})/.exec(stdout + stderr)?.[1];
  if (code !== 0 || jobId === undefined) {
    throw new Error(`the job was not accepted (${code}):\n${stdout}\n${stderr}`);
  }
  return { jobId, said: stdout + stderr };
};
