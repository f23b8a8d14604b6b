/** One time of leading: what every write and every command carries (I1, I2). */
export interface Leadership {
  /** Made with the cluster's root in the store; epochs compare within it (R12). */
  readonly lineage: string;
  /** Raised by the write that is the grant; never given twice in a lineage (I5). */
  readonly epoch: number;
  /** A UUID, for display and for Flink's wire shapes. */
  readonly sessionId: string;
  /** The wall clock of the one who was granted it, for people. */
  readonly grantedAtMs: number;
}

/** Where a JobManager is reached. */
export interface LeaderEndpoints {
  /** New with each start of a process: tells a restarted JobManager from the one before at the same address. */
  readonly instanceId: string;
  /** `host:port`. */
  readonly rpcAddress: string;
  /** `http://host:port`. */
  readonly restAddress: string;
}

/** Who leads, or claims to, as the store says. */
export interface LeaderInformation {
  readonly leadership: Leadership;
  readonly endpoints: LeaderEndpoints;
  /** It has fenced and read (R14): commands go to it. Before that only standbys look at it. */
  readonly isPublished: boolean;
  /** Suspicions in this lineage that hit a living leader; shown in `ha status`. */
  readonly falseAlarms: number;
}

export const isSameLeadership = (a: Leadership | undefined, b: Leadership | undefined): boolean =>
  a?.lineage === b?.lineage && a?.epoch === b?.epoch;
