import { leaderElectionContract } from './leader-election-contract.ts';
import { leaderStoresContract } from './leader-stores-contract.ts';
import type { HaCase } from './test-support/ha-cluster.ts';

export type { HaCase, HaCluster } from './test-support/ha-cluster.ts';

/** What every implementation of HA does the same way. */
export const highAvailabilityContract: readonly HaCase[] = [...leaderElectionContract, ...leaderStoresContract];
