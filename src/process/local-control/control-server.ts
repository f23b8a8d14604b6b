import { unlinkSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { codeOf, MillraceError } from '../../foundation/common/errors.ts';
import type { JobRun } from '../../interfaces/cli/job-run.ts';
import { ask, readLine } from './control-connection.ts';
import { errorLine, okLine, parseRequest, type ControlCommand, type JobDescription } from './control-protocol.ts';
import { makeRuntimeFolder, socketPath } from './runtime-folder.ts';

/** One command each; more at a time are turned away. */
const CONNECTIONS_MAX = 16;
const REQUEST_TIMEOUT_MS = 5_000;

export interface ServedJob extends Pick<JobRun, 'jobId' | 'jobName' | 'outcome' | 'progress'> {
  cancel: JobRun['cancel'];
  stop: JobRun['stop'];
  savepoint: JobRun['savepoint'];
  checkpoint: JobRun['checkpoint'];
}

/** Lets commands of the same user on this machine reach one job, until it has ended. */
export class ControlServer {
  readonly #job: ServedJob;
  readonly #startedMs: number;
  readonly #path: string;
  readonly #server: Server;
  readonly #removeAtExit = (): void => {
    try {
      unlinkSync(this.#path);
    } catch {
      // It is gone already.
    }
  };

  private constructor(job: ServedJob, path: string, startedMs: number) {
    this.#job = job;
    this.#path = path;
    this.#startedMs = startedMs;
    this.#server = createServer((socket) => void this.#serve(socket));
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** Errors: BAD_OPTION when a job with this id runs already; FILESYSTEM when there is no place for the socket. */
  static async start(job: ServedJob, folder: string, startedMs: number): Promise<ControlServer> {
    await makeRuntimeFolder(folder);
    const path = socketPath(folder, job.jobId);
    await requireNotRunning(folder, job.jobId);
    const server = new ControlServer(job, path, startedMs);
    await server.#listen();
    process.once('exit', server.#removeAtExit);
    void job.outcome.finally(() => server.#close());
    return server;
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#path, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /** Answers that are under way are still sent. */
  #close(): void {
    process.off('exit', this.#removeAtExit);
    this.#server.close();
  }

  async #serve(socket: Socket): Promise<void> {
    socket.setTimeout(REQUEST_TIMEOUT_MS, () => socket.destroy());
    let answer: string;
    try {
      const command = parseRequest(await readLine(socket));
      // The job takes the time that it takes.
      socket.setTimeout(0);
      answer = okLine(await this.#carryOut(command));
    } catch (thrown) {
      answer = errorLine(thrown);
    }
    if (!socket.destroyed) {
      socket.end(answer);
    }
  }

  async #carryOut(command: ControlCommand): Promise<unknown> {
    const job = this.#job;
    const folder = 'folder' in command && command.folder !== undefined ? { folder: command.folder } : {};
    switch (command.kind) {
      case 'describe':
        return this.#description();
      case 'cancel': {
        job.cancel();
        const { status, retainedCheckpoint } = await job.outcome;
        return { status, ...(retainedCheckpoint === undefined ? {} : { retainedCheckpoint }) };
      }
      case 'stop':
        return { path: await job.stop({ ...folder, drain: command.drain }) };
      case 'savepoint':
        return { path: await job.savepoint(folder.folder) };
      case 'checkpoint':
        return { path: await job.checkpoint() };
    }
  }

  #description(): JobDescription {
    const { jobId, jobName } = this.#job;
    return {
      jobId,
      jobName: jobName.slice(0, 1024),
      status: this.#job.progress().status,
      startedMs: this.#startedMs,
      pid: process.pid,
    };
  }
}

/** A process that was killed left its socket; that goes. Errors: BAD_OPTION when a job with this id runs. */
export const requireNotRunning = async (folder: string, jobId: string): Promise<void> => {
  const path = socketPath(folder, jobId);
  try {
    await ask(path, { kind: 'describe' });
  } catch (error) {
    if (codeOf(error) === 'ECONNREFUSED') {
      await unlink(path).catch(() => {});
      return;
    }
    if (codeOf(error) === 'ENOENT') {
      return;
    }
  }
  throw new MillraceError('BAD_OPTION', `a job with the id ${jobId} runs on this machine already (millrace list)`);
};
