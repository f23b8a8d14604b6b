import { FLINK_KEYS, FLINK_PREFIXES } from './flink-keys.ts';
import { editDistance, nearestOf } from './nearest.ts';
import { mapType } from './option-type.ts';
import { type AnyOption, namesOf } from './option.ts';
import { checkpointingOptions } from './options/checkpointing-options.ts';
import { clusterOptions } from './options/cluster-options.ts';
import { executionOptions } from './options/execution-options.ts';
import { highAvailabilityOptions } from './options/high-availability-options.ts';
import { jobManagerOptions } from './options/jobmanager-options.ts';
import { processOptions } from './options/process-options.ts';
import { recoveryOptions } from './options/recovery-options.ts';
import { restartOptions } from './options/restart-options.ts';
import { rpcOptions } from './options/rpc-options.ts';
import { securityOptions } from './options/security-options.ts';
import { taskManagerOptions } from './options/taskmanager-options.ts';
import { zooKeeperOptions } from './options/zookeeper-options.ts';

export interface OptionGroup {
  readonly title: string;
  readonly options: readonly AnyOption[];
}

const group = (title: string, options: Readonly<Record<string, AnyOption>>): OptionGroup => ({
  title,
  options: Object.values(options),
});

/** In the order in which the documentation shows them. */
export const OPTION_GROUPS: readonly OptionGroup[] = [
  group('Execution', executionOptions),
  group('Checkpointing', checkpointingOptions),
  group('Starting from a savepoint or checkpoint', recoveryOptions),
  group('Restarts', restartOptions),
  group('TaskManager', taskManagerOptions),
  group('JobManager', jobManagerOptions),
  group('State, folders, logs', processOptions),
  group('Between processes', rpcOptions),
  group('TLS between processes', securityOptions),
  group('Cluster and REST', clusterOptions),
  group('High availability', highAvailabilityOptions),
  group('ZooKeeper', zooKeeperOptions),
];

export const ALL_OPTIONS: readonly AnyOption[] = OPTION_GROUPS.flatMap(({ options }) => options);

const optionsByName = new Map<string, AnyOption[]>();
for (const option of ALL_OPTIONS) {
  for (const name of namesOf(option)) {
    optionsByName.set(name, [...(optionsByName.get(name) ?? []), option]);
  }
}
const mapOptions = ALL_OPTIONS.filter((option) => option.type === mapType);
const flinkKeys = new Set(FLINK_KEYS);
const suggestions: readonly string[] = [...optionsByName.keys(), ...FLINK_KEYS];

/** A key of a family of Flink's is still taken for a slip when it is this close to an option. */
const SLIP_DISTANCE = 2;

/** What is known of a key that somebody wrote. */
export type KeyMeaning =
  /** The current or an old name of options; several share an old name where Flink split one in two. */
  | {
      readonly kind: 'option';
      readonly options: readonly AnyOption[];
      readonly isDeprecated: boolean;
      /** Never a key of Flink's, nor one of Millrace's own: only read. */
      readonly isOtherSpelling: boolean;
    }
  | { readonly kind: 'flink' }
  | { readonly kind: 'unknown'; readonly nearest: string | undefined };

export const meaningOf = (key: string): KeyMeaning => {
  const options = optionsByName.get(key) ?? mapOptions.filter((option) => key.startsWith(`${option.key}.`));
  if (options.length > 0) {
    const isDeprecated = options.every((option) => option.deprecatedKeys.includes(key));
    const isOtherSpelling = options.every((option) => option.otherSpellings.includes(key));
    return { kind: 'option', options, isDeprecated, isOtherSpelling };
  }
  if (flinkKeys.has(key)) {
    return { kind: 'flink' };
  }
  const nearest = rightKeyOf(nearestOf(key, suggestions));
  if (FLINK_PREFIXES.some((prefix) => key.startsWith(prefix))) {
    const isSlip = nearest !== undefined && editDistance(key, nearest.written) <= SLIP_DISTANCE;
    return isSlip ? { kind: 'unknown', nearest: nearest.right } : { kind: 'flink' };
  }
  return { kind: 'unknown', nearest: nearest?.right };
};

/** Nobody is told to write another spelling: it stands for the right key. */
const rightKeyOf = (written: string | undefined): { readonly written: string; readonly right: string } | undefined => {
  if (written === undefined) {
    return undefined;
  }
  const option = optionsByName.get(written)?.find(({ otherSpellings }) => otherSpellings.includes(written));
  return { written, right: option?.key ?? written };
};

/** The environment variable of an option: `MILLRACE_CONF_EXECUTION_CHECKPOINTING_INTERVAL`. */
export const ENVIRONMENT_PREFIX = 'MILLRACE_CONF_';

export const environmentName = (key: string): string =>
  ENVIRONMENT_PREFIX + key.replaceAll(/[^a-zA-Z0-9]/g, '_').toUpperCase();

/** Keys by environment variable. Current names come first where an old one would give the same variable. */
export const keysByEnvironmentName: ReadonlyMap<string, string> = new Map([
  ...[...FLINK_KEYS, ...ALL_OPTIONS.flatMap((option) => namesOf(option).slice(1))].map(
    (key) => [environmentName(key), key] as const,
  ),
  ...ALL_OPTIONS.map(({ key }) => [environmentName(key), key] as const),
]);

/** Words in keys whose values are never shown. */
const SECRET_WORDS =
  /password|secret|token|credential|authorization|api-?key|service-key|account\.key|basic-auth|jaas\.config|http-headers/i;

export const isSecret = (key: string): boolean => SECRET_WORDS.test(key);

export const HIDDEN_VALUE = '******';
