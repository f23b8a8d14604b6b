import type { LeaderView } from './leader-folder.ts';
import type { MultiOperation, ZooKeeperClient } from './client/zookeeper-client.ts';
import type { StorePaths } from './store-paths.ts';

/** What this process's leadership consists of in the ensemble: each of its writes is conditional on it (I1). */
export interface LeaderClaim {
  readonly epoch: number;
  /** Of the session that owns the latch node. */
  readonly client: ZooKeeperClient;
  readonly latchPath: string;
  readonly latchVersion: number;
  readonly epochVersion: number;
}

export const claimOf = (view: LeaderView, client: ZooKeeperClient, paths: StorePaths): LeaderClaim | undefined =>
  view.own === undefined || view.own.name !== view.epoch.latch
    ? undefined
    : {
        epoch: view.epoch.epoch,
        client,
        latchPath: `${paths.latches}/${view.own.name}`,
        latchVersion: view.own.version,
        epochVersion: view.epochVersion,
      };

export const isSameClaim = (one: LeaderClaim, other: LeaderClaim): boolean =>
  one.client === other.client &&
  one.latchPath === other.latchPath &&
  one.latchVersion === other.latchVersion &&
  one.epochVersion === other.epochVersion;

/**
 * The beginning of each multi of a leader. The grant wrote the latch node too: in an older copy of the ensemble, where the latch stands
 * in the queue again and another was granted an epoch of the same version, it has its version from before the grant.
 */
export const leadershipChecks = (claim: LeaderClaim, { epoch }: StorePaths): readonly MultiOperation[] => [
  { kind: 'check', path: claim.latchPath, version: claim.latchVersion },
  { kind: 'check', path: epoch, version: claim.epochVersion },
];
