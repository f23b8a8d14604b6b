import type { JobId } from '../foundation/common/ids.ts';
import type { LeaderStores } from './high-availability-services.ts';
import type { ClusterStorage } from './storage/cluster-storage.ts';
import { assert } from '../foundation/common/assert.ts';

/**
 * Removes what an ended job leaves, in the order that a crash cannot break (R9, I3): its result is dirty before; pointers; files; the
 * result becomes clean. Repeated by the next leader where it stopped.
 */
export const removeEndedJob = async (
  stores: LeaderStores,
  storage: ClusterStorage | undefined,
  jobId: JobId,
  /** Checkpoint files, as far as they are not to be kept. */
  deleteCheckpoints: () => Promise<void>,
): Promise<void> => {
  const result = await stores.jobResults.get(jobId);
  assert(result !== undefined, `job ${jobId} has no result: it has not ended (R9)`);
  if (!result.isDirty) {
    return;
  }
  await stores.removeJob(jobId);
  await deleteCheckpoints();
  await storage?.deleteJob(jobId);
  await stores.jobResults.markClean(jobId);
};
