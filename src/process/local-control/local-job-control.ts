import { readdir, unlink } from 'node:fs/promises';
import { codeOf, MillraceError } from '../../foundation/common/errors.ts';
import type { CancelResult, JobControl, JobSummary } from '../../interfaces/cli/job-control.ts';
import { absolutePlace } from '../local-places.ts';
import { ask } from './control-connection.ts';
import {
  cancelResultSchema,
  jobDescriptionSchema,
  parseReply,
  pathSchema,
  type ControlCommand,
} from './control-protocol.ts';
import { checkRuntimeFolder, jobOfSocket, runtimeFolder, socketPath } from './runtime-folder.ts';

/** The jobs that `millrace run` runs on this machine for the same user. */
export class LocalJobControl implements JobControl {
  readonly #folder: string;

  constructor(folder: string = runtimeFolder()) {
    this.#folder = folder;
  }

  async list(): Promise<readonly JobSummary[]> {
    const found = await Promise.all((await this.#jobIds()).map((jobId) => this.#describe(jobId)));
    return found.filter((job) => job !== undefined).sort((a, b) => a.startedMs - b.startedMs);
  }

  async cancel(job: string): Promise<CancelResult> {
    return parseReply(cancelResultSchema, await this.#ask(job, { kind: 'cancel' }));
  }

  async stop(job: string, { folder, drain }: Parameters<JobControl['stop']>[1]): Promise<string> {
    return this.#path(job, { kind: 'stop', drain, ...absoluteFolder(folder) });
  }

  async savepoint(job: string, folder?: string): Promise<string> {
    return this.#path(job, { kind: 'savepoint', ...absoluteFolder(folder) });
  }

  async checkpoint(job: string): Promise<string> {
    return this.#path(job, { kind: 'checkpoint' });
  }

  async #path(job: string, command: ControlCommand): Promise<string> {
    return parseReply(pathSchema, await this.#ask(job, command)).path;
  }

  async #ask(job: string, command: ControlCommand): Promise<string> {
    const { jobId } = await this.#find(job);
    try {
      return await ask(socketPath(this.#folder, jobId), command);
    } catch (error) {
      throw new MillraceError('JOB_ENDED', `the process of job ${jobId} ended before it answered`, { cause: error });
    }
  }

  async #find(job: string): Promise<JobSummary> {
    const all = await this.list();
    const found = all.filter(({ jobId }) => jobId.startsWith(job.toLowerCase()));
    const [only] = found;
    if (only !== undefined && found.length === 1 && job !== '') {
      return only;
    }
    const names = (jobs: readonly JobSummary[]): string =>
      jobs.map(({ jobId, jobName }) => `${jobId} (${jobName})`).join(', ');
    throw new MillraceError(
      'BAD_OPTION',
      found.length > 1
        ? `'${job}' names several jobs: ${names(found)}`
        : `no job '${job}' runs on this machine for this user; ${all.length === 0 ? 'nothing runs' : `there are ${names(all)}`}`,
    );
  }

  async #jobIds(): Promise<readonly string[]> {
    if (!(await checkRuntimeFolder(this.#folder))) {
      return [];
    }
    const names = await readdir(this.#folder);
    return names.flatMap((name) => jobOfSocket(name) ?? []);
  }

  /** A socket that nobody listens on was left by a killed process, and goes. */
  async #describe(jobId: string): Promise<JobSummary | undefined> {
    const path = socketPath(this.#folder, jobId);
    try {
      const { pid, ...described } = parseReply(jobDescriptionSchema, await ask(path, { kind: 'describe' }));
      return { ...described, place: `process ${pid}` };
    } catch (error) {
      if (codeOf(error) === 'ECONNREFUSED') {
        await unlink(path).catch(() => {});
      }
      return undefined;
    }
  }
}

/** The job may run in another folder. */
const absoluteFolder = (folder: string | undefined): { readonly folder?: string } =>
  folder === undefined ? {} : { folder: absolutePlace(folder) };
