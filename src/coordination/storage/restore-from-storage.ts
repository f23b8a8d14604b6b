import { errorInfo, type ErrorInfo } from '../../foundation/common/errors.ts';
import { checkpointId, type JobId } from '../../foundation/common/ids.ts';
import type { Random } from '../../foundation/common/random.ts';
import type { Location } from '../../foundation/filesystem/file-systems.ts';
import { checkpointFolderName } from '../../runtime/checkpoint/checkpoint-layout.ts';
import { listCheckpoints, readCheckpoint } from '../../runtime/checkpoint/read-checkpoint.ts';
import type { CheckpointPointer } from '../completed-checkpoint-store.ts';
import type { LeaderStores } from '../high-availability-services.ts';
import type { JobGraphPointer } from '../job-graph-store.ts';
import type { JobResultPointer } from '../job-result-store.ts';
import { leadershipLost, undecided } from '../records/store-errors.ts';
import type { StoredJob } from './job-graph-files.ts';
import { bundleFileName, isGraphFileName } from './storage-layout.ts';
import type { ClusterStorage } from './cluster-storage.ts';

/** What can be pointed to again after the HA store was lost (R12). */
export interface StorageContents {
  readonly jobs: readonly RestorableJob[];
  /** Jobs that have a result file have ended, whatever else is left of them (I12). */
  readonly results: readonly Omit<JobResultPointer, 'isDirty'>[];
  /** Files that cannot be used; what they belong to is left out. */
  readonly broken: readonly { readonly path: string; readonly error: ErrorInfo }[];
  /**
   * The highest epoch that a checkpoint carries. The leader that writes the pointers has a higher one (`Candidacy.raise`): names with
   * generations in them are never used twice (I5).
   */
  readonly highestEpoch: number;
}

export interface RestorableJob {
  readonly graph: JobGraphPointer;
  /** The newest that is whole: also one whose pointer was never written, as nothing newer can have been committed (I11). */
  readonly checkpoint: CheckpointPointer | undefined;
  /** The highest checkpoint id that there are files of; no lower one is given out again. */
  readonly floor: number;
}

export interface StorageSearch {
  readonly storage: ClusterStorage;
  /** `<checkpoints.dir>/<job id>` of that job; `undefined`: it takes no checkpoints. */
  readonly checkpointFolder: (job: StoredJob) => string | undefined;
  readonly locate: (uri: string) => Location;
  readonly random: Random;
}

/** Looks through the self-describing files of a cluster; changes nothing. Errors: those of the file system. */
export const readStorageContents = async (search: StorageSearch): Promise<StorageContents> => {
  const broken: { path: string; error: ErrorInfo }[] = [];
  const results = await readResults(search.storage, broken);
  const ended = new Set(results.map(({ jobId }) => jobId));
  const jobs: RestorableJob[] = [];
  let highestEpoch = 0;
  for (const jobId of await search.storage.jobIds()) {
    const newest = ended.has(jobId) ? undefined : await newestGraph(search, jobId, broken);
    const found = newest === undefined ? undefined : await newestCheckpoint(search, newest.job, broken);
    if (newest !== undefined && found !== undefined) {
      jobs.push({ graph: newest.pointer, checkpoint: found.checkpoint, floor: found.floor });
      highestEpoch = Math.max(highestEpoch, found.epoch);
    }
  }
  return { jobs, results, broken, highestEpoch };
};

/** Writes the pointers, the graph of each job last: what is interrupted is done again. */
export const writePointersAnew = async (stores: LeaderStores, { jobs, results }: StorageContents): Promise<void> => {
  for (const result of results) {
    await stores.jobResults.createDirty(result);
  }
  for (const { graph, checkpoint, floor } of jobs) {
    await stores.checkpointIds(graph.jobId).raise(floor);
    if (checkpoint !== undefined) {
      const written = await stores.checkpoints(graph.jobId).add(checkpoint);
      if (written.outcome !== 'written' && !(await isThere(stores, checkpoint))) {
        const what = `point to checkpoint ${checkpoint.checkpointId} of job ${graph.jobId}`;
        throw written.error.code === 'LEADERSHIP_LOST'
          ? leadershipLost(stores.leadership, what)
          : undecided(written.error, what);
      }
    }
    await stores.jobGraphs.add(graph);
  }
};

