import type { Configuration } from '../configuration.ts';
import type { AnyOption } from '../option.ts';

/** The closed list of what `millrace config check` finds. */
export const FINDING_CODES = [
  'ACL_WITHOUT_AUTHENTICATION',
  'BAD_QUORUM',
  'BAD_VALUE',
  'CHECKPOINTING_OFF',
  'CHECKPOINTS_IN_MEMORY',
  'CHECKPOINTS_TEMPORARY',
  'CONTRADICTORY_KEYS',
  'HA_WITHOUT_QUORUM',
  'HA_WITHOUT_STORAGE_DIR',
  'KEY_WITHOUT_EFFECT',
  'MANY_JOBMANAGERS',
  'NOT_A_FLINK_KEY',
  'NO_SPARE_SLOT',
  'OLD_KEY',
  'ONE_JOBMANAGER',
  'ONE_TASKMANAGER',
  'PLACE_NOT_IN_THIS_VERSION',
  'QUORUM_WITHOUT_HA',
  'RESTART_POLICY_IS_NOT_HA',
  'SESSION_TIMEOUT_TOO_LONG',
  'SESSION_TIMEOUT_TOO_SHORT',
  'STORAGE_IN_MEMORY',
  'STORAGE_NOT_SHARED',
  'STORAGE_TEMPORARY',
  'SYNC_LIMIT_ABOVE_SESSION_TIMEOUT',
  'UNCLEAR_SETTING',
  'UNKNOWN_KEY',
  'UNREADABLE_CONFIGURATION',
  'UNREADABLE_MANIFEST',
  'ZOOKEEPER_BESIDE_PROCESS',
  'ZOOKEEPER_EVEN_SERVERS',
  'ZOOKEEPER_NOT_ASKED',
  'ZOOKEEPER_ONE_SERVER',
] as const;

export type FindingCode = (typeof FINDING_CODES)[number];

/** `error`: processes refuse to start, or do what nobody wanted. `risk`: a failure may cost more than it must. `hint`: worth knowing. */
export type FindingLevel = 'error' | 'risk' | 'hint';

export interface Finding {
  readonly code: FindingCode;
  readonly level: FindingLevel;
  /** What is so, and why it matters. */
  readonly message: string;
  /** `conf/config.yaml:12`, `-D`; `undefined`: of nothing that is written. */
  readonly origin: string | undefined;
  /** What to do. */
  readonly wayOut: string;
}

/** Where an option is set; `undefined` when it is not. */
export const originOf = (configuration: Configuration, option: AnyOption): string | undefined =>
  configuration.entry(option)?.origin;

/** The value; a wrong one, which is a finding of its own, counts as none. */
export const valueOf = <T>(configuration: Configuration, option: AnyOption & { readonly default: T }): T => {
  const entry = configuration.entry(option);
  return entry === undefined ? option.default : ((option.type.parse(entry.value) as T | undefined) ?? option.default);
};
