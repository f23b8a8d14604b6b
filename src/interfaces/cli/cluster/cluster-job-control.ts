import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { codeOf, MillraceError } from '../../../foundation/common/errors.ts';
import { emptySchema } from '../../rest/schema/cluster-schema.ts';
import { hasEnded } from '../../rest/schema/job-state.ts';
import {
  executionResultSchema,
  jobDetailsSchema,
  jobsOverviewSchema,
  jobStatusSchema,
  type ExecutionResultBody,
  type JobDetailsBody,
} from '../../rest/schema/jobs-schema.ts';
import { operationSchema, triggerSchema, type OperationBody } from '../../rest/schema/operations-schema.ts';
import { findJob } from '../find-job.ts';
import type {
  CancelResult,
  JobControl,
  JobSummary,
  Parallelisms,
  RescaleOrder,
  RescaleResult,
} from '../job-control.ts';
import type { RestClient } from './rest-client.ts';
import { cancelWaits, POLL_MS, snapshotWaits, ToldWait } from './told-wait.ts';

/** A job whose files are away is loaded when they are back, however long that takes. */
const RETRY_POLLS = 100;
/** Until it is known what runs and what it starts from, the job may be set aside again. */
const TAKEN_UP: ReadonlySet<string> = new Set(['INITIALIZING', 'RECONCILING', 'RESTARTING']);

/** The jobs of a cluster, over REST. */
export class ClusterJobControl implements JobControl {
  readonly #client: RestClient;
  readonly #say: (line: string) => void;

  /** `say`: takes what people are told of commands that take long. */
  constructor(client: RestClient, say: (line: string) => void = () => {}) {
    this.#client = client;
    this.#say = say;
  }

  async list(): Promise<readonly JobSummary[]> {
    const { jobs } = await this.#client.ask('GET', '/jobs/overview', jobsOverviewSchema);
    return jobs
      .map((job) => ({
        jobId: job.jid,
        jobName: job.name,
        status: job.state,
        startedMs: job['start-time'],
        place: this.#client.where,
        hasEnded: hasEnded(job.state),
        ...(job.waiting === '' ? {} : { waiting: job.waiting }),
      }))
      .sort((a, b) => a.startedMs - b.startedMs);
  }

  async cancel(job: string): Promise<CancelResult> {
    const jobId = await this.#find(job);
    await this.#client.ask('PATCH', `/jobs/${jobId}?mode=cancel`, emptySchema).catch((thrown: unknown) => {
      // A repeat of a request whose answer was lost, or the job was faster: how it ended is told below.
      if (codeOf(thrown) !== 'JOB_ENDED') {
        throw thrown;
      }
    });
    const wait = new ToldWait({ client: this.#client, jobId, say: this.#say, reason: cancelWaits(this.#client) });
    const result = await awaitResult(this.#client, jobId, wait);
    const retained = result['retained-checkpoint'];
    return { status: endOf(result), ...(retained === undefined ? {} : { retainedCheckpoint: retained }) };
  }

  async stop(job: string, { folder, drain }: Parameters<JobControl['stop']>[1]): Promise<string> {
    return this.#snapshot(await this.#find(job), 'stop', 'savepoints', { targetDirectory: absolute(folder), drain });
  }

  async savepoint(job: string, folder?: string): Promise<string> {
    return this.#snapshot(await this.#find(job), 'savepoints', 'savepoints', {
      'target-directory': absolute(folder),
      'cancel-job': false,
    });
  }

  async checkpoint(job: string): Promise<string> {
    return this.#snapshot(await this.#find(job), 'checkpoints', 'checkpoints', {});
  }

  async rescale(job: string, { parallelism, vertices, isDetached }: RescaleOrder): Promise<RescaleResult> {
    const jobId = await this.#find(job);
    const { vertices: before, state } = await this.#details(jobId);
    const path = `/jobs/${jobId}/rescaling`;
    const triggerId = newTriggerId();
    const body = { parallelism: parallelism ?? null, vertices: byId(vertices, before), triggerId };
    if (isDetached) {
      await this.#client.ask('PATCH', path, triggerSchema, body);
      return { before, after: undefined, status: state };
    }
    await this.#triggerAndAwait(path, path, body, triggerId, { method: 'PATCH' });
    for (;;) {
      const now = await this.#details(jobId);
      if (hasEnded(now.state) || (now.state === 'RUNNING' && now.vertices.every(runs))) {
        return { before, after: now.vertices, status: now.state };
      }
      if (now.state === 'SUSPENDED') {
        throw new MillraceError('JOB_SET_ASIDE', `job ${jobId} cannot be taken up: ${now.progress.waiting}`);
      }
      await this.#client.pause(POLL_MS);
    }
  }

  #details(jobId: string): Promise<JobDetailsBody> {
    return this.#client.ask('GET', `/jobs/${jobId}`, jobDetailsSchema);
  }

  async retry(job: string): Promise<string | undefined> {
    const { jobId, status, hasEnded: isOver } = await this.#summary(job);
    // One that is being loaded may be set aside again: that is waited for. One that has ended is the cluster's to refuse.
    if (isOver !== true && status !== 'SUSPENDED' && status !== 'INITIALIZING') {
      return status;
    }
    await this.#client.ask('POST', `/jobs/${jobId}/retry`, jobStatusSchema, {});
    for (let asked = 0; asked < RETRY_POLLS; asked++) {
      const { state, progress } = await this.#details(jobId);
      if (state === 'SUSPENDED') {
        throw new MillraceError('JOB_SET_ASIDE', `job ${jobId} cannot be taken up: ${progress.waiting}`);
      }
      if (!TAKEN_UP.has(state)) {
        break;
      }
      await this.#client.pause(POLL_MS);
    }
    return undefined;
  }

  async dispose(path: string): Promise<void> {
    const triggerId = newTriggerId();
    await this.#triggerAndAwait(
      '/savepoint-disposal',
      '/savepoint-disposal',
      { 'savepoint-path': absolute(path), triggerId },
      triggerId,
    );
  }

  async #snapshot(
    jobId: string,
    verb: 'stop' | 'savepoints' | 'checkpoints',
    status: string,
    body: object,
  ): Promise<string> {
    const triggerId = newTriggerId();
    const reason = snapshotWaits(verb === 'stop' ? 'stop' : verb === 'savepoints' ? 'savepoint' : 'checkpoint');
    const operation = await this.#triggerAndAwait(
      `/jobs/${jobId}/${verb}`,
      `/jobs/${jobId}/${status}`,
      { ...body, triggerId },
      triggerId,
      { wait: new ToldWait({ client: this.#client, jobId, say: this.#say, reason }) },
    );
    if (operation?.location === undefined) {
      throw new MillraceError('PROTOCOL', 'the cluster says that it is done, but not where the snapshot is');
    }
    return operation.location;
  }

  /** A leader that came since does not know the trigger: then it is asked for again, under the same id. */
  async #triggerAndAwait(
    triggerPath: string,
    statusPath: string,
    body: object,
    triggerId: string,
    { method = 'POST', wait }: { readonly method?: 'POST' | 'PATCH'; readonly wait?: ToldWait } = {},
  ): Promise<OperationBody['operation']> {
    await this.#client.ask(method, triggerPath, triggerSchema, body);
    for (;;) {
      try {
        const { status, operation } = await this.#client.ask('GET', `${statusPath}/${triggerId}`, operationSchema);
        if (status.id === 'COMPLETED') {
          return successOf(operation);
        }
      } catch (thrown) {
        if (codeOf(thrown) !== 'JOB_NOT_FOUND') {
          throw thrown;
        }
        await this.#client.ask(method, triggerPath, triggerSchema, body);
      }
      await (wait?.pause() ?? this.#client.pause(POLL_MS));
    }
  }

  async #find(job: string): Promise<string> {
    return (await this.#summary(job)).jobId;
  }

  async #summary(job: string): Promise<JobSummary> {
    return findJob(job, await this.list(), `in ${this.#client.where}`);
  }
}