const isThere = async (stores: LeaderStores, { jobId, checkpointId: id }: CheckpointPointer): Promise<boolean> =>
  (await stores.checkpoints(jobId).all()).some((pointer) => pointer.checkpointId === id);

const readResults = async (
  storage: ClusterStorage,
  broken: { path: string; error: ErrorInfo }[],
): Promise<readonly Omit<JobResultPointer, 'isDirty'>[]> => {
  const results = new Map<JobId, Omit<JobResultPointer, 'isDirty'>>();
  for (const name of await storage.fs.names(storage.resultsFolder)) {
    const resultPath = `${storage.resultsFolder}/${name}`;
    if (!name.startsWith('.')) {
      await orBroken(resultPath, broken, async () => {
        const { jobId, jobName, status, startedMs, endedMs } = await storage.results.read(resultPath);
        results.set(jobId, { jobId, jobName, status, startedMs, endedMs, resultPath });
      });
    }
  }
  return [...results.values()];
};

const newestGraph = async (
  { storage, random }: StorageSearch,
  jobId: JobId,
  broken: { path: string; error: ErrorInfo }[],
): Promise<{ readonly pointer: JobGraphPointer; readonly job: StoredJob } | undefined> => {
  const folder = storage.jobFolder(jobId);
  let newest: { readonly pointer: JobGraphPointer; readonly job: StoredJob } | undefined;
  for (const name of (await storage.fs.names(folder)).filter(isGraphFileName)) {
    const graphPath = `${folder}/${name}`;
    await orBroken(graphPath, broken, async () => {
      const job = await storage.jobGraphs.read(graphPath);
      const { graph, graphVersion, submittedMs, bundles } = job;
      if (graphVersion > (newest?.job.graphVersion ?? 0)) {
        const bundlePaths = bundles.map((hash) => `${folder}/${bundleFileName(hash)}`);
        const writeId = random.hex(16);
        const pointer = { jobId, jobName: graph.name, submittedMs, graphVersion, graphPath, bundlePaths, writeId };
        newest = { pointer, job };
      }
    });
  }
  return newest;
};

/** `undefined`: the newest is broken. The job is not started from an older one, nor from nothing, without being asked (R5). */
const newestCheckpoint = async (
  { checkpointFolder, locate, random }: StorageSearch,
  job: StoredJob,
  broken: { path: string; error: ErrorInfo }[],
): Promise<{ checkpoint: CheckpointPointer | undefined; floor: number; epoch: number } | undefined> => {
  const { jobId } = job;
  const folder = checkpointFolder(job);
  if (folder === undefined) {
    return { checkpoint: undefined, floor: 0, epoch: 0 };
  }
  const { fs, path } = locate(folder);
  const found = [...(await listCheckpoints(fs, path))].sort((a, b) => b.checkpointId - a.checkpointId);
  const floor = found[0]?.checkpointId ?? 0;
  const newest = found.find(({ complete }) => complete);
  if (newest === undefined) {
    return { checkpoint: undefined, floor, epoch: 0 };
  }
  const place = `${folder}/${checkpointFolderName(newest.checkpointId)}`;
  return orBroken(place, broken, async () => {
    const { metadata, baseFolder, metadataFile } = await readCheckpoint(place, { jobId, locate });
    const names = { jobId, checkpointId: checkpointId(metadata.checkpointId), kind: metadata.kind };
    const checkpoint = { ...names, metadataPath: metadataFile, baseFolder, writeId: random.hex(16) };
    return { checkpoint, floor, epoch: metadata.generation.epoch };
  });
};

const BROKEN_CODES = new Set<string | undefined>([
  'CORRUPT_DATA',
  'CHECKPOINT_BROKEN',
  'CHECKPOINT_MISMATCH',
  'CHECKPOINT_NEWER_VERSION',
]);

/** A broken file is left out and said; storage that is away is an error of the whole (R5). */
const orBroken = async <T>(
  path: string,
  broken: { path: string; error: ErrorInfo }[],
  read: () => Promise<T>,
): Promise<T | undefined> => {
  try {
    return await read();
  } catch (error) {
    const info = errorInfo(error);
    if (!BROKEN_CODES.has(info.code)) {
      throw error;
    }
    broken.push({ path, error: info });
    return undefined;
  }
};
