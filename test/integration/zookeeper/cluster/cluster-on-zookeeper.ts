import { ClusterUnderTest, type ClusterOptions } from '../../../chaos/cluster-under-test.ts';
import { onEnsemble } from '../../../chaos/store-of-cluster.ts';
import type { Ensemble } from '../ensemble.ts';

/** What leads a process to this ensemble; each call to a store of its own there. */
export const onZooKeeper = (ensemble: Ensemble): Readonly<Record<string, string>> => onEnsemble(ensemble.connectString);

/** A cluster of the shipped processes whose JobManagers agree through this ensemble. */
export const startCluster = (
  ensemble: Ensemble,
  { configuration = {}, ...options }: ClusterOptions,
): Promise<ClusterUnderTest> =>
  ClusterUnderTest.start({ ...options, configuration: { ...onZooKeeper(ensemble), ...configuration } });

/** The process that runs the job's newest task. */
export const hostOf = (cluster: ClusterUnderTest, pid: number): string => {
  const host = cluster.running.find((name) => cluster.pidOf(name) === pid);
  if (host === undefined) {
    throw new Error(`no process of the cluster has pid ${pid}`);
  }
  return host;
};