/** As this command line means it; URIs stay as they are. */
const absolute = (place: string | undefined): string | null =>
  place === undefined ? null : /^[a-z][a-z0-9+.-]*:/i.test(place) ? place : resolve(place);

const newTriggerId = (): string => randomBytes(16).toString('hex');

const runs = ({ status }: JobDetailsBody['vertices'][number]): boolean => status === 'RUNNING' || status === 'FINISHED';

/** Errors: BAD_OPTION for a name that no vertex has, or several have. */
const byId = (wanted: ReadonlyMap<string, number>, vertices: Parallelisms): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...wanted].map(([name, parallelism]) => {
      const found = vertices.filter((vertex) => vertex.id === name || vertex.name === name);
      const [only] = found;
      if (only === undefined || found.length > 1) {
        const known = vertices.map((vertex) => `${vertex.id} "${vertex.name}"`).join(', ');
        const problem = found.length > 1 ? `several vertices are named "${name}"` : `the job has no vertex "${name}"`;
        throw new MillraceError('BAD_OPTION', `${problem}; it has ${known}`);
      }
      return [only.id, parallelism];
    }),
  );

const successOf = (operation: OperationBody['operation']): OperationBody['operation'] => {
  const failure = operation?.['failure-cause'];
  if (failure !== undefined) {
    const [first = failure.class] = failure['stack-trace'].split('\n');
    throw new MillraceError('REMOTE_FAILED', first.replace(/^MillraceError: /, ''));
  }
  return operation;
};

export type JobExecutionResult = NonNullable<ExecutionResultBody['job-execution-result']>;

/** Polls until the job has ended. */
export const awaitResult = async (client: RestClient, jobId: string, wait?: ToldWait): Promise<JobExecutionResult> => {
  for (;;) {
    const { 'job-execution-result': result } = await client.ask(
      'GET',
      `/jobs/${jobId}/execution-result`,
      executionResultSchema,
    );
    if (result !== undefined) {
      return result;
    }
    await (wait?.pause() ?? client.pause(POLL_MS));
  }
};

export const endOf = (result: JobExecutionResult): 'FINISHED' | 'CANCELED' | 'FAILED' => {
  const status = result['application-status'];
  return status === 'SUCCEEDED' ? 'FINISHED' : status === 'CANCELED' ? 'CANCELED' : 'FAILED';
};
