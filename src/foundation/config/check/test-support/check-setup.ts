import type { PlaceKind, ServerAnswer, ServerSettings } from '../check-facts.ts';
import type { FindingCode, FindingLevel } from '../finding.ts';

/** What a check is given, as its user has it. */
export interface Setup {
  /** Lines of flink-conf.yaml. */
  readonly config?: readonly string[];
  readonly masters?: readonly string[];
  readonly workers?: readonly string[];
  readonly servers?: readonly (readonly [string, Partial<ServerAnswer>?])[];
  readonly quorumProblem?: string;
  readonly places?: Readonly<Record<string, PlaceKind>>;
  /** Of fixtures/manifests, or texts. */
  readonly manifests?: readonly string[];
}

export interface CheckCase {
  readonly code: FindingCode;
  readonly level: FindingLevel;
  readonly what: string;
  readonly found: Setup;
  /** Where it is said to be. */
  readonly origin: string | undefined;
  /** Words of the message. */
  readonly says: string;
  /** Alike, and nothing is wrong with it. */
  readonly notFound: Setup;
}

export const STORAGE = 'high-availability.storageDir';
export const CHECKPOINTS = 'execution.checkpointing.dir';
export const TYPE = 'high-availability.type: zookeeper';
export const QUORUM = 'high-availability.zookeeper.quorum: zk1:2181,zk2:2181,zk3:2181';
export const TIMEOUT = 'high-availability.zookeeper.client.session-timeout';
export const ACL = 'high-availability.zookeeper.client.acl: creator';
export const AUTHORIZATION = 'high-availability.zookeeper.client.authorization';

/** Of which nothing is to be said. */
export const SOUND: Setup = {
  config: [
    TYPE,
    `${STORAGE}: /shared/ha`,
    QUORUM,
    'execution.checkpointing.interval: 10 s',
    'taskmanager.numberOfTaskSlots: 2',
  ],
  masters: ['jm1:8081', 'jm2:8081'],
  workers: ['tm1', 'tm2', 'tm3'],
  servers: [['zk1:2181'], ['zk2:2181'], ['zk3:2181']],
  places: { [STORAGE]: 'shared' },
};

export const sound = (changes: Setup, ...lines: readonly string[]): Setup => ({
  ...SOUND,
  ...changes,
  config: [...(changes.config ?? SOUND.config ?? []), ...lines],
});

export const without = (key: string): readonly string[] => (SOUND.config ?? []).filter((line) => !line.startsWith(key));

export const settings = (changes: Partial<ServerSettings> = {}): Partial<ServerAnswer> => ({
  mode: 'follower',
  settings: {
    tickTimeMs: 2000,
    minSessionTimeoutMs: 4000,
    maxSessionTimeoutMs: 40_000,
    syncLimit: 5,
    voters: 3,
    ...changes,
  },
});

export const asked = (answer: Partial<ServerAnswer>): NonNullable<Setup['servers']> => [
  ['zk1:2181', answer],
  ['zk2:2181', answer],
  ['zk3:2181', answer],
];
