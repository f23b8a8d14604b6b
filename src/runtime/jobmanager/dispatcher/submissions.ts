import type { JobGraphPointer } from '../../../coordination/job-graph-store.ts';
import type { ClusterStorage } from '../../../coordination/storage/cluster-storage.ts';
import type { StoredJob } from '../../../coordination/storage/job-graph-files.ts';
import type { Clock } from '../../../foundation/common/clock.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import type { Random } from '../../../foundation/common/random.ts';
import type { JobSubmission } from './cluster-gateway.ts';
import type { JobStarter } from './job-starter.ts';
import type { SteadfastStores } from './steadfast-stores.ts';

const JOB_ID = /^[0-9a-f]{32}$/;

export interface SubmissionsOptions {
  readonly stores: SteadfastStores;
  readonly storage: ClusterStorage;
  readonly starter: JobStarter;
  readonly clock: Clock;
  readonly random: Random;
}

export type Persisted =
  | { readonly outcome: 'accepted'; readonly pointer: JobGraphPointer; readonly notes: readonly string[] }
  | { readonly outcome: 'exists'; readonly pointer: JobGraphPointer };

/** Makes submitted jobs durable: bundle and job graph, then the pointer (I3). */
export class Submissions {
  readonly #options: SubmissionsOptions;

  constructor(options: SubmissionsOptions) {
    this.#options = options;
  }

  /** Errors: BAD_OPTION for a job id that is none, JOB_ENDED, those of `JobStarter.check` and of the file system. */
  async persist(submission: JobSubmission): Promise<Persisted> {
    const { storage, starter, stores, clock, random } = this.#options;
    const { jobId, graph, bundle, args, env, configuration } = submission;
    if (!JOB_ID.test(jobId)) {
      throw new MillraceError('BAD_OPTION', `the job id is ${JSON.stringify(jobId)}; allowed: 32 hex digits`);
    }
    const submittedMs = clock.now();
    const hash = storage.bundles.hashOf(bundle);
    const job: StoredJob = { jobId, submittedMs, graphVersion: 1, graph, args, env, configuration, bundles: [hash] };
    // Before anything is written, so that a refusal has nothing to delete: what lies there may be another leader's by then (R16).
    const notes = await starter.check(job);
    const folder = storage.jobFolder(jobId);
    const { path } = await storage.bundles.write(folder, bundle);
    const graphPath = await storage.jobGraphs.write(folder, job);
    const pointer: JobGraphPointer = {
      jobId,
      jobName: graph.name,
      submittedMs,
      graphVersion: 1,
      graphPath,
      bundlePaths: [path],
      writeId: random.hex(32),
    };
    const added = await stores.run(`add job ${jobId}`, () => stores.raw.jobGraphs.add(pointer));
    switch (added.outcome) {
      case 'added':
        return { outcome: 'accepted', pointer, notes };
      case 'exists':
        await storage.fs.delete(graphPath);
        return { outcome: 'exists', pointer: added.pointer };
      case 'ended':
        // No leader accepts it ever again.
        await storage.deleteJob(jobId).catch(() => {});
        throw jobHasEnded(jobId);
    }
  }
}

export const jobHasEnded = (jobId: JobId): MillraceError =>
  new MillraceError(
    'JOB_ENDED',
    `job ${jobId} has ended and does not run again; submit it under a new job id, from a savepoint or checkpoint if it is to go on`,
  );
