import { MillraceError } from '../foundation/common/errors.ts';
import type { JobId } from '../foundation/common/ids.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { recoveryOptions } from '../foundation/config/options/recovery-options.ts';
import { fileSystemOf } from '../foundation/filesystem/file-systems.ts';
import type { JobGraph } from '../pipeline/graph/job-graph.ts';
import {
  checkDataFiles,
  listCheckpoints,
  newerCheckpoint,
  readCheckpoint,
} from '../runtime/checkpoint/read-checkpoint.ts';
import type { ReadCheckpoint } from '../runtime/checkpoint/read-checkpoint.ts';
import type { InitialRestore } from '../runtime/jobmanager/jobmaster/job-master-options.ts';
import { ExecutionGraph } from '../runtime/jobmanager/scheduler/execution-graph.ts';
import { RestorePlan } from '../runtime/jobmanager/scheduler/restore-plan.ts';

export interface FoundRestore {
  readonly restore: InitialRestore;
  readonly snapshot: ReadCheckpoint;
  /** The job owns the snapshot from now on. */
  readonly isClaimed: boolean;
  readonly notes: readonly string[];
}

/**
 * What `execution.state-recovery.path` names, checked before anything starts: readable, complete, and of a job whose state
 * fits this one. `undefined` when it is not set.
 */
export const initialRestore = async (
  configuration: Configuration,
  graph: JobGraph,
): Promise<FoundRestore | undefined> => {
  const place = configuration.get(recoveryOptions.path);
  if (place === undefined || place === '') {
    return undefined;
  }
  const isClaimed = configuration.get(recoveryOptions.claimMode) === 'CLAIM';
  const snapshot = await readCheckpoint(place);
  await checkDataFiles(snapshot);
  const { metadata, folder } = snapshot;
  const restore: InitialRestore = {
    metadata,
    baseFolder: snapshot.baseFolder,
    metadataPath: snapshot.metadataFile,
    isClaimed,
    allowNonRestoredState: configuration.get(recoveryOptions.ignoreUnclaimedState),
  };
  const { dropped } = requireFit(graph, restore);
  const notes = [
    `Starting from ${metadata.kind} ${metadata.checkpointId} of job ${metadata.jobName} in ${folder}`,
    ...dropped.map((operator) => `WARN the state of operator ${operator} is dropped: the job does not have it`),
  ];
  if (isClaimed) {
    notes.push('The job owns it now and deletes it when it has checkpoints of its own (CLAIM)');
  }
  const newer = await newerCheckpoint(snapshot);
  if (newer !== undefined) {
    notes.push(
      `WARN ${newer.folder} is newer: output that was committed since checkpoint ${metadata.checkpointId} is written again`,
    );
  }
  return { restore, snapshot, isClaimed, notes };
};

/** Errors: CHECKPOINT_MISMATCH. */
const requireFit = (graph: JobGraph, restore: InitialRestore): RestorePlan =>
  new RestorePlan(new ExecutionGraph(graph), restore, restore);

/**
 * The highest checkpoint id that the folder of a job's checkpoints knows; 0 where the job is new. Errors: BAD_OPTION when
 * the job id was used before and the job does not take over what is there.
 */
export const usedCheckpointIds = async (
  checkpointFolder: string | undefined,
  jobId: JobId,
  found: FoundRestore | undefined,
): Promise<number> => {
  const continues = found?.snapshot.metadata.jobId === jobId;
  if (checkpointFolder === undefined) {
    return 0;
  }
  const { fs, path } = fileSystemOf(checkpointFolder);
  const there = (await fs.stat(path))?.isFolder === true ? await listCheckpoints(fs, path) : [];
  if (there.length > 0 && !(continues && found.isClaimed)) {
    throw new MillraceError(
      'BAD_OPTION',
      `--jobId ${jobId} was used before: its checkpoints are in ${checkpointFolder}; go on from them with ` +
        `--fromSavepoint ${checkpointFolder} --claimMode CLAIM, or leave --jobId out`,
    );
  }
  return Math.max(0, ...there.map(({ checkpointId }) => checkpointId));
};
