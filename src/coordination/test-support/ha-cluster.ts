import { deepStrictEqual, rejects, strictEqual } from 'node:assert/strict';
import { codeOf, type ErrorCode } from '../../foundation/common/errors.ts';
import { checkpointId, type JobId } from '../../foundation/common/ids.ts';
import type { CheckpointPointer } from '../completed-checkpoint-store.ts';
import type { HighAvailabilityServices, LeaderStores } from '../high-availability-services.ts';
import type { JobGraphPointer } from '../job-graph-store.ts';
import type { JobResultPointer } from '../job-result-store.ts';
import type { Candidacy } from '../leader-election.ts';
import type { Leadership } from '../leadership.ts';
import { RecordingContender } from './recording-contender.ts';

/** One cluster whose processes a case opens; leases are so long that none ends during a case. */
export interface HaCluster {
  /** What another process was told that it is written may be there for readers a moment later. */
  readonly readsMayLag?: true;
  open(): Promise<HighAvailabilityServices>;
}

/** One thing that every implementation does the same way. */
export interface HaCase {
  readonly name: string;
  /** More than one process of a cluster. */
  readonly needsSeveral?: true;
  run(cluster: HaCluster): Promise<void>;
}

export interface Joined {
  readonly services: HighAvailabilityServices;
  readonly contender: RecordingContender;
  readonly candidacy: Candidacy;
}

export interface Leader extends Joined {
  readonly leadership: Leadership;
  readonly stores: LeaderStores;
}

export const join = async (cluster: HaCluster, name: string): Promise<Joined> => {
  const services = await cluster.open();
  const contender = new RecordingContender(name);
  return { services, contender, candidacy: await services.election.join(contender) };
};

export const lead = async (cluster: HaCluster, name = 'one'): Promise<Leader> => {
  const joined = await join(cluster, name);
  const leadership = await joined.contender.grant();
  return { ...joined, leadership, stores: joined.services.leading(leadership) };
};

/** A second process, after it has ended the claim of the first. */
export const takeOver = async (cluster: HaCluster, from: Leader, name = 'two'): Promise<Leader> => {
  const joined = await join(cluster, name);
  deepStrictEqual(await joined.candidacy.suspect(from.leadership), { outcome: 'ended' });
  const leadership = await joined.contender.grant();
  return { ...joined, leadership, stores: joined.services.leading(leadership) };
};

export const rejected = (promise: Promise<unknown>, code: ErrorCode): Promise<void> =>
  rejects(promise, (error: unknown) => {
    strictEqual(codeOf(error), code, String(error));
    return true;
  });

export const JOB = 'a'.repeat(32) as JobId;
export const OTHER = 'b'.repeat(32) as JobId;

export const checkpoint = (id: number, writeId = `w${id}`, jobId = JOB): CheckpointPointer => ({
  jobId,
  checkpointId: checkpointId(id),
  kind: 'checkpoint',
  metadataPath: `/c/${jobId}/chk-${id}/_metadata`,
  baseFolder: `/c/${jobId}`,
  writeId,
});

export const graph = (jobId: JobId, writeId = 'w', graphVersion = 1): JobGraphPointer => ({
  jobId,
  jobName: 'clicks',
  submittedMs: 5,
  graphVersion,
  graphPath: `/s/${jobId}/submittedExecutionPlan-${writeId}`,
  bundlePaths: [`/s/${jobId}/blob_x`],
  writeId,
});

export const result = (
  jobId: JobId,
  status: JobResultPointer['status'] = 'FINISHED',
): Omit<JobResultPointer, 'isDirty'> => ({
  jobId,
  jobName: 'clicks',
  status,
  startedMs: 8,
  endedMs: 9,
  resultPath: `/s/results/${jobId}`,
});
