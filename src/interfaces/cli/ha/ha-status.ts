import type { Standbys } from '../../../runtime/protocol/standbys.ts';

/** A ZooKeeper server, as it says; plain data. */
export interface EnsembleServer {
  /** `host:port`. */
  readonly address: string;
  /** `leader`, `follower`, `unreachable` and the like. */
  readonly mode: string;
  /** Why there are no figures, for people. */
  readonly detail?: string;
  readonly version?: string;
  readonly latencyMs?: { readonly min: number; readonly avg: number; readonly max: number };
  readonly connections?: number;
  readonly znodes?: number;
  /** Hexadecimal. */
  readonly zxid?: string;
  /** In transactions. */
  readonly behind?: number;
}

export interface HaEnsemble {
  readonly state: 'works' | 'no-leader' | 'not-known';
  readonly leader?: string;
  /** Servers with a vote. */
  readonly voters: number;
  readonly quorum: number;
  readonly serving: number;
  /** They may serve too, and do not take the question. */
  readonly unasked: number;
  /** At least. */
  readonly mayFail: number;
  readonly problems: readonly string[];
  readonly servers: readonly EnsembleServer[];
}

export interface HaLeader {
  /** `http://host:port`. */
  readonly restAddress: string;
  readonly sessionId: string;
  readonly epoch: number;
  /** Milliseconds since 1970. */
  readonly grantedAtMs: number;
  /** Takeovers in which the leader was suspected and lived. */
  readonly falseAlarms: number;
}

/** A job that has not ended, and what of it is safe. */
export interface HaJob {
  readonly jobId: string;
  /** `undefined`: what the store has of it cannot be read. */
  readonly jobName: string | undefined;
  /** The newest that the store points to; `undefined`: it would start from its beginning. */
  readonly checkpoint:
    | { readonly id: number; readonly kind: 'checkpoint' | 'savepoint'; readonly path: string }
    | undefined;
}

/** Folders of jobs in `storageDir` that the store points to no more. */
export interface HaOrphans {
  readonly paths: readonly string[];
  /** Why they cannot be looked for from here. */
  readonly obstacle: string | undefined;
}

/** What the HA store of a cluster says. */
export interface HaStore {
  readonly type: string;
  readonly clusterId: string;
  /** Why the store could not be asked, with the way out; `undefined`: it answered. */
  readonly obstacle: string | undefined;
  /** `undefined`: nobody, or the store could not be asked. */
  readonly leader: HaLeader | undefined;
  /** Ascending by id; `undefined`: the store could not be asked. */
  readonly jobs: readonly HaJob[] | undefined;
  readonly orphans: HaOrphans | undefined;
  /** `undefined`: the store is no ensemble of servers. */
  readonly ensemble: HaEnsemble | undefined;
}

export interface HaStatus extends HaStore {
  /** JobManagers that wait to lead; `undefined`: the leader could not be asked. */
  readonly standbys: Standbys['standbys'] | undefined;
  /** Why the leader that the store names could not be reached; `undefined`: it answered, or there is none. */
  readonly leaderObstacle: string | undefined;
}

/** `at-risk`: it works, and the loss of one more server of the store, or of the leader that nobody stands by for, stops it. */
export type HaHealth = 'healthy' | 'at-risk' | 'no-leader' | 'not-known';

/** For scripts. */
export const HA_EXIT_CODES = { healthy: 0, 'at-risk': 1, 'no-leader': 2, 'not-known': 3 } as const satisfies Record<
  HaHealth,
  number
>;

export const healthOf = ({ obstacle, leader, leaderObstacle, standbys, ensemble }: HaStatus): HaHealth => {
  if (ensemble?.state === 'no-leader') {
    return 'no-leader';
  }
  if (obstacle !== undefined) {
    return 'not-known';
  }
  if (leader === undefined || leaderObstacle !== undefined) {
    return 'no-leader';
  }
  if (ensemble === undefined || ensemble.state === 'works') {
    return ensemble?.mayFail === 0 || standbys?.length === 0 ? 'at-risk' : 'healthy';
  }
  return 'not-known';
};
