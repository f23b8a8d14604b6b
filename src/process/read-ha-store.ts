import type { JobEntry } from '../coordination/job-entry.ts';
import type { JobGraphPointer } from '../coordination/job-graph-store.ts';
import type { StoreReader } from '../coordination/high-availability-services.ts';
import type { LeaderInformation } from '../coordination/leadership.ts';
import type { ClusterStorage } from '../coordination/storage/cluster-storage.ts';
import { parseConnectString, type ServerName } from '../coordination/zookeeper/client/connect-string.ts';
import { askEnsemble } from '../coordination/zookeeper/ensemble/ensemble-status.ts';
import type { Clock } from '../foundation/common/clock.ts';
import { messageOf, MillraceError } from '../foundation/common/errors.ts';
import { silentLogger } from '../foundation/common/logger.ts';
import type { JobId } from '../foundation/common/ids.ts';
import type { Random } from '../foundation/common/random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { highAvailabilityOptions } from '../foundation/config/options/high-availability-options.ts';
import type { HaJob, HaLeader, HaStore } from '../interfaces/cli/ha/ha-status.ts';
import { openHighAvailability } from './high-availability.ts';
import { connectStringOf } from './open-zookeeper.ts';

/**
 * What the HA store of the configuration says now, and the servers that it consists of. Errors: BAD_OPTION where the configuration names
 * none.
 */
export const readHaStore = async (
  configuration: Configuration,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<HaStore> => {
  const type = configuration.get(highAvailabilityOptions.type);
  if (type === 'none') {
    throw new MillraceError(
      'BAD_OPTION',
      'no cluster is started on this machine (millrace cluster start), and high-availability.type is none, so that there is no HA ' +
        'store to ask; name one with -D high-availability.type and what belongs to it',
    );
  }
  const clusterId = configuration.get(highAvailabilityOptions.clusterId);
  const ensemble = type === 'zookeeper' ? await askEnsemble({ servers: serversOf(configuration), clock }) : undefined;
  const named = { type, clusterId, ensemble };
  // Nobody would answer, and to find that out again takes a client long.
  if (ensemble !== undefined && !ensemble.servers.some(({ mode }) => mode !== 'unreachable')) {
    return { ...named, ...notAsked('no server of the ensemble can be reached') };
  }
  if (ensemble?.state === 'no-leader') {
    return { ...named, ...notAsked('the ensemble has no leader, so that it does not answer') };
  }
  return { ...named, ...(await contentsOf(configuration, { clock, random })) };
};

type Found = Pick<HaStore, 'leader' | 'obstacle' | 'jobs' | 'orphans'>;

const notAsked = (obstacle: string): Found => ({ leader: undefined, jobs: undefined, orphans: undefined, obstacle });

const contentsOf = async (
  configuration: Configuration,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<Found> => {
  try {
    const options = { clock, random, logger: silentLogger, role: 'client' } as const;
    const { services, storage } = await openHighAvailability(configuration, options);
    try {
      const leader = await services.retrieval.read();
      const { health } = services;
      if (health.state !== 'answers') {
        return notAsked(health.error.message);
      }
      // The files first: what is submitted meanwhile is no orphan.
      const folders = await jobFoldersOf(storage);
      const entries = await services.reader.jobs();
      const known = new Set([...entries, ...(await services.reader.results())].map(({ jobId }) => jobId));
      return {
        obstacle: undefined,
        leader: leader && leaderOf(leader),
        jobs: await Promise.all(entries.map((entry) => jobOf(entry, services.reader))),
        orphans: {
          paths: folders.jobIds.filter((jobId) => !known.has(jobId)).map((jobId) => storage!.jobFolder(jobId)),
          obstacle: folders.obstacle,
        },
      };
    } finally {
      await services.close();
    }
  } catch (thrown) {
    return notAsked(messageOf(thrown));
  }
};

const leaderOf = ({ endpoints, leadership, falseAlarms }: LeaderInformation): HaLeader => ({
  restAddress: endpoints.restAddress,
  sessionId: leadership.sessionId,
  epoch: leadership.epoch,
  grantedAtMs: leadership.grantedAtMs,
  falseAlarms,
});

const jobOf = async (entry: JobEntry<JobGraphPointer>, reader: StoreReader): Promise<HaJob> => {
  const newest = (await reader.checkpoints(entry.jobId)).at(-1)?.value;
  return {
    jobId: entry.jobId,
    jobName: entry.kind === 'read' ? entry.value.jobName : undefined,
    checkpoint: newest && { id: newest.checkpointId, kind: newest.kind, path: newest.metadataPath },
  };
};

/** The files may be out of reach from where an operator asks. */
const jobFoldersOf = async (
  storage: ClusterStorage | undefined,
): Promise<{ readonly jobIds: readonly JobId[]; readonly obstacle: string | undefined }> => {
  try {
    return { jobIds: (await storage?.jobIds()) ?? [], obstacle: undefined };
  } catch (thrown) {
    return { jobIds: [], obstacle: messageOf(thrown) };
  }
};

const serversOf = (configuration: Configuration): readonly ServerName[] =>
  parseConnectString(connectStringOf(configuration)).servers;
