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

/** What the HA store of a cluster says. */
export interface HaStore {
  readonly type: string;
  readonly clusterId: string;
  /** Why the store could not be asked, with the way out; `undefined`: it answered. */
  readonly obstacle: string | undefined;
  /** `undefined`: nobody, or the store could not be asked. */
  readonly leader: HaLeader | undefined;
  /** `undefined`: the store is no ensemble of servers. */
  readonly ensemble: HaEnsemble | undefined;
}

export interface HaStatus extends HaStore {
  /** Why the leader that the store names could not be reached; `undefined`: it answered, or there is none. */
  readonly leaderObstacle: string | undefined;
}

/** `at-risk`: it works, and the loss of one more server of the store stops it. */
export type HaHealth = 'healthy' | 'at-risk' | 'no-leader' | 'not-known';

/** For scripts. */
export const HA_EXIT_CODES = { healthy: 0, 'at-risk': 1, 'no-leader': 2, 'not-known': 3 } as const satisfies Record<
  HaHealth,
  number
>;

export const healthOf = ({ obstacle, leader, leaderObstacle, ensemble }: HaStatus): HaHealth => {
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
    return ensemble?.mayFail === 0 ? 'at-risk' : 'healthy';
  }
  return 'not-known';
};
