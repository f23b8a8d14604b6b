import { MillraceError } from '../../foundation/common/errors.ts';
import type { JobId } from '../../foundation/common/ids.ts';
import type { Random } from '../../foundation/common/random.ts';

/**
 * Names below `high-availability.storageDir`, in every implementation of HA:
 *
 *     <cluster-id>/
 *       leader-marker                                 written by each leader, read by all
 *       <job id>/submittedExecutionPlan-<random>      the job graph file
 *       <job id>/blob_<SHA-256>                       bundles
 *       <job id>/job-<12 digits>.mjs                  the program, as all processes import it
 *       results/<job id>-<random>                     how jobs ended
 *       checkpoints/                                  where nothing else is set
 *       savepoints/                                   the same
 *       ha-store/                                     of `embedded`, where nothing else is set
 *
 * Names have a random part or are the hash of the content: none is used for two contents (R16).
 */
export const MARKER_NAME = 'leader-marker';
export const RESULTS_NAME = 'results';
export const CHECKPOINTS_NAME = 'checkpoints';
export const SAVEPOINTS_NAME = 'savepoints';
export const EMBEDDED_STORE_NAME = 'ha-store';

const JOB_ID = /^[0-9a-f]{32}$/;
const GRAPH_FILE = /^submittedExecutionPlan-[0-9a-f]{16}$/;

export const graphFileName = (random: Random): string => `submittedExecutionPlan-${random.hex(16)}`;
export const isGraphFileName = (name: string): boolean => GRAPH_FILE.test(name);
export const bundleFileName = (hash: string): string => `blob_${hash}`;
export const bundleHashOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1).replace(/^blob_/, '');
export const resultFileName = (jobId: JobId, random: Random): string => `${jobId}-${random.hex(16)}`;
export const isJobFolderName = (name: string): name is JobId => JOB_ID.test(name);

/** `<storageDir>/<cluster-id>`; a cluster id may begin with `/`, as Flink's default does, and has parts of plain letters. */
export const clusterFolder = (storageDirectory: string, clusterId: string): string => {
  const parts = clusterId.split('/').filter((part) => part !== '');
  const isPlain = parts.length > 0 && parts.every((part) => /^[A-Za-z0-9._-]+$/.test(part) && !/^\.+$/.test(part));
  if (!isPlain) {
    throw new MillraceError(
      'BAD_OPTION',
      `high-availability.cluster-id is ${JSON.stringify(clusterId)}; use letters, digits, ".", "_", "-", and "/" between parts`,
    );
  }
  return `${storageDirectory.replace(/\/+$/, '')}/${parts.join('/')}`;
};
