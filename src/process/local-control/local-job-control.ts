import { readdir, unlink } from 'node:fs/promises';
import { codeOf, MillraceError } from '../../foundation/common/errors.ts';
import { fileSystemOf } from '../../foundation/filesystem/file-systems.ts';
import { findJob } from '../../interfaces/cli/find-job.ts';
import type { CancelResult, JobControl, JobSummary, RescaleResult } from '../../interfaces/cli/job-control.ts';
import { deleteSavepoint } from '../../runtime/checkpoint/delete-savepoint.ts';
import { readCheckpoint } from '../../runtime/checkpoint/read-checkpoint.ts';
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

  async rescale(job: string): Promise<RescaleResult> {
    const { jobId } = await this.#find(job);
    throw new MillraceError(
      'BAD_OPTION',
      `job ${jobId} runs in a process of its own; only the jobs of a cluster are rescaled: "millrace stop ${jobId}", then ` +
        '"millrace run --fromSavepoint <savepoint> --parallelism <n> <job file>"',
    );
  }

  async retry(job: string): Promise<undefined> {
    const { jobId } = await this.#find(job);
    throw new MillraceError(
      'BAD_OPTION',
      `job ${jobId} runs in a process of its own; only the jobs of a cluster are set aside and tried again`,
    );
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

  async dispose(place: string): Promise<void> {
    const { metadata, folder } = await readCheckpoint(absolutePlace(place));
    if (metadata.kind !== 'savepoint') {
      throw new MillraceError('BAD_OPTION', `${folder} is a ${metadata.kind}, not a savepoint; its job deletes it`);
    }
    const { fs, path } = fileSystemOf(folder);
    await deleteSavepoint(fs, path, metadata);
  }

  async #find(job: string): Promise<JobSummary> {
    return findJob(job, await this.list(), 'on this machine for this user');
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
