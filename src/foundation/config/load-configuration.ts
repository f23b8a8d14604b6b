import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, messageOf, MillraceError } from '../common/errors.ts';
import { checkConfiguration } from './check-configuration.ts';
import { type ConfigEntry, Configuration } from './configuration.ts';
import { parseFlatConfig } from './flat-config.ts';
import { nearestOf } from './nearest.ts';
import { ENVIRONMENT_PREFIX, keysByEnvironmentName } from './option-registry.ts';
import { type ParsedConfig, parseYamlConfig } from './yaml-config.ts';

export interface ConfigurationSources {
  /** `--config`: a folder, or a file in the format of `config.yaml`. */
  readonly configDir?: string | undefined;
  /** Values of `-D`, each `key=value`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where `./conf` is looked for. */
  readonly workingFolder?: string;
}

export interface LoadedConfiguration {
  readonly configuration: Configuration;
  /** The file that was read. */
  readonly file: string | undefined;
  readonly warnings: readonly string[];
  readonly hints: readonly string[];
}

/** `config.yaml` comes before the file of older Flink releases. */
const FILES = [
  { name: 'config.yaml', parse: parseYamlConfig },
  { name: 'flink-conf.yaml', parse: parseFlatConfig },
] as const;

/**
 * Reads the configuration: a file, over it the environment, over that `-D`. The file is looked for in `--config`,
 * `MILLRACE_CONF_DIR`, `FLINK_CONF_DIR` and `./conf`; the first that is set (that exists, for `./conf`) is the one.
 *
 * Errors: BAD_OPTION with one line for each value that is not allowed; FILE_NOT_FOUND when a folder was named and has
 * no configuration file.
 */
export const loadConfiguration = (sources: ConfigurationSources): LoadedConfiguration => {
  const { configuration, file, warnings } = readConfiguration(sources);
  const findings = checkConfiguration(configuration);
  if (findings.errors.length > 0) {
    throw new MillraceError('BAD_OPTION', findings.errors.join('\n'));
  }
  return { configuration, file, warnings: [...warnings, ...findings.warnings], hints: findings.hints };
};

/**
 * What is set, with wrong values and all; warnings are about the texts alone. Errors: BAD_OPTION for a text that cannot be read,
 * FILE_NOT_FOUND as `loadConfiguration`.
 */
export const readConfiguration = (sources: ConfigurationSources): Omit<LoadedConfiguration, 'hints'> => {
  const env = sources.env ?? {};
  const file = findFile(sources, env);
  const warnings: string[] = [...file.warnings];

  let configuration = Configuration.empty;
  if (file.content !== undefined) {
    configuration = configuration.with(file.content.entries);
    warnings.push(...file.content.warnings);
  }
  const fromEnvironment = environmentEntries(env);
  warnings.push(...fromEnvironment.warnings);
  configuration = configuration.with(fromEnvironment.entries).with(argumentEntries(sources.args ?? []));
  return { configuration, file: file.path, warnings };
};

interface FoundFile {
  readonly path: string | undefined;
  readonly content: ParsedConfig | undefined;
  readonly warnings: readonly string[];
}

const nothingFound: FoundFile = { path: undefined, content: undefined, warnings: [] };

const findFile = (
  { configDir, workingFolder = '.' }: ConfigurationSources,
  env: Readonly<Record<string, string | undefined>>,
): FoundFile => {
  const named: readonly (readonly [string, string | undefined])[] = [
    ['--config', configDir],
    ['MILLRACE_CONF_DIR', env['MILLRACE_CONF_DIR']],
  ];
  for (const [by, place] of named) {
    if (place !== undefined && place !== '') {
      return readPlace(place) ?? fail(by, place);
    }
  }
  // The folder belongs to Flink: that it is missing or empty must not stop a user of Millrace.
  const flinkFolder = env['FLINK_CONF_DIR'];
  if (flinkFolder !== undefined && flinkFolder !== '') {
    const found = readPlace(flinkFolder);
    return (
      found ?? {
        ...(readPlace(join(workingFolder, 'conf')) ?? nothingFound),
        warnings: [`FLINK_CONF_DIR is ${flinkFolder}, which has neither config.yaml nor flink-conf.yaml`],
      }
    );
  }
  return readPlace(join(workingFolder, 'conf')) ?? nothingFound;
};

const fail = (by: string, place: string): never => {
  const names = FILES.map(({ name }) => name).join(' nor ');
  throw new MillraceError(
    'FILE_NOT_FOUND',
    `${by} is ${place}, which is no configuration file, and has neither ${names} in it`,
  );
};

const readPlace = (place: string): FoundFile | undefined => {
  if (statSync(place, { throwIfNoEntry: false })?.isFile() === true) {
    const parse = place.endsWith('flink-conf.yaml') ? parseFlatConfig : parseYamlConfig;
    return { path: place, content: parse(readText(place) ?? '', place), warnings: [] };
  }
  for (const { name, parse } of FILES) {
    const path = join(place, name);
    const text = readText(path);
    if (text !== undefined) {
      return { path, content: parse(text, path), warnings: [] };
    }
  }
  return undefined;
};

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') {
      return undefined;
    }
    throw new MillraceError('FILESYSTEM', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
};

/** `MILLRACE_CONF_` and the key in capitals, each other character `_`. */
const environmentEntries = (env: Readonly<Record<string, string | undefined>>): ParsedConfig => {
  const entries: ConfigEntry[] = [];
  const warnings: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(ENVIRONMENT_PREFIX) || name === 'MILLRACE_CONF_DIR' || value === undefined) {
      continue;
    }
    const key = keysByEnvironmentName.get(name);
    if (key === undefined) {
      const nearest = nearestOf(name, keysByEnvironmentName.keys());
      warnings.push(
        `the environment variable ${name} names no key${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
      );
    } else {
      entries.push({ key, value, origin: name });
    }
  }
  return { entries, warnings };
};

const argumentEntries = (args: readonly string[]): readonly ConfigEntry[] =>
  args.map((argument) => {
    const text = argument.replace(/^-D/, '');
    const equals = text.indexOf('=');
    if (equals <= 0) {
      throw new MillraceError('BAD_OPTION', `-D ${text}: expected key=value, such as -D parallelism.default=4`);
    }
    return { key: text.slice(0, equals).trim(), value: text.slice(equals + 1), origin: '-D' };
  });
