import { Configuration } from '../../../foundation/config/configuration.ts';
import { taskManagerOptions } from '../../../foundation/config/options/taskmanager-options.ts';
import { configurationSchema } from '../../rest/schema/cluster-schema.ts';
import { jobDetailsSchema, type JobDetailsBody } from '../../rest/schema/jobs-schema.ts';
import type { RestClient } from './rest-client.ts';

export const POLL_MS = 100;
/** So many pauses are a moment in which nobody wonders; then it is looked what keeps the job, each time. */
const PAUSES_PER_LOOK = 20;

export interface ToldWaitOptions {
  readonly client: Pick<RestClient, 'ask' | 'pause'>;
  readonly jobId: string;
  /** For people. */
  readonly say: (line: string) => void;
  /** What keeps the job from what was asked of it; `undefined`: nothing that is known. */
  readonly reason: (job: JobDetailsBody) => string | undefined | Promise<string | undefined>;
}

/** The pauses of a command that waits for a job. When it takes longer than a moment it says why, and again when that changes. */
export class ToldWait {
  readonly #options: ToldWaitOptions;
  #pauses = 0;
  #said: string | undefined;

  constructor(options: ToldWaitOptions) {
    this.#options = options;
  }

  async pause(): Promise<void> {
    await this.#options.client.pause(POLL_MS);
    if (++this.#pauses % PAUSES_PER_LOOK === 0) {
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { client, jobId, say, reason } = this.#options;
    // Whoever waits asks too, and hears what is wrong.
    const text = await client
      .ask('GET', `/jobs/${jobId}`, jobDetailsSchema)
      .then(reason)
      .catch(() => undefined);
    if (text !== undefined && text !== this.#said) {
      this.#said = text;
      say(text);
    }
  }
}

const countOf = ({ vertices }: JobDetailsBody, isMeant: (state: string) => boolean): number =>
  vertices
    .flatMap(({ tasks }) => Object.entries(tasks))
    .reduce((sum, [state, count]) => sum + (isMeant(state) ? count : 0), 0);

/** Why a snapshot of the job is not taken yet: all of its tasks have to run. */
export const snapshotWaits =
  (what: 'checkpoint' | 'savepoint' | 'stop') =>
  (job: JobDetailsBody): string | undefined => {
    const missing = countOf(job, (state) => state !== 'RUNNING' && state !== 'FINISHED');
    const { waiting } = job.progress;
    const reason =
      waiting !== ''
        ? `waits: ${waiting}`
        : missing > 0
          ? `has ${missing} of its tasks not running yet`
          : job.state === 'RUNNING'
            ? undefined
            : `is ${job.state}`;
    if (reason === undefined) {
      return undefined;
    }
    const then = what === 'stop' ? 'it is stopped' : `the ${what} is taken`;
    const wayOut = what === 'stop' ? `; "millrace cancel ${job.jid}" ends it at once` : '';
    return `Job ${job.name} (${job.jid}) ${reason}. When all of it runs, ${then}; Ctrl-C does not take that back${wayOut}`;
  };

/** What a cancel waits for, and for how long at most. */
export const cancelWaits =
  (client: Pick<RestClient, 'ask'>) =>
  async (job: JobDetailsBody): Promise<string> => {
    const left = job.vertices
      .map(({ name, tasks }) => ({ name, count: tasks['CANCELING'] ?? 0 }))
      .filter(({ count }) => count > 0)
      .map(({ name, count }) => `${count} ${count === 1 ? 'task' : 'tasks'} of "${name}"`);
    const head = `Job ${job.name} (${job.jid}) is ${job.state}`;
    const goesOn = 'Ctrl-C leaves the cancel in force';
    return left.length === 0
      ? `${head}. ${goesOn}`
      : `${head}: ${left.join(', ')} ${left.length === 1 && left[0]?.startsWith('1 ') === true ? 'has' : 'have'} not ended. ` +
          `${await limitText(client)}. ${goesOn}`;
  };

/** As the JobManager has it: usually the TaskManagers have the same. */
const limitText = async (client: Pick<RestClient, 'ask'>): Promise<string> => {
  const { cancellationTimeout } = taskManagerOptions;
  const entries = await client.ask('GET', '/jobmanager/config', configurationSchema);
  const values = Object.fromEntries(entries.map(({ key, value }) => [key, value]));
  const limitMs = Configuration.of(values, 'the JobManager').get(cancellationTimeout);
  return limitMs === 0
    ? `Nothing ends them, for ${cancellationTimeout.key} is 0`
    : `What does not end within ${cancellationTimeout.key} (${limitMs / 1_000} s) is ended with its thread`;
};
